"""A real database into the embedded Elasticsearch, with others writing to it meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator

import asyncpg
import pytest

from ingest.errors import IngestError
from ingest.sync.rules import BasicRules
from sandbox.elasticsearch import Server
from sandbox.postgresql import Cluster
from sources.errors import SourceError
from tests.integration.sync.mirror import Mirror
from tests.support.database import database_on
from tests.support.sync_harness import sync_harness


async def indexed(mirror: Mirror) -> dict[int, str]:
    """Return what the index says: key -> title."""
    documents = (await mirror.index.documents()).values()
    return {document["public_album_id"]: document["public_album_title"] for document in documents}


async def stored(mirror: Mirror) -> dict[int, str]:
    """Return what the table says: key -> title."""
    rows = await mirror.database.connection.fetch("SELECT id, title FROM public.album")
    return {row["id"]: row["title"] for row in rows}


@pytest.fixture
async def mirror(cluster: Cluster, elasticsearch: Server) -> AsyncIterator[Mirror]:
    async with database_on(cluster) as database, sync_harness(elasticsearch) as index:
        await database.execute(
            "CREATE TABLE public.album (id integer PRIMARY KEY, title text NOT NULL);"
            "INSERT INTO public.album SELECT n, 'title ' || n FROM generate_series(1, 300) AS n;"
        )
        yield Mirror(database, index)


async def test_rows_become_documents_and_changes_follow(mirror: Mirror) -> None:
    first = await mirror.sync()
    assert await indexed(mirror) == await stored(mirror)
    assert (first.read, first.created) == (300, 300)
    await mirror.database.execute(
        "DELETE FROM public.album WHERE id % 50 = 0;"
        "UPDATE public.album SET title = 'new \\\"\n' || id WHERE id % 60 = 1;"
        "UPDATE public.album SET id = id + 1000 WHERE id % 70 = 2;"
        "INSERT INTO public.album VALUES (9999, E'\\x1f é 漢字');"
    )

    second = await mirror.sync()
    third = await mirror.sync()

    assert await indexed(mirror) == await stored(mirror)
    assert second.deleted == 6 + 5
    assert (third.indexed, third.deleted, third.unchanged) == (0, 0, 295)


@pytest.mark.parametrize(
    ("operator", "value"),
    [("starts_with", "title 1"), ("regex", "title 1.*")],
    ids=["decided by PostgreSQL", "decided here"],
)
async def test_changing_a_rule_sends_no_document_whose_row_did_not_change(
    mirror: Mirror, operator: str, value: str
) -> None:
    await mirror.sync()
    rule = {
        "id": "1", "policy": "exclude", "field": "public_album_title", "rule": operator, "value": value,
        "order": 1,
    }  # fmt: skip
    mirror.index.rules = BasicRules.from_wire([rule])

    stats = await mirror.sync()

    left = {key: title for key, title in (await stored(mirror)).items() if not title.startswith("title 1")}
    assert await indexed(mirror) == left
    assert (stats.indexed, stats.unchanged) == (0, len(left))
    assert (stats.deleted, stats.excluded) == (300 - len(left), 300 - len(left))


@pytest.mark.parametrize(
    "harm",
    [
        "REVOKE ALL ON public.album FROM reader",
        "DROP TABLE public.album",
        "ALTER TABLE public.album DROP CONSTRAINT album_pkey",
    ],
)
async def test_b1_a_table_that_cannot_be_read_any_more_keeps_its_documents(mirror: Mirror, harm: str) -> None:
    database = mirror.database
    await database.execute(
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'reader';"
        "GRANT SELECT ON public.album TO reader;"
    )
    reader = {"username": "reader", "password": "reader", "tables": "album"}
    try:
        await mirror.sync(**reader)
        await database.execute(harm)

        with pytest.raises((SourceError, IngestError), match="album"):
            await mirror.sync(**reader)

        assert mirror.index.deletes() == []
        assert len(await indexed(mirror)) == 300
    finally:
        await database.execute("DROP OWNED BY reader; DROP ROLE reader")


async def test_b2_others_writing_meanwhile_never_costs_a_row_that_stays_its_document(
    mirror: Mirror,
) -> None:
    mirror.index.with_bulk(chunk_size=20, max_concurrency=2)
    done = asyncio.Event()
    generator = random.Random(7)

    async def write() -> None:
        """Update rows 1 to 100, which stay; insert and delete others; move some to another key."""
        connection = await asyncpg.connect(
            host=mirror.database.cluster.host,
            port=mirror.database.cluster.port,
            user=mirror.database.cluster.user,
            password=mirror.database.cluster.password,
            database=mirror.database.name,
        )
        try:
            while not done.is_set():
                stays, comes = generator.randint(1, 100), generator.randint(101, 600)
                await connection.execute("UPDATE album SET title = title || '.' WHERE id = $1", stays)
                await connection.execute("DELETE FROM album WHERE id = $1", generator.randint(101, 600))
                await connection.execute(
                    "INSERT INTO album VALUES ($1, 'came') ON CONFLICT (id) DO UPDATE SET title = 'again'",
                    comes,
                )
        finally:
            await connection.close()

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        for _ in range(6):
            stats = await mirror.sync()
            assert stats.read == stats.indexed + stats.unchanged
        done.set()
    await mirror.sync()

    stay = {f"{mirror.database.name}_public_album_{key}" for key in range(1, 101)}
    assert stay.isdisjoint(mirror.index.deletes())
    assert mirror.index.deletes() != []
    assert await indexed(mirror) == await stored(mirror)

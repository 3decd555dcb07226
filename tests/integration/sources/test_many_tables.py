"""Thousands of tables cost what their rows cost: few connections, few queries, no lock that stays."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from sources.postgresql.catalog.catalog import Catalog
from tests.support.database import Database, read_all
from tests.support.fault_proxy import FaultProxy


async def create(database: Database, count: int, columns: str) -> None:
    for first in range(0, count, 500):
        await database.execute(
            "".join(
                f"CREATE TABLE t{number} (id int PRIMARY KEY, {columns});"
                f"INSERT INTO t{number} (id) VALUES ({number});"
                for number in range(first, min(first + 500, count))
            )
        )


async def test_all_tables_of_a_sync_are_read_over_one_connection(database: Database) -> None:
    await create(database, 30, "a text")
    async with FaultProxy(database.cluster.host, database.cluster.port) as proxy:
        reading = await read_all(database.source(host=proxy.host, port=proxy.port))

        assert len(reading.documents) == 30
        assert proxy.connections == 1


async def test_a_connection_is_not_used_for_ever(database: Database) -> None:
    await create(database, 250, "a text")
    async with FaultProxy(database.cluster.host, database.cluster.port) as proxy:
        reading = await read_all(database.source(host=proxy.host, port=proxy.port))

        assert len(reading.documents) == 250
        assert proxy.connections == 2


async def test_a_connection_lost_between_two_tables_is_replaced_without_a_word(database: Database) -> None:
    await create(database, 2, "a text")
    async with database.source() as source:
        first, second = await source.slices(None, 0)
        assert [batch.count async for batch in first.batches()] == [1]
        await database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE application_name = 'elastic-ingest' AND datname = '{database.name}'"
        )

        assert [batch.count async for batch in second.batches()] == [1]


async def test_no_connection_stays_after_the_source_is_closed(database: Database) -> None:
    await create(database, 2, "a text")
    async with database.source() as source:
        await source.ping()
        await source.check({})

    assert source.database._waiting is None


@pytest.mark.parametrize("columns", ["a text", "a jsonb, b json[]"])
async def test_discovery_asks_as_many_queries_for_many_tables_as_for_one(
    database: Database, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    fetch = Catalog._fetch

    async def counted(self: Catalog, query: str, *arguments: Any) -> list[Any]:
        asked.append(query)
        return await fetch(self, query, *arguments)

    monkeypatch.setattr(Catalog, "_fetch", counted)
    await create(database, 300, columns)
    await database.source(tables="t1").slices(None, 0)
    for_one = len(asked)

    slices = await database.source().slices(None, 0)

    assert len(slices) == 300
    assert len(asked) == 2 * for_one


async def test_reading_a_small_table_takes_six_statements(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each costs as much as reading some hundred rows, whatever is asked, and there may be thousands."""
    asked: list[str] = []

    def count(name: str) -> None:
        original = getattr(asyncpg.Connection, name)

        async def counted(self: Any, query: str, *arguments: Any, **options: Any) -> Any:
            asked.append(query)
            return await original(self, query, *arguments, **options)

        monkeypatch.setattr(asyncpg.Connection, name, counted)

    await create(database, 12, "a jsonb, b text")
    async with database.source() as source:
        slices = await source.slices(None, 0)
        assert [batch.count async for batch in slices[0].batches()] == [1]
        for name in ("execute", "fetch", "fetchval", "copy_from_query"):
            count(name)

        for slice_ in slices[1:]:
            async with slice_.snapshot() as snapshot:
                assert snapshot.position is not None
                assert [batch.count async for batch in snapshot.batches()] == [1]

    # begin, lock, what is there and where, rows, still there, commit
    assert len(asked) == 6 * 11


async def test_discovery_keeps_no_lock_on_what_it_looks_at(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locks are counted at the last moment of discovery's transaction, whatever it does before."""
    await create(database, 20, "a jsonb")
    kept: list[int] = []
    source = database.source()
    transaction = source.database.transaction

    @asynccontextmanager
    async def watched() -> AsyncIterator[Any]:
        async with transaction() as connection:
            yield connection
            kept.append(
                await connection.fetchval(
                    "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation >= 16384"
                )
            )

    monkeypatch.setattr(source.database, "transaction", watched)

    assert len(await source.slices(None, 0)) == 20
    await source.check({})

    assert kept == [0, 0]

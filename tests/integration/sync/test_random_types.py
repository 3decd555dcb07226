"""A whole table of any types, names and values is in the index as it is in PostgreSQL, value by value."""

from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import HealthCheck, given, settings

from ingest.sync.kinds.full import full_sync
from ingest.sync.progress.stats import Stats
from sandbox.elasticsearch import Server
from sandbox.postgresql import Cluster
from tests.integration.sync.random_types import Table, quoted, tables
from tests.support.database import Database, database_on
from tests.support.sync_harness import INDEX, SyncHarness, sync_harness

OF_THE_SERVICE = ("_", "id", "database", "schema", "table")


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    async with database_on(cluster) as database:
        yield database


async def compare(database: Database, index: SyncHarness, table: Table) -> None:
    """Sync twice: every row is indexed with the values it was made with, then none has changed."""
    await database.execute(table.script)
    source = database.source(schema=quoted(table.schema), tables=quoted(table.name))
    first, second = Stats(), Stats()
    await full_sync(index.request(source), index.context(first))
    await full_sync(index.request(source), index.context(second))
    documents = await index.documents()

    found = {}
    for document in documents.values():
        key, *values = [
            value
            for name, value in document.items()
            if name not in OF_THE_SERVICE[1:] and name.startswith(table.schema.lower())
        ]
        found[key] = values
    assert list(table.mismatches(found)) == []
    assert (first.rejected, first.nulled, first.created) == (0, 0, len(table.rows))
    assert second.unchanged == len(table.rows)


def checked(examples: int) -> Callable[..., None]:
    """A test of that many tables, each in a clean schema and index."""

    @given(table=tables())
    @settings(
        max_examples=examples,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large
        ],
    )  # fmt: skip
    async def test(database: Database, elasticsearch: Server, table: Table) -> None:
        async with sync_harness(elasticsearch) as index:
            try:
                await compare(database, index, table)
            finally:
                await database.execute(f"DROP SCHEMA IF EXISTS {quoted(table.schema)} CASCADE")
                await index.call("DELETE", f"/{INDEX}?ignore_unavailable=true")

    return test


test_a_table_of_random_types_is_indexed_as_it_is = checked(8)
test_many_tables_of_random_types_are_indexed_as_they_are = pytest.mark.slow(checked(400))

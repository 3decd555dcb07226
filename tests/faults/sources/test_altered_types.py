"""A type is altered, which waits for no lock on the tables that have columns of it.

Whatever is altered, however deep it is in a column's type: a slice found before is read as one found after.
"""

from contextlib import aclosing

import pytest

from sources.contract import Slice
from sources.errors import SourceUnavailableError
from tests.faults.sources.reading import slice_of
from tests.support.database import Database, Known, read
from tests.support.sweeps import sampled

TYPES = """
    CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN code AS text;
    CREATE TYPE pair AS (x int, y text, m mood, c code);
    CREATE DOMAIN dpair AS pair; CREATE TYPE within AS (p pair); CREATE TYPE deep AS (ps dpair[], w within);
    CREATE TYPE pairs AS RANGE (subtype = pair{multirange});
"""
MULTIRANGES_SINCE = 14
"""The version of PostgreSQL that made a multirange type of every range type."""
ONE, OTHER = "ROW(1, 'a', 'sad', 'c')::pair", "ROW(2, 'b', 'ok', 'd')::pair"
COLUMNS = {
    "pair": ONE,
    "pair[]": f"ARRAY[{ONE}, {OTHER}]",
    "dpair": f"{ONE}::dpair",
    "within": f"ROW({ONE})::within",
    "deep": f"ROW(ARRAY[{ONE}, NULL]::dpair[], ROW({OTHER})::within)::deep",
    "pairs": f"pairs({ONE}, {OTHER})",
    "many_pairs": f"many_pairs(pairs({ONE}, {OTHER}))",
}
CHANGES = [
    "ALTER TYPE pair ADD ATTRIBUTE z int",
    "ALTER TYPE pair RENAME ATTRIBUTE y TO why",
    "ALTER TYPE pair DROP ATTRIBUTE why",
    "ALTER TYPE pair DROP ATTRIBUTE x, ADD ATTRIBUTE x text",
    "ALTER TYPE mood RENAME VALUE 'sad' TO 'low'",
    "ALTER TYPE mood RENAME TO feeling",
    "ALTER DOMAIN code RENAME TO cipher",
    "ALTER TYPE pair RENAME TO couple",
    "CREATE SCHEMA other; ALTER TYPE couple SET SCHEMA other",
]
"""One after the other."""


async def create(database: Database, column: str) -> None:
    has_multiranges = database.connection.get_server_version().major >= MULTIRANGES_SINCE
    if column == "many_pairs" and not has_multiranges:
        pytest.skip(f"multiranges came with version {MULTIRANGES_SINCE}")
    types = TYPES.format(multirange=", multirange_type_name = many_pairs" if has_multiranges else "")
    await database.execute(
        f"{types} CREATE TABLE t (id int PRIMARY KEY, v {column});"
        f" INSERT INTO t VALUES (1, {COLUMNS[column]})"
    )


@pytest.mark.parametrize(("column", "known"), [*sampled(COLUMNS, [None], every=2), ("deep", Known({}))])
async def test_p11_a_type_altered_after_discovery_is_read_as_it_is(
    database: Database, column: str, known: Known | None
) -> None:
    await create(database, column)
    for change in CHANGES:
        found_before = await slice_of(database)
        await database.execute(change)

        documents = (await read(found_before, known)).documents

        found_after = await slice_of(database)
        assert documents == (await read(found_after)).documents, change
        assert documents


async def altering(database: Database, slice_: Slice, change: str) -> None:
    """Read a slice, whose type is altered at its first row."""
    async with aclosing(slice_.batches()) as batches:
        async for _ in batches:
            await database.execute(change)


@pytest.mark.parametrize(("column", "change"), sampled(COLUMNS, CHANGES[:2], every=2))
async def test_p11_a_type_altered_while_it_is_read_is_an_error_that_passes(
    database: Database, column: str, change: str
) -> None:
    await create(database, column)
    slice_ = await slice_of(database)

    with pytest.raises(SourceUnavailableError, match="altered"):
        await altering(database, slice_, change)

    documents = (await read(slice_)).documents
    assert documents == (await read(await slice_of(database))).documents

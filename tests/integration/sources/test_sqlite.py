"""SQLite: every value in one form, keys that tell rows apart, one snapshot, errors that say what to do."""

import math
import sqlite3
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from sources.contract import ADDED_MEMBERS
from sources.errors import SourceConfigurationError
from sources.sqlite import SQLite
from tests.support.database import read


class File:
    """A database file of the test's own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = sqlite3.connect(path, isolation_level=None)

    def source(self, tables: str = "*") -> SQLite:
        return SQLite({"path": str(self.path), "tables": tables})


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    file = File(tmp_path / "shop.db")
    file.connection.execute("PRAGMA journal_mode = wal")
    yield file
    file.connection.close()


async def test_every_storage_class_has_its_form(file: File) -> None:
    file.connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
    values = [None, 2**63 - 1, -(2**63), 0.1, "ä\n\x01", b"\x00\xff", math.inf, math.nan]
    file.connection.executemany("INSERT INTO t VALUES (?, ?)", enumerate(values))
    (slice_,) = await file.source().slices(None, 0)

    reading = await read(slice_)

    shown = [str(document["t_v"]) for document in reading.documents.values()]
    assert shown == ["None", str(2**63 - 1), str(-(2**63)), "0.1", "ä\n\x01", "AP8=", "None", "None"]
    assert reading.nulled == 1  # SQLite stores NaN as null itself


async def test_no_field_is_called_as_a_member_that_the_service_adds(file: File) -> None:
    file.connection.execute('CREATE TABLE _content (id INTEGER PRIMARY KEY, "hash")')
    file.connection.execute("INSERT INTO _content VALUES (1, 'x')")
    (slice_,) = await file.source().slices(None, 0)

    (document,) = (await read(slice_)).documents.values()

    assert document["_content_hash_"] == "x"
    assert "_content_hash_" in slice_.columns
    assert not ADDED_MEMBERS & set(document)


async def test_keys_that_differ_in_type_or_by_a_divider_are_different_ids(file: File) -> None:
    file.connection.execute("CREATE TABLE t (a BLOB, b BLOB, PRIMARY KEY (a, b))")
    keys = [
        (1, "1"),
        ("1", 1),
        (1.5, "x"),
        ("1.5", "x"),
        (b"1", ""),
        ("a,b", "c"),
        ("a", "b,c"),
        ("x" * 900, 1),
    ]
    file.connection.executemany("INSERT INTO t VALUES (?, ?)", keys)
    (slice_,) = await file.source().slices(None, 0)

    assert len((await read(slice_)).documents) == len(keys)


async def test_rows_written_during_the_read_do_not_disturb_its_snapshot(file: File) -> None:
    file.connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    file.connection.executemany("INSERT INTO t VALUES (?)", [(number,) for number in range(2000)])
    (slice_,) = await file.source().slices(None, 0)

    count = 0
    async with aclosing(slice_.batches()) as batches:
        async for batch in batches:
            count += batch.count
            file.connection.execute("DELETE FROM t WHERE id > 1000")

    assert count == 2000


async def test_a_table_that_is_gone_or_has_lost_its_key_is_an_error(file: File) -> None:
    file.connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    (slice_,) = await file.source().slices(None, 0)
    file.connection.execute("DROP TABLE t")
    with pytest.raises(SourceConfigurationError, match="does not exist"):
        await read(slice_)
    file.connection.execute("CREATE TABLE t (id)")
    with pytest.raises(SourceConfigurationError, match="no primary key"):
        await read(slice_)
    with pytest.raises(SourceConfigurationError, match="no primary key"):
        await file.source().slices(None, 0)


async def test_a_null_in_a_key_and_what_is_no_database_are_errors(file: File, tmp_path: Path) -> None:
    file.connection.execute("CREATE TABLE t (id TEXT PRIMARY KEY)")
    file.connection.execute("INSERT INTO t VALUES (NULL), (NULL)")
    (slice_,) = await file.source().slices(None, 0)
    with pytest.raises(SourceConfigurationError, match="NOT NULL"):
        await read(slice_)
    with pytest.raises(SourceConfigurationError, match="'missing' was not found"):
        await file.source("missing").slices(None, 0)
    (tmp_path / "text").write_text("no database" * 100)
    for name in ("text", "absent"):
        with pytest.raises(SourceConfigurationError):
            await SQLite({"path": str(tmp_path / name)}).ping()

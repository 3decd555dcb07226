"""The Chinook sample as its authors publish it, through the whole service: every row, every value.

The script is not part of this project. `CHINOOK_SQL` says where it is; without that it is looked for beside
the checkout, in `shared/data`.
"""

import json
import os
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.postgresql import Cluster
from sandbox.process import Process
from sandbox.world import World, world
from tests.repo import project
from tests.support import sandbox_world
from tests.support.postgresql import server

BESIDE = project.ROOT.parent / "shared/data/Chinook_PostgreSql.sql"
SCRIPT = Path(os.environ.get("CHINOOK_SQL", BESIDE))
TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the Chinook script is not here; see CHINOOK_SQL")

KEYS = {"playlist_track": ("playlist_id", "track_id")}
"""Keys of the tables whose key is not simply `<table>_id`."""


@pytest.fixture(scope="module")
def chinook() -> Iterator[tuple[World, Process]]:
    """The sample in a database, and a service with a connector that waits for its configuration."""

    def fill(cluster: Cluster) -> None:
        cluster.execute(SCRIPT.read_text())  # creates the database `chinook` itself

    with world(fill, postgresql=server) as created, created.service() as service:
        sandbox_world.set_up(created, service)
        yield created, service


def rows(world: World, table: str) -> list[Mapping[str, Any]]:
    """Return the rows of a table as PostgreSQL itself writes them in JSON, numbers exact."""
    printed = world.sql(f"SELECT to_json(t) FROM {table} t")
    return [json.loads(line, parse_float=Decimal) for line in printed.splitlines()]


def expected(world: World, table: str) -> dict[str, dict[str, Any]]:
    """Return what the index should hold of a table."""
    key_columns = KEYS.get(table, (f"{table}_id",))
    return {
        f"chinook_public_{table}_{','.join(str(row[column]) for column in key_columns)}": {
            f"public_{table}_{name}": value for name, value in row.items()
        }
        for row in rows(world, table)
    }


def columns(document: Mapping[str, Any], table: str) -> dict[str, Any]:
    """Return the fields of a document that are columns of its table."""
    return {name: value for name, value in document.items() if name.startswith(f"public_{table}_")}


def test_two_tables_give_622_documents(chinook: tuple[World, Process]) -> None:
    world, service = chinook
    sandbox_world.configure(world, tables="album,artist")

    job = sandbox_world.sync(world, service)

    assert (job["status"], job["error"]) == ("completed", None)
    assert job["indexed_document_count"] == 622
    assert len(sandbox_world.documents(world)) == 622


def test_all_tables_give_every_row_with_equal_values(chinook: tuple[World, Process]) -> None:
    world, service = chinook
    sandbox_world.configure(world, tables="*")

    job = sandbox_world.sync(world, service)

    assert (job["status"], job["error"]) == ("completed", None)
    names = world.sql(TABLES).split()
    assert len(names) == 11
    for table in names:
        found = sandbox_world.documents(world, term={"table": table})
        assert {key: columns(document, table) for key, document in found.items()} == expected(world, table)
    assert job["total_document_count"] == sum(len(rows(world, table)) for table in names)

"""PostgreSQL writes the ids that were given once, by a key of any type."""

import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from sources.postgresql.catalog.types import Attribute, Type, TypeKind
from sources.postgresql.render.ids import json_id, prefix_of
from tests.support.database import Database

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "unit/sources/postgresql/render/golden_ids.json").read_text()
)
TYPES = ("int8", "uuid", "text")


def column(type_name: str, *, is_not_null: bool) -> Attribute:
    of = Type(oid=0, schema="pg_catalog", name=type_name, kind=TypeKind.BASE)
    return Attribute(name="k", type=of, is_not_null=is_not_null)


async def is_value(database: Database, text: str | None, type_name: str) -> bool:
    """Whether a type has a value that is written like this."""
    try:
        written = await database.connection.fetchval(f"SELECT $1::text::{type_name}::text", text)
    except asyncpg.PostgresError:
        return False
    return bool(written == text)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["id"][:60])
async def test_an_id_that_was_given_once_stays(database: Database, case: dict[str, Any]) -> None:
    prefix = prefix_of(case["database"], case["schema"], case["tables"])
    key = case["key"]

    for type_name in TYPES:
        if not all([await is_value(database, part, type_name) for part in key]):
            continue
        columns = [column(type_name, is_not_null=part is not None) for part in key]
        values = [f"${number}::text::{type_name}" for number in range(1, len(key) + 1)]
        written = json_id(prefix, list(zip(values, columns, strict=True))).between("", "")

        assert json.loads(await database.connection.fetchval(f"SELECT {written}", *key)) == case["id"]

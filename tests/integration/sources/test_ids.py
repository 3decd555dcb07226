"""PostgreSQL writes the ids that were given once, by a key of any type."""

import json
from pathlib import Path

import asyncpg

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


async def test_an_id_that_was_given_once_stays(database: Database) -> None:
    written: list[tuple[str, str, str]] = []
    for case in GOLDEN:
        prefix, key = prefix_of(case["database"], case["schema"], case["tables"]), case["key"]
        for type_name in TYPES:
            if not all([await is_value(database, part, type_name) for part in key]):
                continue
            columns = [column(type_name, is_not_null=part is not None) for part in key]
            values = [f"${number}::text::{type_name}" for number in range(1, len(key) + 1)]
            sql = json_id(prefix, list(zip(values, columns, strict=True))).between("", "")
            text = await database.connection.fetchval(f"SELECT {sql}", *key)
            written.append((case["id"], type_name, json.loads(text)))

    assert {case_id for case_id, _, _ in written} == {case["id"] for case in GOLDEN}
    assert [one for one in written if one[0] != one[2]] == []

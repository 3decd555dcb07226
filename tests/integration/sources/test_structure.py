"""A value is never structure, even if its column is of another type than it was when it was looked up."""

import json
from typing import Any

import asyncpg
import pytest

from sources.contract import HASH_END
from sources.postgresql.catalog.types import Attribute, Type, TypeKind
from sources.postgresql.render.document_sql import DocumentSQL, Origin
from sources.postgresql.render.sql import Rendering
from tests.support.database import Database
from tests.support.sweeps import sampled

HOSTILE = [
    '1,"admin":true', '"', '","admin":true,"x":"', "\\", "null}\n{", "[1", '{"a":1,"admin":', "\x01\x02\x03"
]  # fmt: skip
BUILT_IN = [
    "int2", "int4", "int8", "oid", "bool", "float4", "float8", "numeric", "money", "text", "varchar",
    "bpchar", "uuid", "date", "time", "timetz", "timestamp", "timestamptz", "interval", "macaddr", "bit",
    "varbit", "pg_lsn", "xid", "inet", "cidr", "json", "jsonb", "bytea", "point", "xml", "name", "tsvector",
]  # fmt: skip


def built_in(name: str) -> Type:
    return Type(oid=1, schema="pg_catalog", name=name, kind=TypeKind.BASE)


@pytest.mark.parametrize(("believed", "is_key"), sampled(BUILT_IN, [False, True], every=4))
async def test_text_in_a_column_believed_to_be_of_another_type_is_an_error_or_a_value(
    database: Database, believed: str, is_key: bool
) -> None:
    await database.execute("CREATE TABLE t (id text, v text)")
    await database.connection.executemany("INSERT INTO t VALUES ($1, $1)", [(text,) for text in HOSTILE])
    column = Attribute(name="v", type=built_in(believed), is_not_null=True)
    identity = Attribute(name="id", type=built_in(believed if is_key else "text"), is_not_null=True)
    document_sql = DocumentSQL(
        origin=Origin(database="d", schema="s", tables=("t",)),
        columns=(identity, column),
        key=("id",),
        rendering=Rendering(server_version=18, max_value_bytes=1_000_000),
        seed=0,
    )

    for text in HOSTILE:
        select = f"{document_sql.select('(SELECT * FROM t)')} AND t.v = $1"
        try:
            id_and_hash, rest = await database.connection.fetchrow(select, text)
        except asyncpg.PostgresError:
            continue
        members: dict[str, Any] = json.loads("{" + rest)
        assert list(members) == ["id", "database", "schema", "table", "s_t_id", "s_t_v"]
        assert not {"\n", HASH_END.decode()} & {*id_and_hash, *rest}

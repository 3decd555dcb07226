"""Whatever rows a table has, its documents are those rows, under the ids Python computes for their keys."""

import base64
import json
import math
import struct
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.postgresql.render.ids import prefix_of
from tests.support.database import Database, Known, read_all
from tests.support.document_ids import document_id
from tests.support.examples import examples_divided_by

texts = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
decimals = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(-(10**25), 10**25),
    st.integers(-60, 60),
)
rows = st.lists(
    st.tuples(
        texts,
        st.integers(-(2**63), 2**63 - 1),
        texts | st.none(),
        decimals | st.just(Decimal("NaN")) | st.none(),
        st.floats(width=64),
        st.floats(width=32),
        st.binary(max_size=100),
        st.datetimes(timezones=st.just(UTC)),
        json_values,
        st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), max_size=4),
        st.lists(texts, max_size=3),
    ),
    max_size=5,
    unique_by=lambda row: row[:2],
)
COLUMNS = """
k text, n int8, a text, b numeric, c float8, d float4, e bytea, f timestamptz, g jsonb, h int4[], i text[]
"""


@given(rows=rows)
@settings(max_examples=examples_divided_by(3), suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_documents_are_the_rows(database: Database, rows: list[tuple[Any, ...]]) -> None:
    await database.execute(f"DROP TABLE IF EXISTS t; CREATE TABLE t ({COLUMNS}, PRIMARY KEY (k, n))")
    await database.connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=str, format="text"
    )
    await database.connection.executemany(
        "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", rows
    )

    reading = await read_all(database.source())
    again = await read_all(database.source(), is_unchanged=Known(reading.hashes))

    prefix = prefix_of(database.name, "public", ["t"])
    assert {identifier: plain(document) for identifier, document in reading.documents.items()} == {
        document_id(prefix, [row[0], str(row[1])]): expected(row) for row in rows
    }
    assert reading.nulled == sum(lost(row) for row in rows)
    assert (again.documents, again.unchanged) == ({}, len(rows))


def plain(document: dict[str, Any]) -> list[Any]:
    """The values of a document's columns, each in the form it is compared in."""
    k, n, a, b, c, d, e, f, g, h, i = (document[f"public_t_{name}"] for name in "knabcdefghi")
    return [k, n, a, as_text(b), as_float(c), as_single(d), e, datetime.fromisoformat(f), numbers(g), h, i]


def expected(row: tuple[Any, ...]) -> list[Any]:
    k, n, a, b, c, d, e, f, g, h, i = row
    number = None if b is None or b.is_nan() else as_text(b)
    return [k, n, a, number, finite(c), finite(d), base64.b64encode(e).decode(), f, numbers(g), h, i]


def lost(row: tuple[Any, ...]) -> int:
    return sum([row[3] is not None and row[3].is_nan(), not math.isfinite(row[4]), not math.isfinite(row[5])])


def as_text(number: Any) -> str | None:
    """A number with every digit it has, however it is written."""
    if number is None:
        return None
    decimal = Decimal(number)
    return "0" if decimal == 0 else f"{decimal.normalize():f}"


def as_float(number: Any) -> float | None:
    return None if number is None else float(number)


def as_single(number: Any) -> float | None:
    """The value of single precision that these digits, the fewest that tell it, stand for."""
    single: float | None = None if number is None else struct.unpack("f", struct.pack("f", float(number)))[0]
    return single


def finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def numbers(value: Any) -> Any:
    """JSON with Decimals for floats turned to what Python's own parser gives."""
    match value:
        case dict():
            return {name: numbers(inner) for name, inner in value.items()}
        case list():
            return [numbers(inner) for inner in value]
        case Decimal():
            return int(value)
        case _:
            return value

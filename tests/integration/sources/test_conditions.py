"""Rules as an SQL condition leave out exactly the rows whose documents the service would leave out."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.sync.rules import BasicRules
from sources.contract import HASH_END, Slice
from sources.postgresql.quoting import literal
from tests.support.database import Database, Known, read

COLUMNS = {
    "small": ("smallint", ["0", "-1", "7", "32767"]),
    "whole": ("integer", ["0", "1", "-7", "70", "7007"]),
    "big": ("bigint", ["9223372036854775807", "-9223372036854775808", "10", "4294967297"]),
    "exact": ("numeric", ["1.0", "1.00", "0.1", "NaN", "Infinity", "-Infinity", "1e40", "-7"]),
    "scaled": ("numeric(8,2)", ["1.5", "-1.5", "0", "NaN", "700"]),
    "yes": ("boolean", ["true", "false", "true"]),
    "uid": ("uuid", ["2024-0101-0000-0000-0000-0000-0000-0001".replace("-", "")[:32], "f" * 32, "0" * 32]),
    "words": (
        "text",
        ["", "a", "A", "abc", "cab", "é", "日本", "a_b", "100%", "true", "7", "2024-01-01", "x" * 40],
    ),
    "short": ("varchar(9)", ["abc", "Abc ", " abc", "it's", "back\\slash", '"q"', "\n"]),
    "padded": ("char(5)", ["abc", "a", ""]),
    "day": ("date", ["2024-01-01", "1999-12-31"]),
    "ratio": ("double precision", ["0.1", "1", "NaN", "7"]),
}
MAX_VALUE_BYTES = 1024
ROWS = 40


@pytest.fixture
async def table(database: Database) -> Database:
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    await database.connection.execute(f"CREATE TABLE t (id int PRIMARY KEY, {columns})")
    samples = {
        name: [text for text in texts if await database.has(f"{literal(text)}::{kind}")]
        for name, (kind, texts) in COLUMNS.items()
    }
    for number in range(ROWS):
        values: list[Any] = [
            None if number % 7 == 3 else texts[number % len(texts)] for texts in samples.values()
        ]
        marks = ", ".join(f"${i + 2}::text::{kind}" for i, (kind, _) in enumerate(COLUMNS.values()))
        await database.connection.execute(f"INSERT INTO t VALUES ($1, {marks})", number, *values)
    await database.connection.execute(
        "INSERT INTO t (id, words) VALUES (1000, repeat('abc', $1)), (1001, repeat('é', $1))", MAX_VALUE_BYTES
    )
    return database


@pytest.fixture
async def everything(table: Database) -> tuple[Slice, list[bytes]]:
    """The table as a slice, and all of its lines."""
    slice_ = await the_slice(table)
    return slice_, (await read(slice_)).lines


def rule(number: int, field: str, operator: str, value: str, policy: str) -> dict[str, Any]:
    return {
        "id": f"r{number}", "field": f"public_t_{field}", "rule": operator, "value": value, "policy": policy,
        "order": number,
    }  # fmt: skip


@st.composite
def rule_sets(draw: st.DrawFn, fields: tuple[str, ...], operators: tuple[str, ...]) -> BasicRules:
    texts = sorted(
        {text for field in fields if field in COLUMNS for text in COLUMNS[field][1] if text.strip()}
    )
    values = st.sampled_from(
        [*texts, "7", "1", "1.0", "true", "FALSE", "b", "a", "%", "_", "1e2", "-0", "0x1"]
    )
    count = draw(st.integers(1, 4))
    wire = [
        rule(
            number,
            draw(st.sampled_from(fields)),
            draw(st.sampled_from(operators)),
            draw(values),
            draw(st.sampled_from(["include", "exclude"])),
        )
        for number in range(count)
    ]
    distinct = {(one["field"], one["rule"], one["value"]): one for one in wire}
    return BasicRules.from_wire(list(distinct.values()))


async def the_slice(database: Database) -> Slice:
    (slice_,) = await database.source(max_value_bytes=str(MAX_VALUE_BYTES)).slices(None, 0)
    return slice_


def kept_by_the_service(lines: list[bytes], rules: BasicRules) -> set[bytes]:
    return {line for line in lines if rules.keep_json(b"{" + line[line.index(HASH_END) + 1 :])}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rules=rule_sets(
        ("small", "whole", "big", "exact", "scaled", "yes", "uid", "words", "short", "missing"),
        ("equals", "starts_with", "ends_with", "contains", ">", "<"),
    )
)
async def test_postgresql_leaves_out_what_the_service_would(
    everything: tuple[Slice, list[bytes]], rules: BasicRules
) -> None:
    slice_, lines = everything

    narrowed = slice_.narrowed(rules.tests)

    if narrowed is not None:
        assert set((await read(narrowed)).lines) == kept_by_the_service(lines, rules)


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        ("whole", ">", "7"),
        ("big", "equals", "9223372036854775807"),
        ("exact", "<", "1.05"),
        ("yes", "equals", "True"),
        ("uid", "starts_with", "0000"),
        ("words", "contains", "ab"),
        ("short", "ends_with", "bc"),
        ("missing", "equals", "1"),
    ],
)
async def test_common_rules_are_left_to_postgresql(
    table: Database, field: str, operator: str, value: str
) -> None:
    slice_ = await the_slice(table)
    rules = BasicRules.from_wire([rule(0, field, operator, value, "exclude")])

    narrowed = slice_.narrowed(rules.tests)

    assert narrowed is not None
    everything = (await read(slice_)).lines
    expected = kept_by_the_service(everything, rules)
    assert set((await read(narrowed)).lines) == expected
    assert (len(expected) < len(everything)) == (field != "missing")


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        ("words", "regex", "a.*b"),
        ("words", "equals", "2024-01-01"),
        ("words", ">", "a"),
        ("words", "equals", "é"),
        ("padded", "equals", "abc"),
        ("day", ">", "2000-01-01"),
        ("ratio", "equals", "0.1"),
        ("whole", "equals", "1e99999"),
    ],
)
async def test_rules_that_sql_would_decide_otherwise_are_left_to_the_service(
    table: Database, field: str, operator: str, value: str
) -> None:
    slice_ = await the_slice(table)
    rules = BasicRules.from_wire([rule(0, field, operator, value, "exclude")])

    assert slice_.narrowed(rules.tests) is None


async def test_a_narrowed_slice_reads_only_what_changed_of_what_is_wanted(table: Database) -> None:
    rules = BasicRules.from_wire([rule(0, "yes", "equals", "true", "exclude")])
    narrowed = (await the_slice(table)).narrowed(rules.tests)
    assert narrowed is not None

    before = await read(narrowed)
    await table.connection.execute("UPDATE t SET whole = 12345 WHERE id IN (0, 1)")

    again = await read(narrowed, Known(before.hashes))

    assert len(again.lines) + again.unchanged == len(before.lines)
    assert all(b"12345" in line for line in again.lines)
    assert len(again.lines) == 1

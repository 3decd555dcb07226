"""Every value PostgreSQL can hold becomes defined JSON, as exact as PostgreSQL prints it."""

from typing import Any

import orjson

from sources.postgresql.quoting import literal
from tests.integration.sources.value_cases import CASES, DEFINITIONS, NULLED, PLAIN_TYPES, TWICE
from tests.support.database import Database, Reading, exact, read_all


async def known_cases(database: Database) -> list[tuple[str, str, Any]]:
    """Define the types, and return the cases whose types and values this server has."""
    await database.add_vector()
    await database.execute(DEFINITIONS)
    resolves_duplicates = database.cluster.version >= 16
    return [
        (of, text, wanted)
        for of, text, wanted in CASES
        if await database.has(f"{literal(text)}::{of}") and (resolves_duplicates or TWICE not in text)
    ]


async def test_each_value_has_its_form_and_losses_are_counted(database: Database) -> None:
    cases = await known_cases(database)
    columns = ", ".join(f"c{number} {of}" for number, (of, _, _) in enumerate(cases))
    values = ", ".join(f"{literal(text)}::{of}" for of, text, _ in cases)
    await database.execute(
        f"CREATE TABLE t (id int PRIMARY KEY, {columns}); INSERT INTO t VALUES (1, {values})"
    )

    reading = await read_all(database.source())

    shown = values_of(reading, len(cases))
    expected = [expectation(text, wanted) for _, text, wanted in cases]
    assert [
        f"{of} {text!r}: {found}, not {form}"
        for (of, text, _), found, (form, _) in zip(cases, shown, expected, strict=True)
        if found != form
    ] == []
    assert reading.nulled == sum(count for _, count in expected)


def values_of(reading: Reading, count: int) -> list[str]:
    """The JSON text of each column of the only document, as it is on the wire."""
    (line,) = reading.lines
    text = line.partition(b"\x02")[2].decode().partition(',"public_t_c0":')[2][:-1]
    values = []
    for number in range(1, count):
        value, _, text = text.partition(f',"public_t_c{number}":')
        values.append(value)
    return [*values, text]


def expectation(text: str, wanted: Any) -> tuple[str, int]:
    if wanted is NULLED:
        return "null", 1
    if isinstance(wanted, tuple):
        return wanted[0], wanted[1]
    return (orjson.dumps(text).decode() if wanted is None else wanted), 0


async def test_a_null_of_any_type_is_null(database: Database) -> None:
    types = sorted({of for of, _, _ in await known_cases(database)})
    columns = ", ".join(f"c{number} {of}" for number, of in enumerate(types))
    await database.execute(f"CREATE TABLE t (id int PRIMARY KEY, {columns}); INSERT INTO t VALUES (1)")

    reading = await read_all(database.source())

    (document,) = reading.documents.values()
    assert {name: value for name, value in document.items() if name.startswith("public_t_c")} == {
        f"public_t_c{number}": None for number in range(len(types))
    }
    assert reading.nulled == 0


PSEUDO_OR_UNSTORABLE = {
    "pg_node_tree",
    "pg_ndistinct",
    "pg_dependencies",
    "pg_mcv_list",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
    "pg_ddl_command",
}


async def test_every_built_in_type_can_be_a_column(database: Database) -> None:
    """Every type that a column can have is read, as null and, where there is a sample, as a value."""
    names = await database.connection.fetch(
        "SELECT oid, format_type(oid, NULL) AS name FROM pg_type WHERE typnamespace ="
        " 'pg_catalog'::regnamespace"
        " AND typtype IN ('b', 'd', 'e', 'r', 'm') AND typisdefined AND typrelid = 0 AND typname <>"
        " ALL($1::text[])"
        " AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = pg_type.typelem AND (e.typtype IN ('c', 'p')"
        " OR e.typname = ANY($1::text[])))",
        list(PSEUDO_OR_UNSTORABLE),
    )
    samples = {of: text for of, text, wanted in CASES if wanted is not NULLED}
    columns = ", ".join(f'"c{row["oid"]}" {row["name"]}' for row in names)
    await database.execute(f"CREATE TABLE t (id int PRIMARY KEY, {columns}); INSERT INTO t VALUES (1)")
    for row in names:
        if row["name"] in samples:
            await database.execute(
                f'UPDATE t SET "c{row["oid"]}" = {literal(samples[row["name"]])}::{row["name"]}'
            )

    reading = await read_all(database.source())
    (slice_,) = await database.source(mappings="dynamic").slices(None, 0)

    (document,) = reading.documents.values()
    assert len(names) > 100
    assert len([name for name in document if name.startswith("public_t_c")]) == len(names)
    assert set(document) == set(slice_.mapping)


async def test_what_is_plain_agrees_with_what_postgresql_prints_itself(database: Database) -> None:
    """For types whose form is PostgreSQL's own, the document equals `to_jsonb` of the row."""
    samples = [
        (of, text)
        for of, text, wanted in await known_cases(database)
        if of in PLAIN_TYPES and wanted is not NULLED and not (of == "numeric" and wanted[0] == '"')
    ]
    columns = ", ".join(f"c{number} {of}" for number, (of, _) in enumerate(samples))
    values = ", ".join(f"{literal(text)}::{of}" for of, text in samples)
    await database.execute(
        f"CREATE TABLE t (id int PRIMARY KEY, {columns}); INSERT INTO t VALUES (1, {values})"
    )
    await database.execute("SET IntervalStyle = 'iso_8601'; SET TimeZone = 'UTC'; SET xmloption = 'content'")
    printed = await database.value("SELECT to_jsonb(t)::text FROM t")

    reading = await read_all(database.source())

    (line,) = reading.lines
    document = exact(b"{" + line.partition(b"\x02")[2])
    expected = exact(printed)
    assert {
        name.removeprefix("public_t_"): value
        for name, value in document.items()
        if name.startswith("public_")
    } == expected


async def test_a_value_over_the_cap_is_null_and_counted_and_one_below_is_not(database: Database) -> None:
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a text, b bytea, c jsonb, d int[], e varchar(100), f json, g"
        " text);"
        "INSERT INTO t SELECT 1, repeat('x', 5000), convert_to(repeat('x', 5000), 'UTF8'),"
        " (SELECT jsonb_agg(md5(i::text)) FROM generate_series(1, 200) i),"
        " (SELECT array_agg(i * 1000003) FROM generate_series(1, 2000) i), 'short',"
        " to_json(repeat('x', 5000)), repeat('y', 4096)"
    )

    reading = await read_all(database.source(max_value_bytes=4096))

    (document,) = reading.documents.values()
    nulled = sorted(name.removeprefix("public_t_") for name, value in document.items() if value is None)
    assert nulled == ["a", "b", "c", "d", "f"]
    assert reading.nulled == 5
    assert document["public_t_e"] == "short"
    assert document["public_t_g"] == "y" * 4096


async def test_a_role_with_hostile_settings_gets_the_same_documents(database: Database) -> None:
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, f float8, r real, b bytea, ts timestamptz, d date, i interval);"
        r"INSERT INTO t VALUES (1, 0.1, 1.1, '\x00ff', '2024-01-02 03:04:05+00', '2024-01-02', '1 day 2"
        r" hours')"
    )
    before = await read_all(database.source())
    for setting in (
        "extra_float_digits = -15",
        "bytea_output = escape",
        "TimeZone = 'Asia/Kathmandu'",
        "DateStyle = 'German'",
        "IntervalStyle = 'sql_standard'",
        "search_path = nowhere",
        "standard_conforming_strings = off",
        "idle_in_transaction_session_timeout = 1",
        "lock_timeout = 1",
        "statement_timeout = '1ms'",
        "default_transaction_isolation = 'read committed'",
        "client_encoding = 'LATIN1'",
        "row_security = on",
        "quote_all_identifiers = on",
        "xmloption = document",
    ):
        await database.execute(f"ALTER DATABASE {database.name} SET {setting}")

    after = await read_all(database.source())

    assert after.documents == before.documents
    assert after.hashes == before.hashes


async def test_no_time_limit_of_the_role_or_the_database_holds(database: Database) -> None:
    source = database.source()
    limits = ["statement_timeout", "idle_in_transaction_session_timeout"]
    async with source.database.transaction() as connection:
        if connection.get_server_version().major >= 17:
            limits.append("transaction_timeout")
    for limit in limits:
        await database.execute(f"ALTER DATABASE {database.name} SET {limit} = '1h'")

    async with source.database.transaction() as connection:
        shown = [await connection.fetchval(f"SHOW {limit}") for limit in limits]

    assert shown == ["0"] * len(limits)

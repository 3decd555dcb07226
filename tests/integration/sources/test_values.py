"""Every value PostgreSQL can hold becomes defined JSON, as exact as PostgreSQL prints it."""

import base64
from typing import Any

import orjson

from sources.postgresql.quoting import literal
from tests.support.database import Database, Reading, exact, read_all

NULLED = object()
"""Marks a value that becomes null and is counted."""

TWICE = '"a": 1, "a"'
"""A key twice in a json: before version 16 such a value is as it is."""

CASES: list[tuple[str, str, Any]] = [
    # numbers
    ("int2", "-32768", "-32768"),
    ("int8", "9223372036854775807", "9223372036854775807"),
    ("oid", "4294967295", "4294967295"),
    ("bool", "true", "true"),
    ("real", "1.1", "1.1"),
    ("real", "3.4028235e+38", "3.4028235e+38"),
    ("float8", "0.1", "0.1"),
    ("float8", "1e-7", "1e-07"),
    ("float8", "-0", "-0.0"),
    ("float8", "1", "1.0"),
    ("float8", "-999999999999999", "-999999999999999.0"),
    ("float8", "1e15", "1e+15"),
    ("real", "16", "16.0"),
    ("real", "1000000", "1e+06"),
    ("float8", "NaN", NULLED),
    ("float4", "-Infinity", NULLED),
    ("numeric", "1234567890123456789.1234567890123456789012", "1234567890123456789.1234567890123456789012"),
    ("numeric", "1.10", "1.10"),
    ("numeric(12,2)", "1.1", "1.10"),
    ("numeric", "1e400", "1" + "0" * 400),
    ("numeric", "1e900", '"1' + "0" * 900 + '"'),
    ("numeric", "-1e-1500", '"-0.' + "0" * 1499 + '1"'),
    ("numeric[]", "{1,1e900,1.50}", '[1,"1' + "0" * 900 + '",1.50]'),
    ("numeric", "NaN", NULLED),
    ("numeric", "Infinity", NULLED),
    ("numeric(5,2)", "NaN", NULLED),
    ("money", "-1234.5", "-1234.50"),
    # texts
    ("text", 'quote " backslash \\ tab \t line \n return \r bell \x07 emoji 😀 sep \u2028', None),
    ("varchar(10)", "abc", '"abc"'),
    ("char(6)", "ab", '"ab"'),
    ('"char"', "x", '"x"'),
    ("name", "n", '"n"'),
    ("bytea", "\\x00ff10", '"' + base64.b64encode(b"\x00\xff\x10").decode() + '"'),
    ("bytea", "", '""'),
    # times
    ("date", "2024-02-29", '"2024-02-29"'),
    ("date", "0044-03-15 BC", '"0044-03-15 BC"'),
    ("date", "10000-01-01", '"10000-01-01"'),
    ("date", "infinity", '"infinity"'),
    ("timestamp", "2024-02-29 12:34:56.789", '"2024-02-29T12:34:56.789"'),
    ("timestamp", "0044-03-15 00:00:00 BC", '"0044-03-15T00:00:00 BC"'),
    ("timestamptz", "2024-02-29 12:00:00+05:30", '"2024-02-29T06:30:00+00:00"'),
    ("timestamptz", "294276-12-31 23:59:59.999999+00", '"294276-12-31T23:59:59.999999+00:00"'),
    ("timestamptz", "-infinity", '"-infinity"'),
    ("time", "24:00", '"24:00:00"'),
    ("timetz", "12:00:00.5+02", '"12:00:00.5+02"'),
    ("interval", "1 year 2 mons 3 days 04:05:06.789", '"P1Y2M3DT4H5M6.789S"'),
    ("interval", "-1 day", '"P-1D"'),
    # addresses, bits, ids
    ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'),
    ("inet", "10.0.0.1", '"10.0.0.1"'),
    ("inet", "10.0.0.1/8", '"10.0.0.1/8"'),
    ("inet", "::1", '"::1"'),
    ("cidr", "10.0.0.0/8", '"10.0.0.0/8"'),
    ("cidr", "::ffff:1.2.3.0/120", '{"gte":"::ffff:1.2.3.0","lte":"::ffff:1.2.3.255"}'),
    ("cidr[]", "{::/0,::ffff:1.2.3.4/128}", '["::/0",{"gte":"::ffff:1.2.3.4","lte":"::ffff:1.2.3.4"}]'),
    ("macaddr", "08:00:2b:01:02:03", '"08:00:2b:01:02:03"'),
    ("bit(3)", "101", '"101"'),
    ("varbit", "", '""'),
    # json
    ("jsonb", '{"b": [1, 2.50, null], "a": "\\" \\n"}', '{"a": "\\" \\n", "b": [1, 2.50, null]}'),
    ("jsonb", '"scalar"', '"scalar"'),
    ("json", '{"a":\r\n\t1}', '{"a":   1}'),
    ("json", '{"a": 1e999999}', '{"a": 1e999999}'),
    ("json", '{"a": "\\u0000"}', '{"a": "\\u0000"}'),
    ("json", '{"a": "\\\\ud800"}', '{"a": "\\\\ud800"}'),
    ("json", '{"a": "\\ud800"}', '{"a": "\\ufffd"}'),
    ("json", '{"a": "\\udc00 \\ud83d\\ude00 \\ud83d"}', '{"a": "\\ufffd \\ud83d\\ude00 \\ufffd"}'),
    ("json", '{"a": 1, "a": 2}', '{"a": 2}'),
    ("json", '{"a": 1, "a": "\\ud800"}', '{"a": "�"}'),
    ("json", '{"a": 1, "a": "\\u0000"}', NULLED),
    ("json", '{"a": 1, "a": 1e999999}', NULLED),
    # geometry
    ("point", "(1.5,-2)", '{"lat":-2.0,"lon":1.5}'),
    ("point", "(NaN,1)", NULLED),
    ("box", "(1,1),(0,0)", '"(1,1),(0,0)"'),
    ("polygon", "((0,0),(1,1),(1,0))", '"((0,0),(1,1),(1,0))"'),
    ("tsvector", "'a':1 'b':2", "\"'a':1 'b':2\""),
    # ranges
    ("int4range", "[1,5]", '{"gte":1,"lt":6}'),
    ("int4range", "(,)", "{}"),
    ("int4range", "empty", NULLED),
    ("numrange", "(1.50,2.5]", '{"gt":1.50,"lte":2.5}'),
    ("numrange", "[1,Infinity]", '{"gte":1}'),
    ("numrange", "[1,NaN]", NULLED),
    ("numrange", "[Infinity,)", NULLED),
    ("daterange", "[2024-01-01,infinity)", '{"gte":"2024-01-01"}'),
    ("daterange", "[-infinity,2024-01-01)", '{"lt":"2024-01-01"}'),
    ("daterange", "[2024-01-01,10000-01-01)", NULLED),
    ("tstzrange", "[2024-01-01 00:00+01,)", '{"gte":"2023-12-31T23:00:00.000+00:00"}'),
    # shorter than Elasticsearch can tell: a millisecond, a double
    ("tsrange", "[2024-01-01 00:00:00.0001,2024-01-01 00:00:00.0002)", NULLED),
    ("tsrange", "(2024-01-01 00:00:00.0001,2024-01-01 00:00:00.0019)", NULLED),
    (
        "tstzrange",
        "[2024-01-01 00:00:00.0009Z,2024-01-01 00:00:00.001Z)",
        '{"gte":"2024-01-01T00:00:00.0009+00:00","lt":"2024-01-01T00:00:00.001+00:00"}',
    ),
    (
        "tsrange",
        "[2024-01-01 00:00,2024-01-01 00:00]",
        '{"gte":"2024-01-01T00:00:00.000","lte":"2024-01-01T00:00:00.000"}',
    ),
    ("tsrange", "(-infinity,infinity)", "{}"),
    ("tsrange", "[294276-01-01,294276-01-02)", NULLED),
    (
        "tsmultirange",
        "{[2024-01-01,2024-01-01 00:00:00.0001),[2025-01-01,2026-01-01)}",
        ('[null,{"gte":"2025-01-01T00:00:00.000","lt":"2026-01-01T00:00:00.000"}]', 1),
    ),
    ("numrange", "(1,1.0000000000000000001)", NULLED),
    ("numrange", "[1,1.0000000000000000001]", '{"gte":1,"lte":1.0000000000000000001}'),
    ("numrange", "[0,1e-400)", NULLED),
    ("numrange", "[0,1e400)", NULLED),
    ("numrange", "(1e-320,1e30)", '{"gt":0.' + "0" * 319 + '1,"lt":1' + "0" * 30 + "}"),
    ("int8range", "(,-9223372036854775808)", NULLED),
    ("int4range", "[2147483646,2147483647)", '{"gte":2147483646,"lt":2147483647}'),
    ("floatrange", "(0,5e-324)", NULLED),
    (
        "floatrange",
        "(-1.7976931348623157e308,1.7976931348623157e308)",
        '{"gt":-1.7976931348623157e+308,"lt":1.7976931348623157e+308}',
    ),
    ("floatrange", "(,-Infinity]", NULLED),
    ("wholerange", "(1,2)", NULLED),
    ("wholerange", "(1,3)", '{"gt":1,"lt":3}'),
    ("dayrange", "(2024-01-01,2024-01-02)", NULLED),
    ("dayrange", "(2024-01-01,2024-01-02]", '{"gt":"2024-01-01","lte":"2024-01-02"}'),
    ("int4multirange", "{[1,3),[5,7)}", '[{"gte":1,"lt":3},{"gte":5,"lt":7}]'),
    ("int4multirange", "{}", "[]"),
    # arrays
    ("int4[]", "{1,NULL,3}", "[1,null,3]"),
    ("int4[]", "{{1,2},{3,4}}", "[[1,2],[3,4]]"),
    ("int4[]", "[5:6]={1,2}", "[1,2]"),
    ("int4[]", "{}", "[]"),
    ("text[]", '{"a,b","c\\"d"}', '["a,b","c\\"d"]'),
    ("char(3)[]", "{a,bc}", '["a","bc"]'),
    ("float8[]", "{1,NaN,-Infinity}", ("[1,null,null]", 2)),
    ("numeric[]", "{1.10,NaN}", ("[1.10,null]", 1)),
    ("money[]", "{1.5}", "[1.50]"),
    ("bytea[]", '{{"\\\\x01","\\\\x02"},{NULL,"\\\\x03"}}', '[["AQ==","Ag=="],[null,"Aw=="]]'),
    ("json[]", '{"{\\"a\\":\n1}","[2]"}', '[{"a": 1},[2]]'),
    ("jsonb[]", '{"{\\"a\\": 1}"}', '[{"a": 1}]'),
    ("inet[]", "{10.0.0.1,10.0.0.0/8}", '["10.0.0.1","10.0.0.0/8"]'),
    ("oid[]", "{7}", "[7]"),
    ("point[]", '{"(1,2)"}', '[{"lat":2.0,"lon":1.0}]'),
    ("int4range[]", '{"[1,2)",empty}', ('[{"gte":1,"lt":2},null]', 1)),
    ("timestamptz[]", "{2024-01-01 00:00+00}", '["2024-01-01T00:00:00+00:00"]'),
    ("int2vector", "1 2", "[1,2]"),
    ("oidvector", "1 2", "[1,2]"),
    # made by users, see DEFINITIONS
    ("mood", 'so "so"', '"so \\"so\\""'),
    ("mood[]", '{sad,"so \\"so\\""}', '["sad","so \\"so\\""]'),
    ("price", "1.50", "1.50"),
    ("price[]", "{1.50,NaN}", ("[1.50,null]", 1)),
    ("moods", "{sad}", '["sad"]'),
    ("pair", '(1,"a ""b""")', '{"x":1,"The Y":"a \\"b\\""}'),
    ("pair", "(,)", '{"x":null,"The Y":null}'),
    ("pathpair", "(1,2,3,4)", '{"a_b":1,"a":2,"_":3,"__x":4}'),
    ("pair[]", '{"(1,a)",NULL,"(2,)"}', '[{"x":1,"The Y":"a"},null,{"x":2,"The Y":null}]'),
    ("nest", '("(1,a)","{1,NaN}","\\\\x01")', ('{"p":{"x":1,"The Y":"a"},"f":[1,null],"b":"AQ=="}', 1)),
    ("floatrange", "[1.5,2)", '{"gte":1.5,"lt":2.0}'),
    ("textrange", "[a,b)", '{"gte":"a","lt":"b"}'),
    ("vector(3)", "[1,2.5,-3]", "[1,2.5,-3]"),
]

DEFINITIONS = """
CREATE TYPE mood AS ENUM ('sad', 'so "so"');
CREATE DOMAIN price AS numeric(12, 2);
CREATE DOMAIN moods AS mood[];
CREATE TYPE pair AS (x int, "The Y" text);
CREATE TYPE nest AS (p pair, f float8[], b bytea);
CREATE TYPE floatrange AS RANGE (subtype = float8);
CREATE TYPE wholerange AS RANGE (subtype = int4);
CREATE TYPE dayrange AS RANGE (subtype = date);
CREATE TYPE pathpair AS ("a.b" int, a int, " " int, "..x" int);
CREATE TYPE textrange AS RANGE (subtype = text);
"""


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
    """Differential: for types whose form is PostgreSQL's own, the document equals to_jsonb of the row."""
    types = [
        "int2",
        "int4",
        "int8",
        "bool",
        "text",
        "varchar(40)",
        "uuid",
        "date",
        "time",
        "timetz",
        "timestamp",
        "timestamptz",
        "interval",
        "inet",
        "macaddr",
        "jsonb",
        "numeric",
        "float8",
        "real",
        "int4[]",
        "text[]",
        "mood",
        "bit(3)",
        "xml",
        "tsvector",
        "box",
    ]
    samples = [
        (of, text)
        for of, text, wanted in await known_cases(database)
        if of in types and wanted is not NULLED and not (of == "numeric" and wanted[0] == '"')
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

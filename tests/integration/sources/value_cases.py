"""Values of PostgreSQL's types and the JSON that each becomes."""

import base64
from typing import Any

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


PLAIN_TYPES = (
    *("int2", "int4", "int8", "numeric", "float8", "real", "bool", "bit(3)", "int4[]"),
    *("text", "varchar(40)", "text[]", "uuid", "mood", "jsonb", "xml", "tsvector"),
    *("date", "time", "timetz", "timestamp", "timestamptz", "interval", "inet", "macaddr", "box"),
)
"""Types whose values become what PostgreSQL prints of them."""

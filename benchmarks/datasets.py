"""The tables that are synced, made by SQL, with the same rows in every run.

narrow  5 columns, about 160 bytes of JSON
plain   narrow without a type that only a module of Elasticsearch has
ten     10 columns of common types, about 600 bytes
wide    25 columns of mixed types, about 1 kB
text    4 to 10 kB of prose with quotes, line breaks, backslashes and letters beyond ASCII
huge    narrow rows, one of them with a value of 50 MB
"""

from dataclasses import dataclass

HUGE_VALUE_BYTES = 50_000_000

_NARROW = """
    CREATE TABLE {table} (
        id bigint PRIMARY KEY, name text NOT NULL, quantity integer, changed_at timestamptz NOT NULL,
        price numeric(12,2)
    );
    INSERT INTO {table}
    SELECT n, 'Article number ' || n || ' of ' || n % 97, CASE WHEN n % 20 <> 0 THEN n % 1000 END,
           timestamptz '2024-01-01 00:00:00+00' + n * interval '37.000123 seconds', (n % 1000000) / 100.0
    FROM generate_series(1, {rows}) AS n;
"""

_TEN = """
    CREATE TABLE {table} (
        id bigint PRIMARY KEY, name text NOT NULL, quantity integer, changed_at timestamptz NOT NULL,
        price numeric(12,2), code varchar(12), is_open boolean, ratio double precision, born date, note text
    );
    INSERT INTO {table}
    SELECT n, 'Article number ' || n, n % 1000,
           timestamptz '2024-01-01 00:00:00+00' + n * interval '37.000123 seconds', (n % 1000000) / 100.0,
           'C' || n, n % 2 = 0, n / 7.0, date '1990-01-01' + (n % 10000)::integer, 'A note on ' || n
    FROM generate_series(1, {rows}) AS n;
"""

_PLAIN = """
    CREATE TABLE {table} (
        id bigint PRIMARY KEY, name text NOT NULL, quantity integer, changed_at timestamptz NOT NULL,
        price double precision
    );
    INSERT INTO {table}
    SELECT n, 'Article number ' || n || ' of ' || n % 97, CASE WHEN n % 20 <> 0 THEN n % 1000 END,
           timestamptz '2024-01-01 00:00:00+00' + n * interval '37.000123 seconds', (n % 1000000) / 100.0
    FROM generate_series(1, {rows}) AS n;
"""

_WIDE = """
    CREATE TYPE {table}_state AS ENUM ('new', 'active', 'closed');
    CREATE TABLE {table} (
        id bigint PRIMARY KEY, public_id uuid NOT NULL, parent_id uuid, code varchar(12), title text,
        summary text, body text, state {table}_state, is_open boolean, is_paid boolean, small smallint,
        amount integer, large bigint, price numeric(12,2), ratio numeric, score double precision, weight real,
        attributes jsonb, tags text[], numbers integer[], digest bytea, born date, created_at timestamptz,
        updated_at timestamp, address inet
    );
    INSERT INTO {table}
    SELECT n, md5(n::text)::uuid, CASE WHEN n % 20 <> 0 THEN md5((n / 7)::text)::uuid END, 'C' || n,
           repeat('t', 30), 'Summary of ' || n || repeat(' s', 24), 'Body of ' || n || repeat(' "word"', 27),
           (ARRAY['new', 'active', 'closed'])[1 + n % 3]::{table}_state, n % 2 = 0, n % 3 = 0, n % 30000,
           n, n * 4000000000, (n % 1000000) / 100.0, n / 7.0,
           CASE WHEN n % 100 = 0 THEN 'NaN' ELSE n / 3.0 END, n / 10.0,
           jsonb_build_object(
               'size', n % 10, 'colour', 'blue', 'nested', jsonb_build_object('a', n, 'b', ARRAY[1, 2, 3])
           ),
           ARRAY['one', 'two', 'number ' || n], ARRAY[n, n + 1, n + 2]::integer[],
           decode(md5(n::text), 'hex'), date '1990-01-01' + (n % 10000)::integer,
           timestamptz '2024-01-01 00:00:00+00' + n * interval '1.5 seconds',
           timestamp '2024-01-01' + n * interval '2.5 seconds', '10.0.0.0'::inet + n
    FROM generate_series(1, {rows}::bigint) AS n;
"""

_TEXT = r"""
    CREATE TABLE {table} (id bigint PRIMARY KEY, body text NOT NULL);
    INSERT INTO {table}
    SELECT n, 'Text ' || n || E': \"quoted\"\n\ta line\\ with é, 漢字 and 🙂 '
           || (SELECT string_agg(repeat(md5((n * 1000 + part)::text) || E' said \"so\"\n', 2), '')
               FROM generate_series(1, 45 + n % 65) AS part)
    FROM generate_series(1, {rows}::bigint) AS n;
"""

_HUGE = (
    _NARROW
    + """
    UPDATE {table} SET name = repeat('0123456789', {huge_bytes} / 10) WHERE id = {rows} / 2;
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A kind of table."""

    name: str
    script: str
    rows: int
    """How many it has unless asked for otherwise."""
    text: str
    """A column to change."""

    def create(self, rows: int) -> str:
        """Return the SQL that makes and settles the table, in place of one with another number of rows."""
        table = self.name
        script = self.script.format(table=table, rows=rows, huge_bytes=HUGE_VALUE_BYTES)
        quiet = "SET client_min_messages = warning"
        drop = f"DROP TABLE IF EXISTS {table}; DROP TYPE IF EXISTS {table}_state"
        return f"{quiet}; {drop}; {script}; VACUUM (FREEZE, ANALYZE) {table}; CHECKPOINT;"

    def change(self, number: int) -> str:
        """Return the SQL that changes one row in a hundred, each time others."""
        changed = f"SET {self.text} = left({self.text}, 8) || '{number}'"
        return f"UPDATE {self.name} {changed} WHERE id % 100 = {number % 100}"


SHAPES = {
    shape.name: shape
    for shape in (
        Shape(name="narrow", script=_NARROW, rows=1_000_000, text="name"),
        Shape(name="plain", script=_PLAIN, rows=100_000, text="name"),
        Shape(name="ten", script=_TEN, rows=100_000, text="name"),
        Shape(name="wide", script=_WIDE, rows=200_000, text="title"),
        Shape(name="text", script=_TEXT, rows=50_000, text="body"),
        Shape(name="huge", script=_HUGE, rows=1_000_000, text="name"),
    )
}


TABLES_AT_ONCE = 200
"""How many tables one script makes: each holds locks until its end."""


def one_row(table: str) -> str:
    """Make a table of one row, with a JSON column, unless it is there."""
    return (
        f"CREATE TABLE IF NOT EXISTS {table} (id bigint PRIMARY KEY, name text, details jsonb);"
        f"INSERT INTO {table} VALUES (1, '{table}', '{{}}') ON CONFLICT DO NOTHING;"
    )

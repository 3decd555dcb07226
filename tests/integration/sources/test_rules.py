"""Advanced rules: documents of a query's result, and a query that cannot write, escape or run programs."""

from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from sources.errors import SourceConfigurationError
from sources.postgresql.read.copying import BLOCK_BYTES
from tests.support.database import Database, read_all

CATALOGUE = """
CREATE TABLE artist (artist_id int PRIMARY KEY, name text);
CREATE TABLE album (album_id int PRIMARY KEY, title text, artist_id int);
INSERT INTO artist VALUES (1, 'AC/DC'), (2, 'Accept');
INSERT INTO album VALUES (10, 'Let There Be Rock', 1), (11, 'Balls to the Wall', 2);
"""


def rule(query: str, *tables: str, id_columns: list[str] | None = None) -> list[dict[str, Any]]:
    entry: dict[str, Any] = {"tables": list(tables or ["album"]), "query": query}
    return [entry if id_columns is None else entry | {"id_columns": id_columns}]


async def problems_of(database: Database, value: Any, **configuration: Any) -> str:
    problems = await database.source(**configuration).validate(value)
    assert {problem.ids for problem in problems} <= {("advanced_snippet",)}
    return " ".join(message for problem in problems for message in problem.messages)


async def test_a_rule_on_one_table_gives_the_documents_of_the_table_with_table_as_a_list(
    database: Database,
) -> None:
    await database.execute(CATALOGUE)

    reading = await read_all(database.source(), rule("SELECT * FROM public.album WHERE album_id = 10"))

    assert reading.documents == {
        f"{database.name}_public_album_10": {
            "id": f"{database.name}_public_album_10",
            "database": database.name,
            "schema": "public",
            "table": ["album"],
            "public_album_album_id": 10,
            "public_album_title": "Let There Be Rock",
            "public_album_artist_id": 1,
        }
    }


async def test_a_table_which_only_the_ignored_list_of_tables_names_does_not_stop_a_sync_by_rules(
    database: Database,
) -> None:
    await database.execute(CATALOGUE + "CREATE TABLE visit (seen_at timestamptz)")
    source = database.source()

    without = [str(finding) for finding in await source.check({}) if finding.is_fatal]
    by_rules = [finding for finding in await source.check(rule("SELECT * FROM album")) if finding.is_fatal]

    assert ["public.visit has no primary key" in finding for finding in without] == [True]
    assert by_rules == []


async def test_a_join_gets_the_names_of_its_tables_in_sorted_order(database: Database) -> None:
    await database.execute(CATALOGUE)
    join = (
        'SELECT al.album_id, ar.artist_id, ar.name AS "Artist Name", al.title FROM public.album al'
        " JOIN public.artist ar USING (artist_id);"
    )

    reading = await read_all(database.source(), rule(join, "artist", "album"))

    assert sorted(reading.documents) == [
        f"{database.name}_public_album,artist_1,10",
        f"{database.name}_public_album,artist_2,11",
    ]
    document = reading.documents[f"{database.name}_public_album,artist_1,10"]
    assert document["table"] == ["artist", "album"]
    assert document["public_album_artist_artist name"] == "AC/DC"


async def test_id_columns_decide_what_identifies_a_row(database: Database) -> None:
    await database.execute(CATALOGUE + "CREATE VIEW titles AS SELECT title FROM album")

    reading = await read_all(
        database.source(), rule("SELECT * FROM public.titles -- all", "titles", id_columns=["TITLE"])
    )

    assert f"{database.name}_public_titles_Let There Be Rock" in reading.documents


async def test_every_type_a_query_returns_can_be_rendered(database: Database) -> None:
    await database.execute(
        CATALOGUE + "CREATE TYPE mood AS ENUM ('sad'); CREATE TYPE pair AS (x int, y numeric)"
    )
    query = (
        "SELECT album_id, 'unknown' AS u, ROW(1, 'a') AS r, ROW(1, 2.50)::public.pair AS p,"
        " 'sad'::public.mood AS m,"
        " ARRAY[1.10, 'NaN'] AS a, now() AS n, album AS whole, int4range(1, 5) AS g, NULL AS nothing FROM"
        " public.album"
    )

    reading = await read_all(database.source(), rule(query))

    document = reading.documents[f"{database.name}_public_album_10"]
    assert document["public_album_r"] == {"f1": 1, "f2": "a"}
    assert str(document["public_album_p"]["y"]) == "2.50"
    assert document["public_album_m"] == "sad"
    assert document["public_album_g"] == {"gte": 1, "lt": 5}
    assert document["public_album_whole"]["title"] == "Let There Be Rock"
    assert reading.nulled == 2


async def test_a_result_of_many_rows_is_read_to_its_end(database: Database) -> None:
    await database.execute(CATALOGUE)
    query = "SELECT i AS album_id, repeat('x', i % 50) AS t FROM generate_series(1, 20000) i"

    reading = await read_all(database.source(fetch_size=7), rule(query))

    assert len(reading.documents) == 20_000


async def test_large_rows_after_thousands_of_small_ones_come_a_few_at_a_time(database: Database) -> None:
    await database.execute(CATALOGUE)
    query = (
        "SELECT i AS album_id, CASE WHEN i <= 20000 THEN '' ELSE repeat('x', 1000000) END AS t"
        " FROM generate_series(1, 20060) i"
    )
    (slice_,) = await database.source().slices(rule(query), 0)

    async with aclosing(slice_.batches()) as batches:
        sizes = [len(batch.lines) async for batch in batches]

    assert sum(sizes) > 60_000_000
    assert max(sizes) < BLOCK_BYTES + 2_000_000


async def test_the_tables_setting_is_ignored_with_rules(database: Database) -> None:
    await database.execute(CATALOGUE)

    reading = await read_all(database.source(tables="missing"), rule("SELECT * FROM album"))

    assert len(reading.documents) == 2


@pytest.mark.parametrize("value", [None, {}, []])
async def test_an_empty_snippet_means_no_rules(database: Database, value: Any) -> None:
    await database.execute(CATALOGUE)

    assert await problems_of(database, value) == ""
    assert len((await read_all(database.source(), value)).documents) == 4


WRONG: list[tuple[Any, str]] = [
    ({"tables": ["album"]}, "must be a list"),
    ("SELECT 1", "must be a list"),
    (["SELECT 1"], "must be an object"),
    ([{"query": "SELECT 1"}], "needs tables"),
    ([{"tables": [], "query": "SELECT 1"}], "needs tables"),
    ([{"tables": ["album"]}], "needs query"),
    ([{"tables": ["album"], "query": " ; "}], "needs query"),
    ([{"tables": ["album"], "query": "SELECT 1", "id_columns": []}], "id_columns"),
    ([{"tables": ["album"], "query": "SELECT 1", "where": "x"}], "unknown member 'where'"),
    (rule("x" * 1_000_001), "too long"),
    (rule("SELECT * FROM public.album", "nowhere"), "not found in schema public: nowhere"),
    (rule("SELEC * FROM public.album"), "syntax error"),
    (rule("SELECT * FROM elsewhere.album"), "does not exist"),
    (rule("SELECT * FROM public.album a JOIN public.artist b ON true"), "several columns named artist_id"),
    (rule("SELECT title FROM public.album"), "does not return album_id"),
    (rule("SELECT title FROM public.album", id_columns=["id"]), "does not return id"),
]


async def test_what_is_wrong_with_a_rule_is_said_before_it_is_used(database: Database) -> None:
    await database.execute(CATALOGUE)

    for value, problem in WRONG:
        assert problem in await problems_of(database, value)
        with pytest.raises(SourceConfigurationError):
            await read_all(database.source(), value)


async def test_every_wrong_rule_is_reported(database: Database) -> None:
    await database.execute(CATALOGUE)

    text = await problems_of(
        database, [*rule("SELEC"), *rule("SELECT * FROM public.album"), *rule("SELECT 1", "nowhere")]
    )

    assert "advanced rule 1" in text
    assert "advanced rule 3" in text
    assert "advanced rule 2" not in text


PROBES = {
    "several statements": "SELECT 1 AS album_id; DROP TABLE public.victim",
    "leaving the transaction": "SELECT 1 AS album_id; COMMIT; DROP TABLE public.victim",
    "leaving the parentheses": "SELECT 1 AS album_id) q; DROP TABLE public.victim; SELECT * FROM (SELECT 1",
    "a comment that swallows ours": "SELECT 1 AS album_id) AS t; DELETE FROM public.victim --",
    "insert": "INSERT INTO public.victim VALUES (2) RETURNING id AS album_id",
    "update": "UPDATE public.victim SET id = 3 RETURNING id AS album_id",
    "delete": "DELETE FROM public.victim RETURNING id AS album_id",
    "a data-modifying cte": "WITH d AS (DELETE FROM public.victim RETURNING id) SELECT id AS album_id FROM d",
    "select into": "SELECT id AS album_id INTO public.stolen FROM public.victim",
    "ddl": "CREATE TABLE public.stolen AS SELECT 1 AS album_id",
    "copy to a program": "COPY (SELECT 1) TO PROGRAM 'touch {file}'",
    "copy to a file": "COPY (SELECT 1) TO '{file}'",
    "explain analyze": "EXPLAIN ANALYZE DELETE FROM public.victim",
    "an anonymous block": "DO $$ BEGIN DELETE FROM public.victim; END $$",
    "a call": "CALL public.destroy_procedure()",
    "a function that writes": "SELECT public.destroy() AS album_id",
    "a function that ends the read-only mode": "SELECT public.escape() AS album_id",
    "a sequence": "SELECT nextval('public.numbers') AS album_id",
    "a row lock": "SELECT id AS album_id FROM public.victim FOR UPDATE",
    "a setting": "SET transaction_read_only = off",
    "ending the read-only mode": "SELECT set_config('transaction_read_only', 'off', false)::int AS album_id",
    "a large object": "SELECT lo_create(4711)::int AS album_id",
}
"""What an author of a rule could try to write, to leave the transaction, or to run a program."""

VICTIMS = """
CREATE TABLE victim (id int PRIMARY KEY); INSERT INTO victim VALUES (1); CREATE SEQUENCE numbers;
CREATE FUNCTION destroy() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS
  'BEGIN DELETE FROM public.victim; RETURN 1; END';
CREATE FUNCTION escape() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS
  'BEGIN SET transaction_read_only = off; DELETE FROM public.victim; RETURN 1; END';
CREATE PROCEDURE destroy_procedure() LANGUAGE sql AS 'DELETE FROM public.victim';
DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'x';
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO reader;
"""


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder into which the server could write."""
    tmp_path.chmod(0o777)
    return tmp_path


@pytest.mark.parametrize("role", ["superuser", "reader"])
async def test_a_query_cannot_write_escape_or_run_programs(
    database: Database, open_folder: Path, role: str
) -> None:
    await database.execute(CATALOGUE + VICTIMS)
    credentials: dict[str, Any] = {} if role == "superuser" else {"username": "reader", "password": "x"}
    traces = []

    for probe, query in PROBES.items():
        file = open_folder / "written"
        try:
            await read_all(database.source(**credentials), rule(query.replace("{file}", str(file))))
        except SourceConfigurationError:
            refused = True
        else:
            refused = False
        traces.append((probe, refused, file.exists(), await traces_in(database)))

    # Before version 16 a large object can be made in a read-only transaction; it goes with its transaction.
    accepted = {"a large object"} if database.cluster.version < 16 else set()
    assert traces == [(probe, probe not in accepted, False, ([1], None, False, 0)) for probe in PROBES]


async def traces_in(database: Database) -> tuple[Any, ...]:
    """What a query that got through would have left behind."""
    row = await database.connection.fetchrow(
        "SELECT (SELECT array_agg(id) FROM victim), to_regclass('public.stolen')::text,"
        " (SELECT is_called FROM numbers), (SELECT count(*) FROM pg_largeobject_metadata)"
    )
    return tuple(row)


async def test_a_reader_cannot_use_a_superusers_functions(database: Database) -> None:
    await database.execute(CATALOGUE + VICTIMS)
    source = database.source(username="reader", password="x")

    for query in (
        "SELECT pg_read_file('postgresql.conf') AS album_id",
        "SELECT pg_terminate_backend(pid)::int AS album_id FROM pg_stat_activity WHERE usename = 'postgres'",
        "SELECT lo_import('/etc/passwd')::int AS album_id",
        "SELECT passwd AS album_id FROM pg_shadow",
    ):
        with pytest.raises(SourceConfigurationError):
            await read_all(source, rule(query))

    assert await database.value("SELECT 1") == 1


async def test_a_table_under_the_query_is_locked_before_the_snapshot(database: Database) -> None:
    """A table that only the query reads, through a view, is not rewritten while it is read."""
    await database.execute(CATALOGUE + "CREATE VIEW v AS SELECT album_id, title FROM album")
    (slice_,) = await database.source().slices(
        rule("SELECT * FROM public.v", "artist", id_columns=["album_id"]), 0
    )
    batches = slice_.batches()

    await anext(batches)

    await database.execute("SET lock_timeout = '100ms'")
    with pytest.raises(Exception, match="lock timeout"):
        await database.execute("ALTER TABLE album ADD more int")
    await batches.aclose()
    await database.execute("SET lock_timeout = '10s'; ALTER TABLE album ADD more int")

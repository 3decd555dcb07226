"""Which rows are told: every change, by every kind of key, identity and partition."""

import asyncpg
import pytest

from sources.feed import FeedLostError
from tests.integration.feed.follower import Copy, Follower, following, opening
from tests.support.database import BRISK, Database, database_on


async def test_keys_before_and_after_are_told_and_rows_that_are_gone_are_absent(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY, t text); INSERT INTO a VALUES (1), (2), (3)")
    async with following(database) as follower:
        await database.execute(
            "INSERT INTO a VALUES (4); UPDATE a SET t = 'x' WHERE id = 1; DELETE FROM a WHERE id = 2"
        )
        await database.execute("UPDATE a SET id = 30 WHERE id = 3")

        moment = await follower.moment()

        assert set(moment.keys["public.a"]) == {("4",), ("1",), ("2",), ("3",), ("30",)}
        assert moment.changes == 4
        assert not moment.doubted
        await follower.require_equal()
        assert {key.rpartition("_")[2] for key in follower.copy.lines["public.a"]} == {"1", "4", "30"}


async def test_what_is_rolled_back_is_not_told_and_a_savepoint_is(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY)")
    async with following(database) as follower:
        await database.execute("BEGIN; INSERT INTO a VALUES (1); ROLLBACK")
        await database.execute(
            "BEGIN; SAVEPOINT s; INSERT INTO a VALUES (2); RELEASE s; INSERT INTO a VALUES (3); COMMIT"
        )
        moment = await follower.moment()
        assert moment.keys == {"public.a": (("2",), ("3",))}


async def test_a_prepared_transaction_is_told_when_it_is_committed(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY)")
    async with following(database) as follower:
        await database.execute("BEGIN; INSERT INTO a VALUES (1); PREPARE TRANSACTION 'p'")
        assert (await follower.moment()).keys == {}
        await database.execute("COMMIT PREPARED 'p'")
        assert (await follower.moment()).keys == {"public.a": (("1",),)}


KEYS = [
    ("int8", "'-9223372036854775808'", "'5'"),
    ("text", """'a"b\\,{}''NULL'""", "''"),
    ("numeric", "'1.50'", "'NaN'"),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
    ("timestamptz", "'2024-01-01 00:00:00.123456+02'", "'infinity'"),
    ("date", "'0044-03-15 BC'", "'2024-01-01'"),
    ("interval", "'1 year 2 days 3.5 seconds'", "'-1 mon'"),
    ("bytea", r"'\x00ff'", r"'\x'"),
    ("float8", "'0.1'", "'Infinity'"),
    ("inet", "'10.0.0.1/8'", "'::1'"),
    ("char(5)", "'a'", "'b c'"),
    ("int4[]", "'{{1,2},{3,4}}'", "'{}'"),
    ("int4range", "'[1,5)'", "'empty'"),
    ("bit varying", "'101'", "''"),
    ("mood", "'sad, or so'", "'ok'"),
    ("positive", "'3'", "'4'"),
    ("pair", "ROW(1,'x,\"y')", "ROW(NULL,'')"),
    ("bool", "true", "false"),
    ("name", "'n'", "'m'"),
]


@pytest.mark.parametrize(("type_", "value", "other"), KEYS, ids=[key[0] for key in KEYS])
async def test_keys_of_every_type_lead_to_their_rows(
    database: Database, type_: str, value: str, other: str
) -> None:
    await database.execute(
        "CREATE TYPE mood AS ENUM ('sad, or so', 'ok'); CREATE DOMAIN positive AS int CHECK (VALUE > 0);"
        f"CREATE TYPE pair AS (a int, b text); CREATE TABLE a (k {type_} PRIMARY KEY, t text)"
    )
    async with following(database) as follower:
        await database.execute(f"INSERT INTO a VALUES ({value}, 'x'), ({other}, 'y')")
        await follower.require_equal()
        assert len(follower.copy.lines["public.a"]) == 2
        await database.execute(f"UPDATE a SET t = 'z' WHERE k = {value}::{type_}")
        await database.execute(f"DELETE FROM a WHERE k = {other}::{type_}")
        await follower.require_equal()
        assert len(follower.copy.lines["public.a"]) == 1
        assert not any(moment.doubted for moment in follower.moments)


async def test_a_composite_key_is_told_in_the_order_of_the_key(database: Database) -> None:
    await database.execute(
        "CREATE TABLE a (t text, x text, y int, PRIMARY KEY (y, x)); INSERT INTO a VALUES ('', 'p', 1)"
    )
    async with following(database) as follower:
        await database.execute("UPDATE a SET x = 'q'; INSERT INTO a VALUES ('', 'p', 2)")
        assert set((await follower.moment()).keys["public.a"]) == {("1", "p"), ("1", "q"), ("2", "p")}
        await follower.require_equal()


async def test_keys_that_are_equal_and_written_otherwise_are_two_documents(database: Database) -> None:
    await database.execute("CREATE TABLE a (n numeric PRIMARY KEY, t text); INSERT INTO a VALUES (1.0, 'x')")
    async with following(database) as follower:
        await database.execute("UPDATE a SET n = 1.00")
        await follower.require_equal()
        assert [key.rpartition("_")[2] for key in follower.copy.lines["public.a"]] == ["1.00"]


async def test_a_collation_that_ignores_case_leaves_no_ghost(database: Database) -> None:
    await database.execute("CREATE TABLE a (id text PRIMARY KEY)")
    try:
        await database.execute(
            "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
            "ALTER TABLE a ALTER id TYPE text COLLATE ci; INSERT INTO a VALUES ('Ab')"
        )
    except asyncpg.PostgresError:
        pytest.skip("this server is built without ICU")
    async with following(database) as follower:
        await database.execute("UPDATE a SET id = 'aB'")
        await follower.require_equal()


@pytest.mark.parametrize(
    ("identity", "is_told"),
    [
        ("DEFAULT", True),
        ("FULL", True),
        ("USING INDEX covering", True),
        ("USING INDEX elsewhere", False),
        ("NOTHING", False),
    ],
)
async def test_every_replica_identity_is_told_or_silent(
    database: Database, identity: str, is_told: bool
) -> None:
    await database.execute(
        "CREATE TABLE a (id int PRIMARY KEY, other int NOT NULL, t text);"
        "CREATE TABLE b (id int PRIMARY KEY);"
        "CREATE UNIQUE INDEX covering ON a (other, id); CREATE UNIQUE INDEX elsewhere ON a (other);"
        f"INSERT INTO a VALUES (1, 1), (2, 2), (3, 3); ALTER TABLE a REPLICA IDENTITY {identity}"
    )
    async with following(database) as follower:
        assert ("public.a" in follower.feed.silent) is not is_told
        if not is_told:
            assert "REPLICA IDENTITY" in follower.feed.silent["public.a"]
            return
        await database.execute(
            "UPDATE a SET t = 'x', other = 10 WHERE id = 1; UPDATE a SET id = 20 WHERE id = 2"
        )
        await database.execute("DELETE FROM a WHERE id = 3")
        assert set((await follower.moment()).keys["public.a"]) == {("1",), ("2",), ("20",), ("3",)}
        await follower.require_equal()


async def test_a_large_key_that_does_not_change_is_told(database: Database) -> None:
    """Values over a quarter of a page are stored elsewhere, and not written to the log again."""
    await database.execute(
        "CREATE TABLE a (id text PRIMARY KEY, t text); ALTER TABLE a ALTER id SET STORAGE EXTERNAL;"
        "INSERT INTO a SELECT string_agg(md5(g::text), ''), 'x' FROM generate_series(1, 80) g"
    )
    async with following(database) as follower:
        await database.execute("UPDATE a SET t = 'y'")
        await follower.require_equal()
        assert b'"y"' in next(iter(follower.copy.lines["public.a"].values()))
        assert not any(moment.doubted for moment in follower.moments)


@pytest.mark.parametrize("tells_roots", [False, True])
async def test_partitions_are_told_whichever_way_they_are_published(
    logical: object, database: Database, tells_roots: bool
) -> None:
    version = await database.value("SELECT current_setting('server_version_num')::int")
    if version < 130000 and tells_roots:
        pytest.skip("this version publishes parts only")
    await database.execute(
        "CREATE TABLE p (id int, at int, t text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
        "CREATE TABLE p1 (at int NOT NULL, t text, id int NOT NULL);"
        "ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (at);"
        "CREATE TABLE p21 PARTITION OF p2 FOR VALUES FROM (10) TO (15);"
        "INSERT INTO p SELECT g, g, '' FROM generate_series(1, 14) g"
    )
    if tells_roots:
        await database.execute("ALTER PUBLICATION elastic_ingest SET (publish_via_partition_root = true)")
    async with following(database, tables="p, p1") as follower:
        assert not follower.feed.silent
        await database.execute("UPDATE p SET t = 'x' WHERE id = 3; UPDATE p SET at = 12 WHERE id = 4")
        await database.execute("DELETE FROM p WHERE id = 11; INSERT INTO p VALUES (99, 5)")
        await follower.require_equal()
        assert not any(moment.doubted for moment in follower.moments)
        await database.execute("CREATE TABLE p22 PARTITION OF p2 FOR VALUES FROM (15) TO (20)")
        await database.execute("INSERT INTO p VALUES (100, 16)")
        await follower.require_equal()
        await database.execute("UPDATE p SET t = 'y' WHERE id = 100")
        await follower.require_equal()


async def test_a_table_without_those_that_inherit_from_it_is_told(database: Database) -> None:
    await database.execute(
        "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent)"
    )
    async with following(database) as follower:
        assert not follower.feed.silent
        await database.execute("INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1), (2)")
        await follower.require_equal()
    async with following(database, tables="parent, !child", id_columns="") as follower:
        pass


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
async def test_other_encodings_of_the_database(logical: object, database: Database, encoding: str) -> None:
    options = f"ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    async with database_on(database.cluster, options=options) as other:
        await other.execute(
            "CREATE PUBLICATION elastic_ingest FOR ALL TABLES;"
            'CREATE TABLE "tä" ("kü" text PRIMARY KEY, t text)'
        )
        async with following(other) as follower:
            await other.execute(
                """INSERT INTO "tä" VALUES ('ö', 'x'), ('ß', 'y'); DELETE FROM "tä" WHERE "kü" = 'ß'"""
            )
            await follower.require_equal()
            assert len(follower.copy.lines["public.tä"]) == 1


async def test_bytes_that_are_no_text_are_doubted(database: Database) -> None:
    options = "ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    async with database_on(database.cluster, options=options) as other:
        await other.execute(
            "CREATE PUBLICATION elastic_ingest FOR ALL TABLES; CREATE TABLE a (k text PRIMARY KEY)"
        )
        async with following(other) as follower:
            await other.execute(r"BEGIN; INSERT INTO a VALUES (E'\xff'); DELETE FROM a; COMMIT")
            assert list((await follower.moment()).doubted) == ["public.a"]


async def test_a_table_whose_keys_are_not_told_again_and_again_becomes_silent(database: Database) -> None:
    """What is silent is looked at in its turn; a doubt means a look at once, each time."""
    options = "ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    async with database_on(database.cluster, options=options) as other:
        await other.execute(
            "CREATE PUBLICATION elastic_ingest FOR ALL TABLES; CREATE TABLE a (k text PRIMARY KEY)"
        )
        async with following(other) as follower:
            told = []
            for _ in range(5):
                await other.execute(r"BEGIN; INSERT INTO a VALUES (E'\xff'); DELETE FROM a; COMMIT")
                told.append(list((await follower.moment()).doubted))

            assert told == [["public.a"], ["public.a"], ["public.a"], [], []]
            assert list(follower.feed.silent) == ["public.a"]


async def test_bytes_that_cannot_be_converted_end_one_feed_and_not_the_next(database: Database) -> None:
    """Whose table they are in does not matter: the server sends what is published."""
    options = "ENCODING 'WIN1252' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    async with database_on(database.cluster, options=options) as other:
        await other.execute(
            "CREATE PUBLICATION elastic_ingest FOR ALL TABLES; CREATE TABLE elsewhere (t text);"
            'CREATE TABLE a (id int PRIMARY KEY, t text); CREATE TABLE b ("kü" text PRIMARY KEY)'
        )
        async with other.source(BRISK, tables="a, b") as source:
            slices = await source.slices(None, 0)
            open_one = opening(source)
            async with open_one.feed(slices) as feed:
                await other.execute("INSERT INTO elsewhere VALUES (chr(129))")
                with pytest.raises(FeedLostError, match="22P05"):
                    await Follower(feed, Copy(slices)).catch_up()

            async with open_one.feed(slices) as feed:
                follower = Follower(feed, Copy(slices))
                await follower.copy.read_all()
                await other.execute("INSERT INTO elsewhere VALUES (chr(129)); INSERT INTO a VALUES (1, 'ö')")
                moment = await follower.moment()
                assert (dict(moment.keys), moment.doubted) == ({"public.a": (("1",),)}, {})
                await other.execute("INSERT INTO b VALUES ('ö'), ('x')")
                assert list((await follower.moment()).doubted) == ["public.b"]
                await follower.require_equal()


async def test_logical_messages_and_tables_of_others_are_passed_over(database: Database) -> None:
    await database.execute(
        "CREATE TABLE a (id int PRIMARY KEY); CREATE SCHEMA s; CREATE TABLE s.a (id int PRIMARY KEY)"
    )
    async with following(database) as follower:
        await database.execute(
            "SELECT pg_logical_emit_message(true, 'p', 'x'), pg_logical_emit_message(false, 'p', 'x')"
        )
        await database.execute(
            "INSERT INTO s.a VALUES (1); CREATE TABLE s.b (id int PRIMARY KEY); INSERT INTO s.b VALUES (1)"
        )
        moment = await follower.moment()
        assert (moment.keys, moment.doubted) == ({}, {})

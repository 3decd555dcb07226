"""Opening a feed: what is missing is said with the statement that mends it, and nothing is missed."""

import asyncio
from typing import Any

import asyncpg
import pytest

from sandbox.postgresql import Cluster
from sources.errors import SourceConfigurationError, SourceUnavailableError
from sources.feed import NoFeedError
from sources.network import Network, ranges
from sources.postgresql.feed.opening import Opening
from sources.postgresql.feed.readiness import findings
from sources.postgresql.feed.replication import connected
from tests.integration.changes.sessions import another
from tests.integration.feed.follower import following, opening, until
from tests.support.database import Database, database_on


async def reasons(database: Database, **configuration: Any) -> str:
    """Return why there is no feed, which `check` says as well."""
    async with database.source(**configuration) as source:
        slices = await source.slices(None, 0)
        with pytest.raises(NoFeedError) as caught:
            async with source.feed(slices):
                pass
        targets = [one.target for one in slices]  # type: ignore[attr-defined]  # they are tables
        async with source.database.transaction() as connection:
            found = await findings(source.database, connection, targets)
        assert not any(finding.is_fatal for finding in found)
        assert all(str(finding) in str(caught.value) for finding in found)
        return str(caught.value)


async def test_a_server_without_logical_replication_is_told_with_everything_else(cluster: Cluster) -> None:
    async with database_on(cluster) as database:
        await database.execute("CREATE TABLE a (id int PRIMARY KEY)")
        said = await reasons(database)
        assert "wal_level is replica" in said
        assert "CREATE PUBLICATION" in said


async def test_a_role_that_may_not_replicate_is_told_the_statement(database: Database) -> None:
    await database.execute(
        f"CREATE TABLE a (id int PRIMARY KEY); DROP ROLE IF EXISTS reader;"
        f"CREATE ROLE reader LOGIN PASSWORD '{database.cluster.password}'; GRANT SELECT ON a TO reader"
    )
    try:
        assert 'ALTER ROLE "reader" REPLICATION;' in await reasons(database, username="reader")
        await database.execute("ALTER ROLE reader REPLICATION")
        async with following(database, username="reader") as follower:
            await database.execute("INSERT INTO a VALUES (1)")
            await follower.require_equal()
    finally:
        await database.execute("DROP OWNED BY reader; DROP ROLE reader")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("", "There is no publication 'chosen'."),
        ("CREATE PUBLICATION chosen FOR TABLE a WITH (publish = 'insert, update')", "leaves out"),
        ("CREATE PUBLICATION chosen", 'ALTER PUBLICATION "chosen" ADD TABLE "public"."a";'),
        (
            "ALTER TABLE a REPLICA IDENTITY NOTHING; CREATE PUBLICATION chosen",
            "its updates and deletes fail",
        ),
        (
            "ALTER TABLE a REPLICA IDENTITY NOTHING; CREATE PUBLICATION chosen FOR TABLE a",
            "nobody can update or delete rows of public.a",
        ),
    ],
)
async def test_what_a_publication_lacks_is_said(database: Database, made: str, said: str) -> None:
    await database.execute(f"CREATE TABLE a (id int PRIMARY KEY); {made}")
    assert said in await reasons(database, follow_publication="chosen")


async def test_row_filters_silence_and_lists_of_columns_do_not(database: Database) -> None:
    if await database.value("SELECT current_setting('server_version_num')::int") < 150000:
        pytest.skip("this version has neither")
    await database.execute(
        "CREATE TABLE a (id int PRIMARY KEY, t text); CREATE TABLE b (id int PRIMARY KEY);"
        "CREATE PUBLICATION chosen FOR TABLE a (id), b WHERE (id > 5)"
    )
    async with following(database, follow_publication="chosen") as follower:
        assert list(follower.feed.silent) == ["public.b"]
        assert "row filter" in follower.feed.silent["public.b"]
        await database.execute("INSERT INTO a VALUES (1, 'x'); UPDATE a SET t = 'y'")
        await follower.require_equal()


async def test_other_slices_than_tables_are_silent(database: Database) -> None:
    await database.execute(
        "CREATE TABLE a (id int PRIMARY KEY); CREATE VIEW v AS TABLE a; "
        "CREATE UNLOGGED TABLE u (id int PRIMARY KEY); CREATE TABLE k (id int);"
        "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child () INHERITS (parent);"
        "CREATE TABLE deferred (id int PRIMARY KEY DEFERRABLE)"
    )
    tables = "a, v, u, k, parent, deferred"
    async with following(database, tables=tables, id_columns="v(id), k(id)") as follower:
        assert set(follower.feed.silent) == {
            "public.v", "public.u", "public.k", "public.parent", "public.deferred"
        }  # fmt: skip


async def test_a_transaction_that_is_open_keeps_a_slot_from_beginning(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY)")
    async with another(database) as other, database.source() as source:
        await other.execute("BEGIN; INSERT INTO a VALUES (1)")
        slices = await source.slices(None, 0)
        impatient = Opening(database=source.database, slot_seconds=1)
        with pytest.raises(SourceUnavailableError, match=r"process \d+ since"):
            async with impatient.feed(slices):
                pass
        await until(database, "SELECT count(*) = 0 FROM pg_replication_slots")
        await other.execute("ROLLBACK; BEGIN; INSERT INTO a VALUES (1); PREPARE TRANSACTION 'orphan'")
        with pytest.raises(SourceUnavailableError, match="prepared 'orphan'"):
            async with impatient.feed(slices):
                pass
        await other.execute("COMMIT PREPARED 'orphan'")
        await until(database, "SELECT count(*) = 0 FROM pg_replication_slots")


async def test_the_addresses_that_nobody_may_connect_to_are_judged(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY)")
    async with database.source() as source:
        source.database.network = Network(ranges([f"{database.cluster.host}/32"]))
        with pytest.raises(SourceConfigurationError, match="no source may connect to"):
            async with connected(source.database, "UTF8"):
                pass


async def no_standby(database: Database) -> None:
    """Let commits wait for no standby."""
    await database.execute("ALTER SYSTEM RESET synchronous_standby_names")
    await database.execute("SELECT pg_reload_conf()")


async def test_rows_are_not_read_before_their_transaction_is_seen(database: Database) -> None:
    """A server that waits for a standby has the commit in its log long before sessions see it."""
    await database.execute("CREATE TABLE a (id int PRIMARY KEY, t text); INSERT INTO a VALUES (1, 'old')")
    await database.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    await database.execute("SELECT pg_reload_conf()")
    try:
        async with following(database) as follower, another(database) as other:
            await other.execute("SET synchronous_commit = 'on'")
            waiting = asyncio.create_task(other.execute("UPDATE a SET t = 'new'"))
            await until(database, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')")
            early = await follower.feed.moment(within=0.5)
            assert early.keys == {}
            await no_standby(database)
            await waiting
            assert (await follower.moment()).keys == {"public.a": (("1",),)}
            await follower.require_equal()
    finally:
        await no_standby(database)


async def test_what_was_committed_before_the_slot_and_is_seen_after_it_is_doubted(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY, t text); INSERT INTO a VALUES (1, 'old')")
    async with database.source() as source, another(database) as other:
        slices = await source.slices(None, 0)
        real = Opening._slot

        async def slot(self: Opening, replication: object, name: str) -> int:
            begins = await real(self, replication, name)  # type: ignore[arg-type]
            await other.execute("BEGIN; UPDATE a SET t = 'new'")
            return begins

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Opening, "_slot", slot)
            async with opening(source).feed(slices) as feed:
                assert not (await feed.moment(within=1)).doubted
                await other.execute("ROLLBACK")
                assert set((await feed.moment(within=60)).doubted) == {"public.a"}


async def test_a_password_is_shown_nowhere(database: Database, capfd: pytest.CaptureFixture[str]) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY)")
    async with database.source() as source:
        slices = await source.slices(None, 0)
        secret = database.cluster.password
        async with opening(source).feed(slices) as feed:
            assert secret not in repr(feed) + repr(vars(feed)) + repr(opening(source))
        shown = await database.value("SELECT string_agg(query, ' ') FROM pg_stat_activity")
        assert secret not in shown
    out, err = capfd.readouterr()
    assert secret not in out + err


async def test_a_server_out_of_slots_or_senders_is_said(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY)")
    names = [f"taken{number}" for number in range(6)]
    try:
        for name in names:
            await database.execute(f"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')")
        assert "max_replication_slots" in await reasons(database)
    finally:
        for name in names:
            try:
                await database.execute(f"SELECT pg_drop_replication_slot('{name}')")
            except asyncpg.PostgresError:
                break


async def test_check_says_what_the_log_lacks_only_where_it_is_followed(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int NOT NULL UNIQUE)")
    said = []
    for follow in (False, True):
        async with database.source(follow=follow) as source:
            said.append([str(one) for one in await source.check(None) if "polling" in str(one)])
    assert said[0] == []
    assert [text.partition(" ")[0] for text in said[1]] == ["public.b"]
    assert "nobody can update or delete rows of public.b" in said[1][0]

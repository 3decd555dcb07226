"""However a feed ends, no slot is left, and its reader gets the reason; a slow reader fills no memory."""

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress

import pytest

from sources.feed import FeedLostError
from sources.postgresql.feed.log_feed import Times
from sources.postgresql.feed.opening import Opening
from tests.integration.feed.follower import OFTEN, Copy, Follower, following, until
from tests.support.database import Database

NO_SLOT = "SELECT count(*) = 0 FROM pg_replication_slots"

FOLLOWER = """
import asyncio, json, sys
from sources.postgresql import PostgreSQL

async def main():
    async with PostgreSQL(json.loads(sys.argv[1])) as source:
        slices = await source.slices(None, 0)
        async with source.feed(slices) as feed:
            print("open", flush=True)
            while True:
                feed.acknowledge(await feed.moment(within=1))

asyncio.run(main())
"""


@pytest.mark.parametrize("killed_by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_no_slot_is_left_of_a_process_that_dies(database: Database, killed_by: signal.Signals) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY)")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FOLLOWER, json.dumps(database.configuration()),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    assert await database.value("SELECT count(*) FROM pg_replication_slots") == 1

    process.send_signal(killed_by)
    await process.wait()

    await until(database, NO_SLOT)


async def test_a_feed_whose_connection_is_ended_says_so_and_leaves_no_slot(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY)")
    async with following(database) as follower:
        waiting = asyncio.create_task(follower.feed.moment(within=60))
        await asyncio.sleep(0)
        await database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
        with pytest.raises(FeedLostError):
            await waiting
        with pytest.raises(FeedLostError):
            await follower.feed.moment(within=1)
        with pytest.raises(FeedLostError):
            await follower.feed.now()
        await until(database, NO_SLOT)


async def test_a_moment_that_is_canceled_loses_nothing(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY)")
    async with following(database) as follower:
        for number in range(20):
            waiting = asyncio.create_task(follower.feed.moment(within=60))
            await database.execute(f"INSERT INTO a VALUES ({number})")
            await asyncio.sleep(number * 0.01)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await follower.copy.apply(await waiting)
        await follower.require_equal()
        assert len(follower.copy.lines["public.a"]) == 20


async def test_a_reader_that_does_not_ask_for_a_while_keeps_its_connection(database: Database) -> None:
    """The server ends connections it does not hear from (here after three seconds)."""
    await database.execute("CREATE TABLE a (id int PRIMARY KEY, t text); INSERT INTO a VALUES (1)")
    async with following(database) as follower:
        await asyncio.sleep(5)
        await database.execute("UPDATE a SET t = 'x'")
        await follower.require_equal()


async def test_changes_that_are_not_taken_wait_in_the_server_and_not_in_memory(database: Database) -> None:
    """The socket is not read while there is no room; keepalives are sent nevertheless."""
    await database.execute("CREATE TABLE a (id int PRIMARY KEY, t text)")
    async with database.source() as source:
        slices = await source.slices(None, 0)
        small = Opening(database=source.database, times=OFTEN, room_bytes=20_000)
        async with small.feed(slices) as feed:
            for start in range(0, 3000, 10):
                await database.execute(
                    "INSERT INTO a SELECT g, string_agg(md5((g * i)::text), '')"
                    f" FROM generate_series({start}, {start + 9}) g, generate_series(1, 100) i GROUP BY g"
                )
            async with asyncio.timeout(120):
                while feed.is_reading:  # noqa: ASYNC110  # nobody tells when it stops
                    await asyncio.sleep(0.02)
            assert await database.value("SELECT sent_lsn < pg_current_wal_lsn() FROM pg_stat_replication")
            await asyncio.sleep(4)
            follower = Follower(feed, Copy(slices))
            await follower.catch_up()
            assert not any(moment.doubted for moment in follower.moments)
            told = [key for moment in follower.moments for key in moment.keys.get("public.a", ())]
            assert len(told) == len(set(told)) == 3000
            assert max(len(moment.keys.get("public.a", ())) for moment in follower.moments) < 2500


async def test_a_large_transaction_is_doubted_and_told_no_further(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY, t text)")
    async with database.source() as source:
        slices = await source.slices(None, 0)
        small = Opening(database=source.database, times=OFTEN, room_bytes=20_000)
        async with small.feed(slices) as feed:
            await database.execute("INSERT INTO a SELECT g, 'x' FROM generate_series(1, 20000) g")
            follower = Follower(feed, Copy(slices))
            moment = await follower.moment()
            assert set(moment.doubted) == {"public.a"}
            await follower.require_equal()


async def never_acknowledge(follower: Follower) -> None:
    while True:
        await follower.feed.moment(within=1)


async def test_more_log_than_may_be_held_back_ends_the_feed_and_the_slot(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY, t text)")
    async with following(database, follow_max_wal=16) as follower:
        await database.execute(
            "INSERT INTO a SELECT g, string_agg(md5((g * i)::text), '')"
            " FROM generate_series(1, 3000) g, generate_series(1, 300) i GROUP BY g"
        )
        with pytest.raises(FeedLostError, match="follow_max_wal"):
            await never_acknowledge(follower)
    await until(database, NO_SLOT)


async def test_acknowledging_lets_the_server_drop_its_log(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY, t text)")
    async with following(database) as follower:
        await database.execute("INSERT INTO a VALUES (1)")
        moment = await follower.feed.moment(within=10)
        follower.feed.acknowledge(moment)
        position = f"{moment.position >> 32:X}/{moment.position & 0xFFFFFFFF:X}"
        await until(database, f"SELECT confirmed_flush_lsn >= '{position}' FROM pg_replication_slots")


async def test_a_server_that_falls_silent_is_given_up(database: Database) -> None:
    await database.execute("CREATE TABLE a (id int PRIMARY KEY)")
    quick = Times(report_seconds=0.2, watch_seconds=60, silence_seconds=1)
    async with following(database, times=quick) as follower:
        pid = await database.value("SELECT active_pid FROM pg_replication_slots")
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(FeedLostError, match="sent nothing"):
                await follower.feed.moment(within=60)
        finally:
            os.kill(pid, signal.SIGCONT)
    await until(database, NO_SLOT)

"""Break each request of a job in turn, in every way, and the worker with it: every promise is kept.

A round changes some rows, runs a job of which one request is broken, and then a job of which none is. In
between everything comes to rest by itself. The history of the round is checked offline, and the index must
say exactly what the tables say.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from sandbox.elasticsearch.server.faults import Action, Edit, FailItems, Fault, Reply, Reset, Truncate
from sandbox.elasticsearch.server.journal import Entry
from sandbox.postgresql import Cluster
from tests.faults.service.shop import Shop, TablesInMemory, TablesInPostgreSQL, shop, tables_in_postgresql
from tests.support.sweeps import kept

STRIDE = 8
"""The quick run breaks every eighth request only, others for each kind of breakage."""
LEAST_REQUESTS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakage:
    """What happens to one request."""

    action: Action
    applied: bool = False
    path: str = "*"


ITEMS = Breakage(action=FailItems(429), path="*/_bulk")
WITH_REQUESTS = {
    "applied, answer lost": Breakage(action=Reset(), applied=True),
    "reset before it was applied": Breakage(action=Reset()),
    "unavailable": Breakage(action=Reply(503)),
    "turned away": Breakage(action=Reply(429)),
    "items turned away": ITEMS,
    "answer cut": Breakage(action=Truncate(10)),
}


KILL = "worker killed"
END_BACKENDS = "database connections ended"
KINDS = (*WITH_REQUESTS, KILL)
SAMPLE = ("applied, answer lost", "items turned away", KILL)
"""Of the quick run; the others are a sweep. In `test_every_call.py` most of them are met by calls as well."""


class Enumeration:
    """Rounds in one shop, each of which breaks another request of a job."""

    def __init__(self, opened: Shop, job_type: str = "full") -> None:
        self.shop = opened
        self.faults = opened.server.faults
        self.job_type = job_type
        self.rounds = 0

    async def run(self, kind: str, numbers: Iterable[int]) -> None:
        """Break requests of these numbers, until a job does not have so many."""
        if kind == KILL:
            await self._rounds(self._kill, numbers)
            return
        async with self.shop.serving():
            if kind == END_BACKENDS:
                await self._rounds_without_database(numbers)
            else:
                await self._rounds(lambda nth: self._break(WITH_REQUESTS[kind], nth), numbers)

    async def _rounds(
        self, broken: Callable[[int], Awaitable[tuple[Fault, str]]], numbers: Iterable[int]
    ) -> None:
        for nth in numbers:
            living = await self.shop.change()
            self.shop.server.journal.clear()
            fault, job_id = await broken(nth)
            self.faults.remove(fault)
            if not fault.strikes:
                return
            await self._in_order_again(living, job_id, f"request {nth}: {struck_by(self.shop, fault)}")
            self.rounds += 1

    async def _break(self, breakage: Breakage, nth: int) -> tuple[Fault, str]:
        fault = self.faults.add(
            breakage.action, path=breakage.path, when=is_of_a_job, nth=nth, applied=breakage.applied
        )
        job_id = await self.shop.harness.create_job()
        await self.shop.quiet(job_id)
        return fault, job_id

    async def _rounds_without_database(self, numbers: Iterable[int]) -> None:
        """End the service's connections while the nth piece the database sends in a job is under way."""
        tables = self.shop.tables
        assert isinstance(tables, TablesInPostgreSQL)
        answers = tables.proxy.answers
        for nth in numbers:
            living = await self.shop.change()
            self.shop.server.journal.clear()
            answers.hold(nth)
            job_id = await self.shop.harness.create_job()
            is_struck = await self._comes_before_the_end(answers.is_held.wait(), job_id)
            # A connection that has not logged in yet is not in the server's list: that one is cut.
            ended = (await tables.end_backends() or tables.proxy.cut()) if is_struck else 0
            answers.let_go()
            await self.shop.quiet(job_id)
            if not is_struck:
                return
            assert ended > 0, f"piece {nth} of the database: no connection was there to be ended"
            await self._in_order_again(living, job_id, f"piece {nth} of the database")
            self.rounds += 1

    async def _kill(self, nth: int) -> tuple[Fault, str]:
        async with self.shop.serving() as client:

            def kill(answer: Any) -> Any:
                client.is_dead = True
                return answer

            fault = self.faults.add(Edit(kill), when=is_of_a_job, nth=nth)
            job_id = await self.shop.harness.create_job(job_type=self.job_type)
            await self._is_struck(fault, job_id)
        self.shop.let_time_pass()
        async with self.shop.serving():
            job = await self.shop.quiet(job_id)
        assert (job["status"], job["error"]) == ("completed", None), f"killed at request {nth}"
        return fault, job_id

    async def _is_struck(self, fault: Fault, job_id: str) -> bool:
        """Wait until the fault has struck or can strike no more."""
        await self._comes_before_the_end(fault.struck(), job_id)
        return fault.strikes > 0

    async def _comes_before_the_end(self, event: Awaitable[object], job_id: str) -> bool:
        coming = asyncio.ensure_future(event)
        ending = asyncio.create_task(self.shop.quiet(job_id))
        await asyncio.wait({coming, ending}, return_when=asyncio.FIRST_COMPLETED)
        came = coming.done()
        for task in (coming, ending):
            task.cancel()
        await asyncio.wait({coming, ending})
        return came

    async def _in_order_again(self, living: frozenset[str], job_id: str, what: str) -> None:
        """Run a job of which nothing is broken and check everything."""
        assert living <= (await self.shop.content()).keys(), what
        async with AsyncExitStack() as stack:
            if not self.shop.is_served:
                await stack.enter_async_context(self.shop.serving())
            clean_id = await self.shop.harness.create_job()
            clean = await self.shop.quiet(clean_id)

        expected = self.shop.expected()
        assert (clean["status"], clean["error"]) == ("completed", None), what
        assert await self.shop.content() == expected, what
        assert clean["total_document_count"] == len(expected), what
        assert await self.shop.problems(living, job_id, clean_id) == [], what


def is_of_a_job(entry: Entry) -> bool:
    """Whether a worker sent this request for a job, not on its own account."""
    return entry.opaque_id is not None


def struck_by(opened: Shop, fault: Fault) -> str:
    """Describe the request the fault struck."""
    struck = [entry for entry in opened.server.journal if (entry.fault or "").endswith(f"#{fault.number}")]
    return " ".join(f"{entry.method} {entry.path}" for entry in struck)


@pytest.mark.parametrize("kind", kept(SAMPLE, of=KINDS))
async def test_whatever_breaks_at_a_request_the_next_sync_is_exact(kind: str) -> None:
    async with shop(TablesInMemory()) as opened:
        enumeration = Enumeration(opened)
        stride = 1 if WITH_REQUESTS.get(kind) == ITEMS else STRIDE
        await enumeration.run(kind, count(1 + KINDS.index(kind) % stride, stride))

    assert enumeration.rounds >= (4 if WITH_REQUESTS.get(kind) == ITEMS else LEAST_REQUESTS // STRIDE)


async def test_wherever_an_incremental_job_is_killed_it_is_resumed_and_the_index_is_exact(
    cluster: Cluster,
) -> None:
    async with tables_in_postgresql(cluster) as tables, shop(tables) as opened:
        enumeration = Enumeration(opened, job_type="incremental")
        await enumeration.run(KILL, (6, 18))

    assert enumeration.rounds == 2


async def test_whenever_the_database_ends_its_connections_the_next_sync_is_exact(cluster: Cluster) -> None:
    async with tables_in_postgresql(cluster) as tables, shop(tables) as opened:
        enumeration = Enumeration(opened)
        await enumeration.run(END_BACKENDS, count(1, 5 * STRIDE))

    assert enumeration.rounds >= 2


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
async def test_there_is_no_request_at_which_something_may_not_break(kind: str) -> None:
    async with shop(TablesInMemory()) as opened:
        enumeration = Enumeration(opened)
        await enumeration.run(kind, count(1))

    assert enumeration.rounds >= (4 if WITH_REQUESTS.get(kind) == ITEMS else LEAST_REQUESTS)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kind", "job_type"), [(KILL, "full"), (KILL, "incremental"), (END_BACKENDS, "full")]
)
async def test_there_is_no_request_at_which_worker_or_database_may_not_die(
    kind: str, job_type: str, cluster: Cluster
) -> None:
    async with tables_in_postgresql(cluster) as tables, shop(tables) as opened:
        enumeration = Enumeration(opened, job_type)
        # What the database sends in a job comes in more than a hundred pieces.
        await enumeration.run(kind, count(1) if kind == KILL else count(1, STRIDE // 2))

    assert enumeration.rounds >= LEAST_REQUESTS

"""Every call of the service meets every fault: the calls are recorded, the pairs are generated.

A round changes the tables, creates a connector, edits sync rules and runs a job, while one call meets one
fault. It ends well: the fault took place, the job has one final status, every promise of the history is
kept, the connector can be used, a job that nothing disturbs completes, and the index is the tables.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import pytest

from sandbox.elasticsearch.server.faults import Action, Edit, Fault, Hold, Reply, Reset, Truncate
from sandbox.elasticsearch.server.journal import Entry
from tests.faults.service.call_sites import CallSite, call_sites, common, is_of_the_service, kind_of
from tests.faults.service.shop import Shop, TablesInMemory, shop
from tests.support.service_harness import CONNECTOR, entry_of, until
from tests.support.sweeps import part_of, parts

PATIENCE_SECONDS = 1.0
"""How long silence lasts for the service in these tests; for a real one it is a minute and more."""
NEVER_SECONDS = 60.0
"""Jobs end before a timer fires, so that all make the same calls. `test_jobs_survive` is about timers."""
LEAST_CALL_SITES = 40
PARTS = 7
"""Of the quick selection; each meets other calls, and all of the faults: 7 and 18 share no divisor."""
ROUNDS_TO_REACH_A_CALL = 3
DEFAULT_RULE = {
    "id": "DEFAULT",
    "field": "_",
    "policy": "include",
    "rule": "regex",
    "value": ".*",
    "order": 0,
}
HTML = {"Content-Type": "text/html", "X-elastic-product": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakage:
    """What becomes of one call."""

    action: Action
    applied: bool = False
    """Whether the request is carried out all the same."""
    patience_seconds: float | None = None


def emptied(answer: Any) -> Any:
    """Return an answer with all its members, each of them empty."""
    return dict.fromkeys(answer) if isinstance(answer, dict) else None


ANSWERS: dict[str, Callable[[], Action]] = {
    "null": lambda: Reply(200, "null"),
    "an empty object": lambda: Reply(200, {}),
    "half an answer": lambda: Reply(200, '{"took":1,"hits":{"hi'),
    "another shape": lambda: Reply(200, [{"result": None}]),
}
BREAKAGES = {
    "reset": Breakage(action=Reset()),
    "reset, applied": Breakage(action=Reset(), applied=True),
    "429": Breakage(action=Reply(429)),
    "500": Breakage(action=Reply(500)),
    "502 of a proxy": Breakage(action=Reply(502, "<html>Bad Gateway</html>", HTML)),
    "503": Breakage(action=Reply(503)),
    **{name: Breakage(action=make()) for name, make in ANSWERS.items()},
    **{f"{name}, applied": Breakage(action=make(), applied=True) for name, make in ANSWERS.items()},
    "members emptied, applied": Breakage(action=Edit(emptied)),
    "cut on the way, applied": Breakage(action=Truncate(10)),
    "silence": Breakage(action=Hold(), patience_seconds=PATIENCE_SECONDS),
    "silence, applied": Breakage(action=Hold(), applied=True, patience_seconds=PATIENCE_SECONDS),
}


class Rounds:
    """Rounds in one shop."""

    def __init__(self, opened: Shop) -> None:
        self.shop = opened
        self.shop.timer_seconds = NEVER_SECONDS
        self.shop.idle_limit_seconds = 2 * NEVER_SECONDS
        self.count = 0
        self.called: list[CallSite] = []
        """What the latest round called until its first job had ended."""

    async def recorded(self) -> list[CallSite]:
        """Return the call sites that every undisturbed round has."""
        runs = []
        for _ in range(2):
            await self.play(None, "reset")
            runs.append(self.called)
        return common(*runs)

    async def meet(self, site: CallSite, name: str) -> None:
        """Let a call meet a fault. A job may end before its first heartbeat and so report once only."""
        for _ in range(ROUNDS_TO_REACH_A_CALL):
            if await self.play(site, name):
                return
        raise AssertionError(f"not reached in {ROUNDS_TO_REACH_A_CALL} rounds: {site}")

    async def play(self, site: CallSite | None, name: str) -> bool:
        """Break one call (none without a site), check everything, say whether the fault took place."""
        self.count += 1
        breakage, where = BREAKAGES[name], f"{name}: {site}"
        opened, harness = self.shop, self.shop.harness
        living = await opened.change()
        opened.server.journal.clear()
        fault = self._scripted(site, breakage)
        created = entry_of(f"created-{self.count}", create=True, index_name=f"index-{self.count}")
        async with opened.serving(created, patience_seconds=breakage.patience_seconds):
            await harness.ok("PUT", f"/_connector/{CONNECTOR}/_filtering", {"rules": [DEFAULT_RULE]})
            job_id = await harness.create_job()
            job = await opened.quiet(job_id)
            await until(self._draft, lambda state: state == "valid")
            await harness.until_connector("needs_configuration", created.connector_id)
            self.called = call_sites(opened.server.journal)
            if fault is not None:
                opened.server.faults.remove(fault)
            clean_id = await harness.create_job()
            clean = await opened.quiet(clean_id)

        assert job["status"] in ("completed", "error"), where
        assert (clean["status"], clean["error"]) == ("completed", None), where
        assert (await harness.connector())["status"] == "connected", where
        assert await opened.content() == opened.expected(), where
        problems = await opened.problems(living, job_id, clean_id)
        if isinstance(breakage.action, Hold) and not breakage.applied:
            problems = [one for one in problems if not is_of_a_late_request(one, site)]
        assert problems == [], where
        return fault is not None and fault.strikes == 1

    def _scripted(self, site: CallSite | None, breakage: Breakage) -> Fault | None:
        if site is None:
            return None

        def is_met(entry: Entry) -> bool:
            return is_of_the_service(entry) and kind_of(entry) == site.kind

        return self.shop.server.faults.add(
            breakage.action, when=is_met, nth=site.nth, applied=breakage.applied
        )

    async def _draft(self) -> str:
        filtering = (await self.shop.harness.connector())["filtering"][0]
        return str(filtering["draft"]["validation"]["state"])


def is_of_a_late_request(problem: str, site: CallSite | None) -> bool:
    """Say whether a request that was given up, and is carried out long after, explains a problem.

    A check-in and a report stamp `last_seen`, and a report replaces the counts: the server's routes do so
    whatever the job's status is. Documents of a bulk request that was given up, and sent again, are written
    once more: nobody can know.
    """
    kind = str(site)
    if "_sync_job" in kind and "_check_in" in kind:
        return "last_seen <= completed_at" in problem
    if "_stats" in kind:
        return "last_seen <= completed_at" in problem or "were acknowledged" in problem
    return "_bulk" in kind and ("still under way" in problem or "without having confirmed" in problem)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", parts(PARTS))
async def test_each_call_survives_one_of_the_faults(part: int) -> None:
    """The quick selection, in parts: together every call site once, every fault at some of them."""
    async with shop(TablesInMemory()) as opened:
        rounds = Rounds(opened)
        sites = await rounds.recorded()
        pairs = [*zip(sites, cycle(BREAKAGES), strict=False)]
        for number in part_of(range(len(pairs)), part, PARTS):
            await rounds.meet(*pairs[number])

    assert len(sites) >= max(LEAST_CALL_SITES, len(BREAKAGES))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", BREAKAGES)
async def test_every_call_survives_every_fault(name: str) -> None:
    async with shop(TablesInMemory()) as opened:
        rounds = Rounds(opened)
        sites = await rounds.recorded()
        for site in sites:
            await rounds.meet(site, name)

    assert len(sites) >= LEAST_CALL_SITES

"""What must hold after every step, and in the end."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.elasticsearch.server.journal import Entry
from tests.faults.machine.house import CONNECTORS, TERMINAL, House
from tests.faults.machine.tables import PASSWORD
from tests.support.history.events import Bulk, Event, StatusWritten, events_of
from tests.support.history.promises import Circumstances, problems

OPEN = ("was left", "in the end")
"""Parts of what is only wrong once nothing is going on any more."""
FOR_EVER_SECONDS = 3600.0
"""Requests stand at the gate for any time, so how soon a worker falls silent is not seen here."""


@dataclass(slots=True, kw_only=True)
class Judge:
    """Looks at a house from outside: journal, documents, tables."""

    house: House
    ended: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Jobs that have ended, as they then were."""
    changes_at_claim: dict[str, int] = field(default_factory=dict)
    """How often anything had changed when a worker began with a job."""
    judged_until: int = 0
    looked_at: int = 0
    started_at: dict[str, float] = field(default_factory=dict)

    async def look(self) -> None:
        """Fail if a promise is broken by now. Only what a worker has asked for can have broken one."""
        asked = sum(is_of_a_worker(entry) for entry in self.house.server.journal)
        if asked == self.looked_at:
            return
        self.looked_at = asked
        for job_id, job in (await self.house.jobs()).items():
            if job["status"] in TERMINAL and job_id not in self.ended:
                self.ended[job_id] = job
                await self._judge_ending(job)
            assert PASSWORD not in str([job.get("error"), job.get("metadata")]), "I16"
        for connector in (await self.house.connectors()).values():
            assert PASSWORD not in str(connector.get("error")), "I16"
        broken = [one for one in self.problems() if not any(part in one for part in OPEN)]
        assert broken == []
        await self._judge_deletes()

    def problems(self, connectors: Mapping[str, Mapping[str, Any]] | None = None) -> list[str]:
        """Return what is wrong with the history."""
        circumstances = Circumstances(
            connector_of=self.house.connector_of,
            jobs=self.ended,
            connectors=connectors or {},
            most_sends=20,
            reaction_seconds=FOR_EVER_SECONDS,
        )
        return problems(self._events(), circumstances)

    def _events(self) -> list[Event]:
        return events_of(self.house.server.journal)

    async def _judge_ending(self, job: Mapping[str, Any]) -> None:
        """A job that says `completed` left exactly the tables, if they were the same all the time (I1)."""
        connector = self.house.connector_of[job["id"]]
        is_full = job["job_type"] == "full"
        if job["status"] != "completed":
            return
        undisturbed = self.changes_at_claim.get(job["id"]) == self.house.tables.changes
        if undisturbed and (is_full or connector not in self.house.tampered):
            expected = await self.house.expected(job)
            assert await self.house.content(connector) == expected, f"I1: {job['id']} of {connector}"
            assert job["total_document_count"] == len(expected), f"I5: {job['id']}"
        if undisturbed and is_full:
            self.house.tampered.discard(connector)

    async def _judge_deletes(self) -> None:
        """No document is deleted whose row said the same all through the job (I3)."""
        fresh = [entry for entry in self.house.server.journal if entry.number > self.judged_until]
        for event in events_of(fresh):
            if isinstance(event, StatusWritten) and event.status == "in_progress":
                self.started_at[event.job] = event.at
            if isinstance(event, Bulk):
                await self._judge_bulk(event)
        self.judged_until = max((entry.number for entry in fresh), default=self.judged_until)

    async def _judge_bulk(self, bulk: Bulk) -> None:
        deleted = {one.id for one in bulk.actions if one.operation == "delete" and one.was_applied}
        job = (await self.house.jobs()).get(bulk.job) if deleted else None
        if job is None:
            return
        wanted = await self.house.expected(job)
        started_at = self.started_at.get(bulk.job, time.monotonic())
        wrong = [id_ for id_ in deleted & wanted.keys() if self.house.tables.since[id_][1] < started_at]
        assert wrong == [], f"I3: {bulk.worker} for {bulk.job}"

    async def conclude(self) -> None:
        """Let everything work again and come to rest; then the index is the tables (I1, I8, I13, I15)."""
        house = self.house
        await self._come_to_rest()
        await self.look()
        connectors = await house.connectors()
        assert self.problems(connectors) == []
        for connector in CONNECTORS:
            job = await self._clean_job(connector)
            expected = await house.expected(job)
            assert await house.content(connector) == expected, f"I1: {connector}"
            assert job["total_document_count"] == len(expected), "I5"
            assert (await house.connectors())[connector]["status"] == "connected"
        again = await self._clean_job(CONNECTORS[0])
        assert (again["indexed_document_count"], again["deleted_document_count"]) == (0, 0), "I13"
        assert await house.tables.backends() == 0, "I15"

    async def _come_to_rest(self) -> None:
        house = self.house
        house.server.faults.clear()
        house.to_turn_away = 0
        for worker in house.workers:
            await worker.crash()
        house.pass_time(1_000.0)
        house.workers = [house.hire()]
        for connector in CONNECTORS:
            await house.create_connector(connector)
        for _ in range(2):  # registered, then configured
            await house.workers[0].tick()
            for connector in CONNECTORS:
                await house.configure(connector)
        await house.workers[0].tick()
        for _ in range(2 * len(house.connector_of) + 2):
            await house.workers[0].clean_up()
            if all(job["status"] in TERMINAL for job in (await house.jobs()).values()):
                return
            await house.workers[0].poll()
            await house.workers[0].finish()
        raise AssertionError(f"I8: {await house.jobs()}")

    async def _clean_job(self, connector: str) -> Mapping[str, Any]:
        house = self.house
        before = set(house.connector_of)
        await house.create_job(connector, "full")
        (job_id,) = set(house.connector_of) - before
        await house.workers[0].poll()
        await house.workers[0].finish()
        job = (await house.jobs())[job_id]
        assert (job["status"], job["error"]) == ("completed", None), f"I1: {connector}"
        self.ended[job_id] = job
        return job


def is_of_a_worker(entry: Entry) -> bool:
    """Say whether the product sent this request."""
    return entry.headers.get("User-Agent", "").startswith("elastic-ingest")

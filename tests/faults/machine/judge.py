"""What must hold after every step, and in the end."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.job.ending import MOST_RESUMPTIONS
from tests.faults.machine.house import CONNECTORS, TERMINAL, House, is_of_a_worker
from tests.faults.machine.requests import require_sound_requests
from tests.faults.machine.tables import PASSWORD
from tests.support.history.events import Bulk, Event, StatusWritten, events_of
from tests.support.history.promises import Circumstances, problems

OPEN = ("was left", "in the end")
"""Parts of what is only wrong once nothing is going on any more."""
FOR_EVER_SECONDS = 3600.0
"""Requests wait at the gate for any time, so how soon a worker stops writing is not checked here."""
FINAL = (
    "status", "error", "worker_hostname", "started_at", "completed_at", "canceled_at",
    "indexed_document_count", "deleted_document_count", "total_document_count",
)  # fmt: skip
"""Members of a job that has ended which nobody changes any more."""

Job = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Judge:
    """Looks at a house from outside: journal, documents, tables."""

    house: House
    ended: dict[str, Job] = field(default_factory=dict)
    """Jobs that have ended, as they then were."""
    meddling_at_start: dict[str, int] = field(default_factory=dict)
    started_at: dict[str, float] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    """What happened, as far as it is over."""
    judged: int = 0
    """How many requests are in `events`."""

    async def look(self) -> None:
        """Fail if a promise is broken by now. Only what a worker has asked for can have broken one."""
        fresh = self.house.server.journal.entries[self.judged :]
        if not any(is_of_a_worker(entry) for entry in fresh):
            return
        self.judged += len(fresh)
        require_sound_requests(fresh)
        happened = events_of(fresh)
        self.events += happened
        self._note_starts(happened)
        jobs = await self.house.jobs()
        for job_id, job in jobs.items():
            if job["status"] in TERMINAL:
                await self._judge_ended(job_id, job)
            assert (job.get("metadata") or {}).get("lost_workers", 0) <= MOST_RESUMPTIONS, (
                "taken over too often"
            )
            assert PASSWORD not in str([job.get("error"), job.get("metadata")]), "the password shows"
        for connector in (await self.house.connectors()).values():
            assert PASSWORD not in str(connector.get("error")), "the password shows"
        broken = [one for one in self.problems() if not any(part in one for part in OPEN)]
        assert broken == [], broken
        for event in happened:
            if isinstance(event, Bulk) and event.job in jobs:
                self._judge_deletes(event, jobs[event.job])

    def problems(self, connectors: Mapping[str, Mapping[str, Any]] | None = None) -> list[str]:
        """Return what is wrong with the history."""
        circumstances = Circumstances(
            connector_of=self.house.connector_of,
            jobs=self.ended,
            connectors=connectors or {},
            most_sends=20,
            reaction_seconds=FOR_EVER_SECONDS,
        )
        return problems(self.events, circumstances)

    def _note_starts(self, happened: list[Event]) -> None:
        for event in happened:
            if isinstance(event, StatusWritten) and event.status == "in_progress":
                self.started_at[event.job] = event.at
                # What was done to the index in the same step may have been done after the start.
                connector = self.house.connector_of[event.job]
                self.meddling_at_start[event.job] = self.house.meddling_before_step[connector]

    async def _judge_ended(self, job_id: str, job: Job) -> None:
        """A job that has ended stays as it is, and ended well if nothing happened to it."""
        if job_id in self.ended:
            before = self.ended[job_id]
            assert {name: job.get(name) for name in FINAL} == {name: before.get(name) for name in FINAL}, (
                "an ended job changed"
            )
            return
        self.ended[job_id] = job
        connector = self.house.connector_of[job_id]
        if self.house.trouble_at_creation.get(job_id) == self.house.trouble[connector]:
            assert (job["status"], job["error"]) == ("completed", None), f"{job_id} of {connector}"
        if job["status"] == "completed":
            await self._judge_completed(connector, job)

    async def _judge_completed(self, connector: str, job: Job) -> None:
        """Each document says what its row said at a time while the job ran.

        A job of the same connector that has started since may have had another choice of rows.
        """
        if self.meddling_at_start.get(job["id"]) != self.house.meddling[connector]:
            return
        if self._has_started_since(connector, job["id"]):
            return
        is_full = job["job_type"] == "full"
        if is_full or connector not in self.house.tampered:
            content = await self.house.content(connector)
            states = [
                self.house.expected(job, state)
                for state in self.house.tables.between(self.started_at[job["id"]], time.monotonic())
            ]
            for id_ in {*content, *(id_ for state in states for id_ in state)}:
                known = [state.get(id_) for state in states]
                assert content.get(id_) in known, f"{id_} after {job['id']} of {connector}, {known}"
            if len(states) == 1:
                assert job["total_document_count"] == len(states[0]), f"count of {job['id']}"
        if is_full:
            self.house.tampered.discard(connector)

    def _has_started_since(self, connector: str, job_id: str) -> bool:
        others = (one for one in self.started_at if self.house.connector_of[one] == connector)
        return any(self.started_at[one] > self.started_at[job_id] for one in others)

    def _judge_deletes(self, bulk: Bulk, job: Job) -> None:
        """No document is deleted whose row was there all the time since the job began."""
        deleted = {one.id for one in bulk.actions if one.operation == "delete" and one.was_applied}
        if not deleted:
            return
        start = self.started_at.get(bulk.job, bulk.at)
        states = [self.house.expected(job, state) for state in self.house.tables.between(start, bulk.until)]
        wrong = [id_ for id_ in deleted if all(id_ in state for state in states)]
        assert wrong == [], f"{bulk.worker} for {bulk.job}"

    async def conclude(self) -> None:
        """Let everything work again and come to rest; then the index is the tables."""
        house = self.house
        await self._come_to_rest()
        await self.look()
        connectors = await house.connectors()
        assert self.problems(connectors) == []
        for connector in CONNECTORS:
            job = await self._clean_job(connector)
            expected = house.expected(job, await house.tables.documents())
            assert await house.content(connector) == expected, f"{connector}"
            assert job["total_document_count"] == len(expected), "count"
            assert (await house.connectors())[connector]["status"] == "connected"
        again = await self._clean_job(CONNECTORS[0])
        assert (again["indexed_document_count"], again["deleted_document_count"]) == (0, 0), (
            "nothing had changed"
        )
        assert await house.tables.readers() == 0, "connections left"

    async def _come_to_rest(self) -> None:
        house = self.house
        house.server.faults.clear()
        house.to_turn_away.clear()
        house.disturb()
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
        raise AssertionError(f"unfinished: {await house.jobs()}")

    async def _clean_job(self, connector: str) -> Job:
        house = self.house
        before = set(house.connector_of)
        await house.create_job(connector, "full")
        (job_id,) = set(house.connector_of) - before
        await house.workers[0].poll()
        await house.workers[0].finish()
        job = (await house.jobs())[job_id]
        assert (job["status"], job["error"]) == ("completed", None), f"{connector}"
        self.ended[job_id] = job
        return job

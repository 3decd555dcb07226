"""The jobs that wait and those that run here: whose turn it is, and for how many there is room."""

import asyncio
from collections.abc import Callable, Collection

from ingest.config import Config
from ingest.job import runner
from ingest.job.runner import Worker
from ingest.job.running_job import RunningJob
from ingest.job.waiting_notice import publish_waiting_notice
from ingest.log import get_logger
from ingest.protocol import SyncJob, jobs
from ingest.service.loops import attempt
from ingest.service.pacing import Pace, Turns


class Queue:
    """Takes waiting jobs up in turn and holds those that run."""

    def __init__(self, worker: Worker, note_ended: Callable[[RunningJob, SyncJob], None]) -> None:
        """`note_ended` is told of each job that ended here, with the job as it then was."""
        self._worker = worker
        self._note_ended = note_ended
        self._turns = Turns()
        self.running: dict[str, RunningJob] = {}
        """What this process is busy with, by connector: there is never more than one job of each."""
        self.waiting: tuple[SyncJob, ...] = ()
        """Jobs that waited when they were last looked for."""
        self._reasons: dict[str, str] = {}
        """Why each of them waited then."""
        self.pace = Pace(worker.config.service.job_poll_interval_seconds)
        self.configure(worker)

    def configure(self, worker: Worker) -> None:
        """Run the jobs that are taken up from now on as this worker; those under way stay as they are."""
        self._worker = worker
        self._keys = {entry.connector_id: entry.api_key for entry in worker.config.connectors}
        self.pace.interval_seconds = worker.config.service.job_poll_interval_seconds

    def reconsider(self, *connector_ids: str) -> None:
        """Note that connectors changed, so that their jobs may be claimed now."""
        for connector_id in connector_ids:
            self._turns.reconsider(connector_id)

    def is_deferred(self, connector_id: str) -> bool:
        """Whether a job of the connector could not be claimed a moment ago."""
        return self._turns.is_deferred(connector_id)

    async def round(self, group: asyncio.TaskGroup, connector_ids: Collection[str]) -> None:
        """Start waiting jobs of these connectors as far as there is room."""
        room = room_for(self.running.values(), self._worker.config)
        if room <= 0:
            return
        waiting = await jobs.search_waiting(self._worker.client, connector_ids)
        chosen_jobs = self._turns.choose(waiting, self.running, room)
        self.waiting = tuple(job for job in waiting if job not in chosen_jobs)
        self._tell_of_those_passed_over()
        for chosen in chosen_jobs:
            running = self.running[chosen.connector_id] = RunningJob(job=chosen)
            group.create_task(self._run(chosen, running))

    def _tell_of_those_passed_over(self) -> None:
        """Log why jobs wait, once for each reason."""
        reasons = {job.id: reason_to_wait(job, self) for job in self.waiting}
        for job in self.waiting:
            if reasons[job.id] != self._reasons.get(job.id):
                get_logger().debug(
                    "job.passed_over",
                    sync_job_id=job.id,
                    connector_id=job.connector_id,
                    job_type=job.job_type_text,
                    reason=reasons[job.id],
                )
        self._reasons = reasons

    async def _run(self, waiting: SyncJob, running: RunningJob) -> None:
        worker, api_key = self._worker, self._keys.get(waiting.connector_id)
        was_ours = False

        async def run() -> None:
            nonlocal was_ours
            was_ours = await runner.run(worker, running, api_key)
            if not was_ours:
                await publish_waiting_notice(worker.client, waiting, worker.config.service.idle_limit_seconds)

        try:
            await attempt("job", run, connector_id=waiting.connector_id, sync_job_id=waiting.id)
        finally:
            del self.running[waiting.connector_id]
            if running.ended is not None:
                self._note_ended(running, running.ended)
            if was_ours:
                self._turns.serve(waiting.connector_id)
                self.pace.wake()
            else:
                self._turns.defer(waiting.connector_id)


def reason_to_wait(job: SyncJob, queue: Queue) -> str:
    """Say what a waiting job waits for."""
    if (busy := queue.running.get(job.connector_id)) is not None:
        return f"job {busy.job.id} of the same connector, which runs here"
    if queue.is_deferred(job.connector_id):
        return "its connector, which is synced elsewhere or not configured yet"
    return "room: as many jobs run as service.max_concurrent_content_syncs allows"


def room_for(running: Collection[RunningJob], config: Config) -> int:
    """Return how many more jobs may start.

    A job that pauses before a retry makes room for one of another connector, and so does one that follows and
    has caught up. Not counting the latter, there are never more than twice as many jobs as the setting says,
    so that they do not pile up while Elasticsearch is down.
    """
    most = config.service.max_concurrent_content_syncs
    staying = sum(one.is_following for one in running)
    busy = sum(one.needs_room for one in running)
    return min(most - busy, 2 * most - (len(running) - staying))

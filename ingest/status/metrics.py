"""The snapshot as Prometheus metrics; `docs/monitoring.md` says what each one means.

Everything is computed when it is asked for, so nothing is counted twice and an idle service pays nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.status import health
from ingest.status.history import OUTCOMES
from ingest.status.snapshot import Snapshot
from ingest.sync.progress.backpressure import RetryCause

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
JOB_TYPES: Final = ("full", "incremental")
ENDINGS: Final = ("completed", "error", "canceled")
_PREFIX: Final = "elastic_ingest"


class Metrics:
    """Renders metrics of a service, given how to take a snapshot of it."""

    def __init__(self, take: Callable[[], Snapshot]) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_SnapshotCollector(take))

    def render(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        rendered: bytes = generate_latest(self._registry)
        return rendered


class _SnapshotCollector(Collector):
    def __init__(self, take: Callable[[], Snapshot]) -> None:
        self._take = take

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        snapshot = self._take()
        yield from _of_the_service(snapshot)
        yield from _of_jobs(snapshot)
        yield from _of_connectors(snapshot)


def _of_the_service(snapshot: Snapshot) -> Iterator[Metric]:
    about = InfoMetricFamily(_PREFIX, "Version and name of this worker.")
    about.add_metric([], {"version": snapshot.version, "worker": snapshot.worker})
    yield about
    yield GaugeMetricFamily(
        f"{_PREFIX}_ready", "1 if the service works, 0 otherwise.", value=float(not health.problems(snapshot))
    )
    turned = GaugeMetricFamily(
        f"{_PREFIX}_loop_last_turn_timestamp_seconds",
        "When a loop last turned without error.",
        labels=["loop"],
    )
    took = GaugeMetricFamily(
        f"{_PREFIX}_loop_turn_seconds", "How long the last turn of a loop took.", labels=["loop"]
    )
    for loop in snapshot.loops:
        if loop.turned_at is not None:
            turned.add_metric([loop.name], loop.turned_at.timestamp())
        if loop.turn_seconds is not None:
            took.add_metric([loop.name], loop.turn_seconds)
    yield turned
    yield took


def _of_jobs(snapshot: Snapshot) -> Iterator[Metric]:
    ended = CounterMetricFamily(
        f"{_PREFIX}_jobs_ended", "Jobs that ended in this process.", labels=["job_type", "status"]
    )
    # Zeros, too: Prometheus sees no increase in a counter that appears with its first event, so the first job
    # in error or the first refused document would raise no alert.
    jobs = {(job_type, status): 0 for job_type in JOB_TYPES for status in ENDINGS}
    for (job_type, status), count in sorted({**jobs, **snapshot.totals.jobs}.items()):
        ended.add_metric([job_type, status], count)
    yield ended
    running = GaugeMetricFamily(f"{_PREFIX}_jobs_running", "Jobs this process is busy with.")
    running.add_metric([], len(snapshot.running))
    yield running
    waiting = GaugeMetricFamily(f"{_PREFIX}_jobs_waiting", "Jobs that waited when they were last looked for.")
    waiting.add_metric([], len(snapshot.waiting))
    yield waiting
    seconds = GaugeMetricFamily(
        f"{_PREFIX}_job_running_seconds",
        "How long the running job of a connector takes.",
        labels=["connector_id"],
    )
    for job in snapshot.running:
        seconds.add_metric([job.connector_id], (snapshot.taken_at - job.since).total_seconds())
    yield seconds
    lag = GaugeMetricFamily(
        f"{_PREFIX}_following_lag_seconds",
        "How old the oldest change may be that is not in the index yet, of a connector that follows.",
        labels=["connector_id", "way"],
    )
    for job in snapshot.running:
        if job.follows_by is not None:
            lag.add_metric([job.connector_id, job.follows_by], job.lag_seconds)
    yield lag
    yield from _of_requests(snapshot)


def _of_requests(snapshot: Snapshot) -> Iterator[Metric]:
    retries = CounterMetricFamily(
        f"{_PREFIX}_bulk_retries",
        "Bulk requests that were sent again, by what was wrong.",
        labels=["connector_id", "cause"],
    )
    none_yet = {(connector.id, cause.value): 0 for connector in snapshot.connectors for cause in RetryCause}
    for (connector_id, cause), count in sorted({**none_yet, **snapshot.totals.retries}.items()):
        retries.add_metric([connector_id, cause], count)
    yield retries
    requests = GaugeMetricFamily(
        f"{_PREFIX}_bulk_requests",
        "Bulk requests of a running job: in flight, and allowed as Elasticsearch copes right now.",
        labels=["connector_id", "state"],
    )
    for job in snapshot.running:
        requests.add_metric([job.connector_id, "in_flight"], job.requests_in_flight)
        requests.add_metric([job.connector_id, "allowed"], job.requests_allowed)
    yield requests


def _of_connectors(snapshot: Snapshot) -> Iterator[Metric]:
    documents = CounterMetricFamily(
        f"{_PREFIX}_documents", "Documents by what became of them.", labels=["connector_id", "outcome"]
    )
    none_yet = {(connector.id, outcome): 0 for connector in snapshot.connectors for outcome in OUTCOMES}
    for (connector_id, outcome), count in sorted({**none_yet, **snapshot.totals.documents}.items()):
        documents.add_metric([connector_id, outcome], count)
    yield documents
    sent = CounterMetricFamily(
        f"{_PREFIX}_sent_bytes", "Bytes of bulk requests as they were sent.", labels=["connector_id"]
    )
    for connector_id, count in sorted(snapshot.totals.sent_bytes.items()):
        sent.add_metric([connector_id], count)
    yield sent
    completed = GaugeMetricFamily(
        f"{_PREFIX}_last_completed_timestamp_seconds",
        "When a job of a connector completed last, in whatever process.",
        labels=["connector_id"],
    )
    for connector_id, moment in sorted(_last_completed(snapshot).items()):
        completed.add_metric([connector_id], moment.timestamp())
    yield completed
    in_error = GaugeMetricFamily(
        f"{_PREFIX}_connector_in_error", "1 if the connector's status is error.", labels=["connector_id"]
    )
    for connector in snapshot.connectors:
        in_error.add_metric([connector.id], float(connector.status == "error"))
    yield in_error
    yield from _of_verifications(snapshot)


def _last_completed(snapshot: Snapshot) -> dict[str, datetime]:
    """Return when a job of each connector completed last: here, or as was found when it was listed."""
    said = {
        connector.id: connector.last_completed
        for connector in snapshot.connectors
        if connector.last_completed is not None
    }
    here = snapshot.totals.last_completed
    return {one: max(filter(None, (said.get(one), here.get(one)))) for one in {*said, *here}}


def _of_verifications(snapshot: Snapshot) -> Iterator[Metric]:
    differing = GaugeMetricFamily(
        f"{_PREFIX}_rows_differing",
        "Documents that were not their rows at the last verification.",
        labels=["connector_id"],
    )
    verified = GaugeMetricFamily(
        f"{_PREFIX}_last_verified_timestamp_seconds",
        "When a connector was last verified.",
        labels=["connector_id"],
    )
    for connector in snapshot.connectors:
        if connector.verified_at is not None and connector.differing is not None:
            differing.add_metric([connector.id], connector.differing)
            verified.add_metric([connector.id], connector.verified_at.timestamp())
    yield differing
    yield verified

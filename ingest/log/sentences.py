"""What each event of the log says, in a sentence made of its facts. Pure.

A template names facts in braces. An event that is not here, or lacks a fact, is shown by its name;
`docs/events.md` says what to do about each.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ingest.durations import span

Facts = Mapping[str, Any]
_DEFECT: Final = "A defect of the service, please report the trace: "


def sentence(event: str, facts: Facts) -> str:
    """Say what happened; the event's name if that is all that is known."""
    template = SENTENCES.get(event)
    try:
        match template:
            case None:
                return event
            case str():
                return template.format_map({name: _flat(value) for name, value in facts.items()})
            case _:
                return template(facts)
    except (KeyError, ValueError, TypeError, AttributeError):
        return event


def _flat(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def counted(facts: Facts) -> str:
    """Say what became of rows and documents, without what is zero."""
    read = int(facts.get("read") or 0) + int(facts.get("skipped") or 0)
    said = [f"{facts[name]:,} {name}" for name in _OUTCOMES if facts.get(name)]
    sent = int(facts.get("sent_bytes") or 0)
    return (
        f"{read:,} rows; "
        + (", ".join(said) or "nothing changed")
        + (f"; {_size(sent)} sent" if sent else "")
    )


_OUTCOMES: Final = ("created", "updated", "deleted", "unchanged", "filtered", "dropped", "rejected", "nulled")


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB" if count >= 2**20 else f"{count / 2**10:,.1f} KiB"


def _kind(facts: Facts) -> str:
    return f"{facts.get('job_type') or 'sync'} sync".replace("sync sync", "sync").capitalize()


def _finished(facts: Facts) -> str:
    took = f"{facts['seconds']:.1f} s" if facts["seconds"] < 60 else span(facts["seconds"])
    match facts["status"]:
        case "completed":
            return f"{_kind(facts)} completed in {took}: {counted(facts)}."
        case "error":
            return f"{_kind(facts)} failed after {took}: {facts['error']}"
        case status:
            return f"{_kind(facts)} {status} after {took}: {counted(facts)}."


def _started(facts: Facts) -> str:
    again = f" (attempt {facts['attempt']})" if facts["attempt"] > 1 else ""
    return f"{_kind(facts)} begins{again}."


def _sync_started(facts: Facts) -> str:
    by = facts.get("compared_by")
    against = f"by their {by}" if by else f"with {facts['documents']:,} documents"
    why = f" {facts['reason']}" if facts.get("reason") else ""
    return f"Comparing {facts['slices']:,} tables {against}.{why}"


def _progress(facts: Facts) -> str:
    about = f" of about {facts['estimated_rows']:,}" if facts.get("estimated_rows") else ""
    left = f", {span(facts['seconds_left'])} left" if facts.get("seconds_left") else ""
    return f"{facts['slice']}: {facts['rows']:,} rows{about}, {facts['rows_per_second']:,} a second{left}."


def _waits(facts: Facts) -> str:
    other = facts["for"]
    return f"A job waits for job {other['sync_job_id']} of {other['worker_hostname']}."


def _loaded(facts: Facts) -> str:
    return f"Reading the ids in the index: {facts['documents']:,} so far."


def _worker_lost(facts: Facts) -> str:
    now = "it is resumed" if facts["status"] == "suspended" else f"it ends as {facts['status']}"
    return f"The worker of job {facts['sync_job_id']} is gone or silent; {now}."


def _refused(facts: Facts) -> str:
    ids = ", ".join(facts["ids"])
    return f"{facts['name']}: {facts['count']:,} documents were refused, such as {ids}: {facts['reason']}"


SENTENCES: Final[Mapping[str, str | Callable[[Facts], str]]] = {
    # the service
    "elasticsearch.awaited": "Waiting for Elasticsearch: {reason}",
    "elasticsearch.ready": "Elasticsearch {version} answers.",
    "elasticsearch.newer_than_known": "Elasticsearch {version} is newer than any this release was made for.",
    "status.served": "Health, metrics and the status page are at http://{host}:{port}/.",
    "lock_file.not_used": "The lock file {lock_file} is not used: {reason}",
    "service.started": "The service works as {worker}.",
    "service.stopping": "Stopping; {running_jobs} running jobs are being suspended.",
    "service.stop_forced": "Stopped too early for {running_jobs} jobs; they are resumed as after a crash.",
    "service.stopped": "Stopped in order.",
    "service.failed": "The service cannot go on: {reason}",
    "program.crashed": _DEFECT + "the process ends.",
    "config.warning": "config.yml: {problem}",
    "config.reloaded": "The new config.yml is in force.",
    "config.needs_restart": "config.yml changed in {settings}, which applies after a restart.",
    "config.not_reloaded": "The new config.yml is wrong, so the old one stays: {problems}",
    "loop.stalled": "The event loop stood still for {seconds} s: the machine is overloaded, or code blocks.",
    "loop.stands_still": "The event loop has done nothing for {seconds} s; see where it stands.",
    "loop.frozen": "The event loop has done nothing for {seconds} s; the process ends, to be started again.",
    "connectors.failed": "The connectors could not be listed; trying again: {reason}",
    "connectors.crashed": _DEFECT + "the connectors could not be listed.",
    "completions.failed": "When jobs completed last could not be found; trying again: {reason}",
    "completions.crashed": _DEFECT + "when jobs completed last could not be found.",
    "jobs.failed": "Waiting jobs could not be looked for; trying again: {reason}",
    "jobs.crashed": _DEFECT + "waiting jobs could not be looked for.",
    "cleanup.failed": "Abandoned jobs could not be looked for; trying again: {reason}",
    "cleanup.crashed": _DEFECT + "abandoned jobs could not be looked for.",
    # connectors
    "connector.missing": "Connector {connector_id} of config.yml does not exist. Create it: {remedy}",
    "connector.created": "Connector {connector_id} did not exist and was created.",
    "connector.registered": "Told connector {connector_id} which settings the service needs.",
    "connector.connected": "Connector {connector_id}: the source answers, so its error is cleared.",
    "connector.unusable": "Connector {connector_id} cannot be used: {error}",
    "connector.repaired": "Connector {connector_id} said that a sync was in progress, and none was.",
    "connector.failed": "Connector {connector_id} could not be checked; trying again: {reason}",
    "connector.crashed": _DEFECT + "connector {connector_id} could not be checked.",
    "connector.passed_over": "Connector {connector_id} is not looked after now: {reason}",
    "filtering.validated": "The draft of sync rules of connector {connector_id} is {state}.",
    # jobs
    "job.scheduled": "It is time for a {job_type} sync of connector {connector_id}.",
    "job.waits": _waits,
    "job.passed_over": "A {job_type} sync of connector {connector_id} waits for {reason}.",
    "job.started": _started,
    "job.finished": _finished,
    "job.refused": "A job of connector {connector_id} cannot be run: {error}",
    "job.lost": "The job is not ours any more, so nothing more is written: {reason}",
    "job.rejections_not_kept": "What Elasticsearch refused could not be kept in {index}: {reason}",
    "job.crashed": _DEFECT + "the job ends in error.",
    "job.failed": "Elasticsearch failed while a job was taken or ended; it is resumed: {reason}",
    "job.check_failed": "Whether the job was canceled could not be found out; asking again: {error}",
    "job.heartbeat_failed": "The job's counts could not be reported; trying again: {error}",
    "job.heartbeat_crashed": _DEFECT + "the job's counts could not be reported.",
    "job.not_reported": "The job's ending could not be reported; it is resumed as after a crash: {reason}",
    "job.worker_lost": _worker_lost,
    "job.orphaned": "The connector of job {sync_job_id} was deleted, so the job ends.",
    # syncs
    "sync.started": _sync_started,
    "sync.progress": _progress,
    "sync.finished": "Everything was read, sent and confirmed; the index holds {total:,} documents.",
    "sync.leaves_no_cursor": "The next incremental sync will read everything. {reason}",
    "sync.deleted_many": "{stale:,} of {documents:,} documents were deleted: rows are gone or excluded.",
    "sync.shared_ids": "{rows:,} rows have the id of another row, so one document stands for several.",
    "sync.content_hash_removed": "The ingest pipeline removes _content_hash, so every sync sends everything.",
    "sync.fields_not_mapped": "New fields of {index} could not be mapped: {reason}",
    "sync.mapping_doubtful": "{finding}",
    "sync.mapping_guessed": "Elasticsearch mapped {index} by first values; delete it, and it is made anew.",
    "follow.started": "Everything is in the index; following {slices:,} tables by {way}.",
    "follow.awaited": "Following pauses and tries again: {reason}",
    "follow.log_opened": "From here on the database's log tells what changes; {silent} tables are polled.",
    "follow.without_log": "The database's log cannot be followed, so changes are polled: {reason}",
    "follow.log_lost": "The database's log was lost; what was missed is caught up: {reason}",
    "follow.ended": "Following ends: {reason}",
    "follow.index_doubted": "{reason}",
    "index.loading": _loaded,
    "pipeline.not_readable": "The key may not read the pipeline {pipeline} ({privilege}): {reason}",
    "source.awaited": "The source is not reachable; trying again: {reason}",
    "source.finding": "{finding}",
    "bulk.retried": "{documents:,} documents are sent again: {reason}",
    "slice.read": "{slice} was read: {rows:,} rows.",
    "slice.read_again": "Reading {slice} broke off and begins again: {reason}",
    "slice.refused": _refused,
}

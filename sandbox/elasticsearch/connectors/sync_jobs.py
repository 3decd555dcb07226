"""Sync jobs: creating, reading, listing, deleting, and what the worker reports."""

from collections.abc import Callable
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.connectors import states, stored_documents
from sandbox.elasticsearch.connectors.members.configuration import read_configuration
from sandbox.elasticsearch.connectors.parsing import bodies
from sandbox.elasticsearch.connectors.parsing.members import instant, long, open_object, text, words
from sandbox.elasticsearch.connectors.parsing.parser import BodyError, ObjectParser
from sandbox.elasticsearch.connectors.stored_documents import Source
from sandbox.elasticsearch.http import Answer, Body, Handler, Request, Route
from sandbox.elasticsearch.indices.templates import CONNECTORS_INDEX, SYNC_JOBS_INDEX
from sandbox.elasticsearch.security import ClusterPrivilege

_COUNTERS = (
    "deleted_document_count",
    "indexed_document_count",
    "indexed_document_volume",
    "total_document_count",
)

_read_job_type = words("ConnectorSyncJobType", *states.JOB_TYPES)
_read_status = words("ConnectorSyncStatus", *states.SYNC_STATUSES)
_read_trigger = words("ConnectorSyncJobTriggerMethod", *states.TRIGGER_METHODS)


def _keep_canonical_words(job: dict[str, Any]) -> None:
    for name, read in (("job_type", _read_job_type), ("trigger_method", _read_trigger)):
        if name in job:
            job[name] = read(job[name])


_CREATE = ObjectParser(
    "connector_sync_job_post_request",
    (text("id", required=True), text("job_type"), text("trigger_method")),
    strict=True,
    build=_keep_canonical_words,
)
_CLAIM = ObjectParser(
    "claim_connector_sync_job",
    (text("worker_hostname", required=True), open_object("sync_cursor")),
    strict=True,
)
_ERROR = ObjectParser("connector_sync_job_error_request", (text("error", required=True),), strict=True)
_STATS = ObjectParser(
    "connector_sync_job_update_ingestion_stats",
    (
        *(long(name, required=name != "total_document_count") for name in _COUNTERS),
        instant("last_seen"),
        open_object("metadata"),
    ),
    strict=True,
)

_EMPTY_ID = "[connector_sync_job_id] of the connector sync job cannot be null or empty."


def create_sync_job(request: Request) -> Answer:
    """Create a job from what the connector is at this moment."""
    given = bodies.read(request, _CREATE)
    connector_id = given["id"]
    if not connector_id:
        raise errors.validation("[id] of the connector cannot be null or empty")
    job_type = given.get("job_type", "full")
    connector = _snapshot(connector_id, _stored_connector(request, connector_id), job_type)
    job = new_sync_job(
        connector, job_type, given.get("trigger_method", "on_demand"), stored_documents.now(request.state)
    )
    index = request.state.for_writing(SYNC_JOBS_INDEX)
    write = index.index(None, job)
    index.refresh()
    request.effect.note(write)
    return Answer({"id": write.id}, status=201)


def get_sync_job(request: Request) -> Answer:
    """Answer with the job as it is stored."""
    job_id = _checked_id(request)
    return Answer(stored_documents.with_id(job_id, stored_documents.read_sync_job(request.state, job_id)))


def list_sync_jobs(request: Request) -> Answer:
    """Answer with the jobs that pass every given filter, newest first."""
    filters: list[Callable[[Source], bool]] = []
    if connector_id := request.query.get("connector_id"):
        filters.append(lambda source: stored_documents.job_connector_id(source) == connector_id)
    if "status" in request.query:
        status = _query_word(_read_status, request.query["status"])
        filters.append(lambda source: source.get("status") == status)
    job_types = [_query_word(_read_job_type, word) for word in request.names("job_type")]
    if job_types:
        filters.append(lambda source: source.get("job_type") in job_types)
    return stored_documents.page(
        request,
        SYNC_JOBS_INDEX,
        lambda source: all(keep(source) for keep in filters),
        lambda source: str(source.get("created_at", "")),
        descending=True,
    )


def delete_sync_job(request: Request) -> Answer:
    """Remove the job whatever its status."""
    job_id = _checked_id(request)
    stored_documents.read_sync_job(request.state, job_id)
    index = request.state.index(SYNC_JOBS_INDEX)
    index.delete(job_id)
    index.refresh()
    request.effect.deleted.append(job_id)
    return Answer({"acknowledged": True})


def cancel_sync_job(request: Request) -> Answer:
    """Cancel a job nobody works on; ask for the cancelation of one that runs."""
    job_id = _checked_id(request)
    status = stored_documents.read_sync_job(request.state, job_id).get("status", "")
    now = stored_documents.now(request.state)
    if states.sync_job_may_become(status, "canceled") and status != "canceling":
        change = {
            "status": "canceled",
            "cancelation_requested_at": now,
            "canceled_at": now,
            "completed_at": now,
        }
    else:
        _check_transition(status, "canceling")
        change = {"status": "canceling", "cancelation_requested_at": now}
    return stored_documents.update_sync_job(request, job_id, change)


def check_in_sync_job(request: Request) -> Answer:
    """Note that the job's worker is alive."""
    job_id = _checked_id(request)
    return stored_documents.update_sync_job(
        request, job_id, {"last_seen": stored_documents.now(request.state)}
    )


def claim_sync_job(request: Request) -> Answer:
    """Give the job to a worker. Nothing is checked: a finished job can be claimed, and so can another's."""
    given = bodies.read(request, _CLAIM)
    job_id = _checked_id(request)
    stored_documents.read_sync_job(request.state, job_id)
    now = stored_documents.now(request.state)
    change: dict[str, Any] = {
        "worker_hostname": given["worker_hostname"],
        "status": "in_progress",
        "last_seen": now,
        "started_at": now,
    }
    if "sync_cursor" in given:
        change["connector"] = {"sync_cursor": given["sync_cursor"]}
    return stored_documents.update_sync_job(request, job_id, change)


def update_sync_job_error(request: Request) -> Answer:
    """Fail a running job."""
    given = bodies.read(request, _ERROR)
    problems = [] if given["error"] else ["[error] of the connector sync job cannot be null or empty"]
    job_id = _checked_id(request, *problems)
    _check_transition(stored_documents.read_sync_job(request.state, job_id).get("status", ""), "error")
    return stored_documents.update_sync_job(request, job_id, {"error": given["error"], "status": "error"})


def update_sync_job_stats(request: Request) -> Answer:
    """Take over the worker's counters."""
    given = bodies.read(request, _STATS)
    problems = [f"[{name}] cannot be negative." for name in _COUNTERS if given.get(name, 0) < 0]
    job_id = _checked_id(request, *problems)
    return stored_documents.update_sync_job(
        request, job_id, {"last_seen": stored_documents.now(request.state), **given}
    )


def new_sync_job(connector: Source, job_type: str, trigger_method: str, now: str) -> Source:
    """The document of a job right after its creation."""
    return {
        "connector": connector,
        "created_at": now,
        "deleted_document_count": 0,
        "indexed_document_count": 0,
        "indexed_document_volume": 0,
        "job_type": job_type,
        "last_seen": now,
        "metadata": {},
        "status": "pending",
        "total_document_count": 0,
        "trigger_method": trigger_method,
    }


def _stored_connector(request: Request, connector_id: str) -> Source:
    document = request.state.index(CONNECTORS_INDEX).get(connector_id)
    if document is None:
        raise errors.not_found(f"Connector with id '{connector_id}' does not exist.")
    return document.parsed()


def _snapshot(connector_id: str, stored: Source, job_type: str) -> Source:
    """What a job keeps of its connector. Soft-deleted connectors are not told apart."""
    index_name = stored.get("index_name")
    if job_type == "access_control":
        index_name = f".search-acl-filter-{'null' if index_name is None else index_name}"
    if not index_name:
        raise errors.state_conflict(
            f"Cannot start a sync for connector [{connector_id}] with no index attached. Set the "
            "[index_name] property for the connector to enable syncing data."
        )
    if not stored.get("service_type"):
        raise errors.state_conflict(
            f"Cannot start a sync for connector [{connector_id}] with [service_type] not defined. Set the "
            "service type of your connector before starting the sync."
        )
    snapshot = {
        "id": connector_id,
        "filtering": _active_filtering(stored),
        "index_name": index_name,
        "language": stored.get("language"),
        "pipeline": stored.get("pipeline"),
        "service_type": stored["service_type"],
        "configuration": _configuration(stored),
    }
    return {name: value for name, value in snapshot.items() if value is not None}


def _active_filtering(stored: Source) -> Any:
    filtering = stored.get("filtering")
    return filtering[0].get("active") if isinstance(filtering, list) and filtering else None


def _configuration(stored: Source) -> Any:
    try:
        return read_configuration(stored.get("configuration") or {})
    except BodyError as error:
        raise bodies.refusal(error) from error


def _check_transition(status: str, target: str) -> None:
    if states.sync_job_may_become(status, target):
        return
    reason = (
        f"Invalid transition attempt from [{status}] to [{target}]. Such a ConnectorSyncStatus transition is "
        "not supported by the Connector Protocol."
    )
    cause = errors.ElasticsearchError(400, "connector_sync_job_invalid_status_transition_exception", reason)
    raise errors.state_conflict(reason, caused_by=cause)


def _query_word(read: Callable[[str], str], word: str) -> str:
    try:
        return read(word)
    except BodyError as error:
        raise errors.illegal_argument(error.reason) from error


def _checked_id(request: Request, *problems: str) -> str:
    """Return the job's id; raise everything that is wrong with the request as a whole."""
    job_id = request.parameter("sync_job_id")
    found = [*([] if job_id else [_EMPTY_ID]), *problems]
    if found:
        raise errors.validation(*found)
    return job_id


def _route(
    method: str,
    path: str,
    handler: Handler,
    action: str,
    *,
    body: Body = Body.NONE,
    parameters: frozenset[str] = frozenset(),
) -> Route:
    name = "monitor_connector" if action in {"get", "list"} else "manage_connector"
    privilege = ClusterPrivilege(name, f"cluster:admin/xpack/connector/sync_job/{action}")
    return Route(method, f"/_connector/_sync_job{path}", handler, parameters, body, privilege)


_LIST_PARAMETERS = frozenset({"from", "size", "connector_id", "status", "job_type"})

ROUTES = (
    _route("POST", "", create_sync_job, "post", body=Body.REQUIRED),
    _route("GET", "", list_sync_jobs, "list", parameters=_LIST_PARAMETERS),
    _route("GET", "/{sync_job_id}", get_sync_job, "get"),
    _route("DELETE", "/{sync_job_id}", delete_sync_job, "delete"),
    _route("PUT", "/{sync_job_id}/_cancel", cancel_sync_job, "cancel"),
    _route("PUT", "/{sync_job_id}/_check_in", check_in_sync_job, "check_in"),
    _route("PUT", "/{sync_job_id}/_claim", claim_sync_job, "claim", body=Body.REQUIRED),
    _route("PUT", "/{sync_job_id}/_error", update_sync_job_error, "update_error", body=Body.REQUIRED),
    _route("PUT", "/{sync_job_id}/_stats", update_sync_job_stats, "update_stats", body=Body.REQUIRED),
)

"""Connector documents: every read and write of them, named after the endpoint where there is one.

Writes that no route offers go to the index directly and are guarded by the version that was read;
`docs/protocol.md` lists them.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from ingest import errors
from ingest.elasticsearch import answers
from ingest.elasticsearch.client import Client, segment
from ingest.protocol import versioned_documents
from ingest.protocol.connector import (
    CONNECTORS_INDEX,
    DEFAULT_RULE,
    LAST_VERIFY,
    SCHEDULED_AT,
    Connector,
    FilteringError,
    Verified,
)
from ingest.protocol.enums import ConnectorStatus, JobStatus, JobType, ValidationState
from ingest.protocol.parsing import Version, timestamp, version_of

SEARCH_BUDGET_SECONDS = 20.0
_NOT_DELETED = {"term": {"deleted": True}}


async def search(
    client: Client,
    *,
    ids: Collection[str],
    service_types: Collection[str],
    known: Mapping[str, Connector] = MappingProxyType({}),
    budget_seconds: float = SEARCH_BUDGET_SECONDS,
) -> list[Connector]:
    """List the connectors with these ids, and all self-managed ones of these types.

    Those that are `known` at the version they have now are not read again: one search for the versions, and
    a second one if any is another. Without any known, one search.
    """
    wanted: list[dict[str, Any]] = []
    if ids:
        wanted.append({"terms": {"_id": sorted(ids)}})
    if service_types:
        of_type = [{"terms": {"service_type": sorted(service_types)}}, {"term": {"is_native": False}}]
        wanted.append({"bool": {"filter": of_type}})
    if not wanted:
        return []
    query = {"should": wanted, "minimum_should_match": 1}
    if not known:
        return await _found(client, query, budget_seconds)
    versions = await _versions(client, query, budget_seconds)
    unchanged = {one: known[one] for one in versions.keys() & known if known[one].version == versions[one]}
    if not (changed := versions.keys() - unchanged):
        return list(unchanged.values())
    read = await _found(client, {**query, "filter": {"terms": {"_id": sorted(changed)}}}, budget_seconds)
    return [*unchanged.values(), *read]


async def with_an_index(client: Client) -> list[Connector]:
    """List every connector that has an index, whatever its type and whoever serves it."""
    return await _found(client, {"filter": [{"exists": {"field": "index_name"}}]}, SEARCH_BUDGET_SECONDS)


async def _versions(client: Client, wanted: Mapping[str, Any], budget_seconds: float) -> dict[str, Version]:
    hits = await versioned_documents.search(
        client,
        CONNECTORS_INDEX,
        {"bool": {**wanted, "must_not": [_NOT_DELETED]}},
        versioned_documents.BY_AGE_OF_WRITE,
        members=(),
        budget_seconds=budget_seconds,
    )
    return {str(hit["_id"]): version_of(hit) for hit in hits}


async def _found(client: Client, wanted: Mapping[str, Any], budget_seconds: float) -> list[Connector]:
    hits = await versioned_documents.search(
        client,
        CONNECTORS_INDEX,
        {"bool": {**wanted, "must_not": [_NOT_DELETED]}},
        versioned_documents.BY_AGE_OF_WRITE,
        without=("sync_cursor",),  # it may be large, and only a job reads it
        budget_seconds=budget_seconds,
    )
    # A connector written between two pages is found twice; the later hit is the newer one.
    return list({str(hit["_id"]): Connector.from_wire(hit) for hit in hits}.values())


async def get(client: Client, connector_id: str, *, budget_seconds: float = 60.0) -> Connector | None:
    """Read a connector as it is right now; None if it does not exist or was deleted."""
    hit = await versioned_documents.read(
        client, CONNECTORS_INDEX, connector_id, budget_seconds=budget_seconds
    )
    if hit is None or hit["_source"].get("deleted") is True:
        return None
    return Connector.from_wire(hit)


async def create(
    client: Client,
    connector_id: str,
    *,
    service_type: str,
    index_name: str | None,
    name: str,
    language: str | None = None,
) -> bool:
    """Create a connector unless one with this id exists, deleted or not; say whether it was created.

    The route for this (`PUT /_connector/{id}`) would wipe a connector that another replica created a moment
    ago, so the document the route would write is written with `op_type=create`. Only the very first connector
    of a cluster is created by the route: it also creates the index, which the service may not do itself.
    """
    try:
        await client.call("GET", f"/{CONNECTORS_INDEX}/_doc/{segment(connector_id)}", answers.an_object)
    except errors.NotFoundError as error:
        is_first = error.error_type == "index_not_found_exception"
    else:
        return False
    if is_first:
        members = {"service_type": service_type, "name": name, "index_name": index_name, "language": language}
        await client.call(
            "PUT",
            f"/_connector/{segment(connector_id)}",
            answers.result,
            body={member: value for member, value in members.items() if value is not None},
            budget_seconds=0,
        )
        return True
    try:
        await client.call(
            "PUT",
            f"/{CONNECTORS_INDEX}/_doc/{segment(connector_id)}",
            answers.result,
            params={"op_type": "create", "refresh": "true"},
            body=_new_connector(service_type, index_name, name, timestamp(datetime.now(UTC)))
            | ({} if language is None else {"language": language}),
            budget_seconds=0,
        )
    except errors.ConflictError:
        return False
    return True


async def check_in(client: Client, connector_id: str) -> None:
    """Tell that the connector's service is alive (`last_seen`)."""
    await _put(client, connector_id, "_check_in", None)


async def update_error(client: Client, connector_id: str, error: str | None) -> None:
    """Set the error and status `error`, or with None clear it and set status `connected`."""
    await _put(client, connector_id, "_error", {"error": error})


async def update_filtering_validation(
    client: Client, connector_id: str, state: ValidationState, problems: Iterable[FilteringError] = ()
) -> None:
    """Say what is known about the draft rules."""
    validation = {"state": state.value, "errors": [problem.to_wire() for problem in problems]}
    await _put(client, connector_id, "_filtering/_validation", {"validation": validation})


async def activate_filtering(client: Client, connector_id: str) -> None:
    """Make the draft rules the active ones. The server refuses unless the draft is valid at that moment."""
    await _put(client, connector_id, "_filtering/_activate", None)


async def register(client: Client, connector: Connector, members: Mapping[str, Any]) -> None:
    """Write schema, service type, features or status in one guarded update; no route writes them together.

    Raises ConflictError if anybody wrote the connector since it was read.
    """
    await versioned_documents.update(client, CONNECTORS_INDEX, connector.id, members, connector.version)


async def update_last_scheduled_at(
    client: Client, connector: Connector, job_type: JobType, moment: str
) -> Version:
    """Stamp a due run, guarded: of all replicas that see it due, one stamps and creates the job.

    Raises ConflictError for the others. One attempt: a lost answer must not become a second stamp.
    """
    return await versioned_documents.update(
        client,
        CONNECTORS_INDEX,
        connector.id,
        {SCHEDULED_AT[job_type]: moment},
        connector.version,
        budget_seconds=0,
    )


async def start_sync(client: Client, connector: Connector) -> Version:
    """Mark the connector as syncing, guarded: of all workers that read this version, one gets through.

    Raises ConflictError for the others. One attempt: after a lost answer nobody could tell who got through.
    """
    return await versioned_documents.update(
        client,
        CONNECTORS_INDEX,
        connector.id,
        {
            "status": ConnectorStatus.CONNECTED.value,
            "error": None,
            "last_sync_status": JobStatus.IN_PROGRESS.value,
            "last_sync_error": None,
        },
        connector.version,
        budget_seconds=0,
    )


async def store_cursor(client: Client, connector: Connector, cursor: Mapping[str, Any]) -> Version:
    """Keep where a job that still runs is, guarded by the version read. Raises ConflictError."""
    return await versioned_documents.update(
        client, CONNECTORS_INDEX, connector.id, {"sync_cursor": cursor}, connector.version
    )


async def end_sync(client: Client, connector: Connector, members: Mapping[str, Any]) -> None:
    """Write how the sync ended, guarded by the version read. Raises ConflictError; the caller reads again."""
    await versioned_documents.update(client, CONNECTORS_INDEX, connector.id, members, connector.version)


async def note_verified(client: Client, connector: Connector, verified: Verified) -> None:
    """Write what a verification found, guarded by the version read. Raises ConflictError."""
    members = {LAST_VERIFY: verified.to_wire()}
    await versioned_documents.update(
        client, CONNECTORS_INDEX, connector.id, members, connector.version, budget_seconds=0
    )


async def _put(client: Client, connector_id: str, endpoint: str, body: Any) -> None:
    await client.call(
        "PUT",
        f"/_connector/{segment(connector_id)}/{endpoint}",
        answers.result,
        body=body,
        budget_seconds=20.0,
        timeout_seconds=versioned_documents.CALL_TIMEOUT_SECONDS,
    )


def _new_connector(service_type: str, index_name: str | None, name: str, now: str) -> dict[str, Any]:
    """Return the document the create route writes."""
    dates = {"created_at": now, "updated_at": now}
    rules = {
        "advanced_snippet": {**dates, "value": {}},
        "rules": [{**DEFAULT_RULE, "order": 0, **dates}],
        "validation": {"errors": [], "state": ValidationState.VALID.value},
    }
    document = {
        "configuration": {},
        "custom_scheduling": {},
        "filtering": [{"active": rules, "domain": "DEFAULT", "draft": rules}],
        "is_native": False,
        "name": name,
        "scheduling": {kind.value: {"enabled": False, "interval": "0 0 0 * * ?"} for kind in JobType},
        "service_type": service_type,
        "status": ConnectorStatus.CREATED.value,
        "sync_now": False,
        "deleted": False,
    }
    return document if index_name is None else {**document, "index_name": index_name}

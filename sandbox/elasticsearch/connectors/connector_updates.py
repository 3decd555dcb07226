"""The routes that change one part of a connector.

read first     unknown or soft-deleted: `connector [x] not found`
blind          straight to the update: `[x]: document missing`, and soft-deleted connectors are changed
"""

from collections.abc import Mapping
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.connectors import states, stored_documents
from sandbox.elasticsearch.connectors.connectors import NATIVE_PREFIX, index_name_in_use, index_name_problems
from sandbox.elasticsearch.connectors.members import configuration, features, filtering, scheduling
from sandbox.elasticsearch.connectors.parsing import bodies
from sandbox.elasticsearch.connectors.parsing.members import (
    boolean,
    enumeration,
    instant_or_null,
    long,
    object_of,
    open_object,
    text,
    text_or_null,
    words,
)
from sandbox.elasticsearch.connectors.parsing.parser import Field, ObjectParser, illegal
from sandbox.elasticsearch.http import Answer, Body, Handler, Request, Route
from sandbox.elasticsearch.security import ClusterPrivilege


def _parser(route: str, *fields: Field) -> ObjectParser:
    return ObjectParser(f"connector_update_{route}_request", fields, strict=True)


def _read_status(word: str) -> str:
    status = word.lower()
    if status not in states.CONNECTOR_STATUSES:
        raise illegal(f"Unknown ConnectorStatus: {word}")
    return status


_read_sync_status = words("ConnectorSyncStatus", *states.SYNC_STATUSES)

_API_KEY_ID = _parser("api_key_id", text_or_null("api_key_id"), text_or_null("api_key_secret_id"))
_ERROR = _parser("error", text_or_null("error", required=True))
_FEATURES = _parser("features", object_of("features", features.FEATURES.read))
_INDEX_NAME = _parser("index_name", text_or_null("index_name", required=True))
_LAST_SYNC = _parser(
    "last_sync_stats",
    text_or_null("last_access_control_sync_error"),
    instant_or_null("last_access_control_sync_scheduled_at"),
    enumeration("last_access_control_sync_status", _read_sync_status, null=True),
    long("last_deleted_document_count"),
    instant_or_null("last_incremental_sync_scheduled_at"),
    long("last_indexed_document_count"),
    text_or_null("last_sync_error"),
    instant_or_null("last_sync_scheduled_at"),
    enumeration("last_sync_status", _read_sync_status, null=True),
    instant_or_null("last_synced"),
    open_object("sync_cursor", null=True),
)
_NAME = _parser("name", text_or_null("name"), text_or_null("description"))
_NATIVE = _parser("native", boolean("is_native", required=True))
_PIPELINE = _parser("pipeline", object_of("pipeline", features.PIPELINE.read, required=True))
_SCHEDULING = _parser("scheduling", object_of("scheduling", scheduling.SCHEDULING.read, required=True))
_SERVICE_TYPE = _parser("service_type", text("service_type", required=True))
_STATUS = _parser("status", enumeration("status", _read_status))

_EMPTY_ID = '[connector_id] cannot be [null] or [""].'


def check_in(request: Request) -> Answer:
    """Note that the connector's service is alive."""
    connector_id = _checked_id(request)
    return stored_documents.update_connector(
        request, connector_id, {"last_seen": stored_documents.now(request.state)}
    )


def update_configuration(request: Request) -> Answer:
    """Replace the configuration's schema, or set values in it; either way the connector is `configured`."""
    given = bodies.read(request, configuration.CONFIGURATION_REQUEST)
    problems = []
    if not given:
        problems.append("[configuration] and [values] cannot both be null.")
    if len(given) > 1:
        problems.append("[configuration] and [values] cannot both be provided in the same request.")
    connector_id = _checked_id(request, *problems)
    stored = stored_documents.read_connector(request.state, connector_id)
    if "configuration" in given:
        replaced = {**stored, "configuration": given["configuration"], "status": "configured"}
        return _replaced(request, connector_id, replaced)
    change = {"configuration": _value_changes(stored, given["values"]), "status": "configured"}
    return stored_documents.update_connector(request, connector_id, change, refresh=True)


def update_error(request: Request) -> Answer:
    """Set or clear the error, and the status with it."""
    given = bodies.read(request, _ERROR)
    change = {**given, "status": states.status_after_error(given["error"])}
    return stored_documents.update_connector(request, _checked_id(request), change)


def update_features(request: Request) -> Answer:
    """Merge feature flags."""
    given = bodies.read(request, _FEATURES)
    connector_id = _checked_id(request)
    if "features" not in given:
        # The server does not require them, and fails on their absence.
        raise errors.ElasticsearchError(500, "null_pointer_exception", "features is null")
    return stored_documents.update_connector(request, connector_id, given)


def update_filtering(request: Request) -> Answer:
    """Override the whole filtering, or edit the draft."""
    given = bodies.read(request, filtering.FILTERING_REQUEST)
    problems = []
    if not given:
        problems.append("[advanced_snippet] and [rules] cannot be both [null].")
    if "filtering" in given and len(given) > 1:
        problems.append(
            "If [filtering] is specified, [rules] and [advanced_snippet] should not be present in the "
            "request body."
        )
    connector_id = _checked_id(request, *problems)
    now = stored_documents.now(request.state)
    if "filtering" in given:
        overridden = filtering.overridden(given["filtering"], now)
        return stored_documents.update_connector(request, connector_id, {"filtering": overridden})
    stored = _stored_filtering(request, connector_id)
    edited = filtering.edited(
        stored, rules=given.get("rules"), advanced_snippet=given.get("advanced_snippet"), now=now
    )
    return stored_documents.update_connector(request, connector_id, {"filtering": edited})


def update_filtering_validation(request: Request) -> Answer:
    """Set the validation of the draft."""
    given = bodies.read(request, filtering.VALIDATION_REQUEST)
    connector_id = _checked_id(request)
    validated = filtering.validated(_stored_filtering(request, connector_id), given["validation"])
    return stored_documents.update_connector(request, connector_id, {"filtering": validated})


def activate_filtering(request: Request) -> Answer:
    """Make a valid draft the active filtering."""
    connector_id = _checked_id(request)
    stored = _stored_filtering(request, connector_id)
    state = filtering.draft_state(stored)
    if state != "valid":
        raise errors.state_conflict(
            "Filtering draft needs to be validated by the connector service before activation. Current "
            f"filtering draft validation state [{state}] is not equal to [valid]."
        )
    return stored_documents.update_connector(
        request, connector_id, {"filtering": filtering.activated(stored)}
    )


def update_index_name(request: Request) -> Answer:
    """Attach another index, or none."""
    given = bodies.read(request, _INDEX_NAME)
    index_name = given["index_name"]
    connector_id = _checked_id(request, *([] if index_name is None else index_name_problems(index_name)))
    if index_name is not None and stored_documents.index_name_is_taken(
        request.state, index_name, by_other_than=connector_id
    ):
        raise index_name_in_use(index_name)
    stored = stored_documents.read_connector(request.state, connector_id)
    if stored.get("is_native") and index_name is not None and not index_name.startswith(NATIVE_PREFIX):
        raise errors.state_conflict(
            "Index attached to an Elastic-managed connector must start with the prefix: "
            f"[{NATIVE_PREFIX}]. The index name in the payload [{index_name}] doesn't comply with this "
            "requirement."
        )
    return stored_documents.update_connector(request, connector_id, given)


def update_last_sync(request: Request) -> Answer:
    """Merge members about the last sync; nulls are ignored."""
    given = bodies.read(request, _LAST_SYNC)
    known = {name: value for name, value in given.items() if value is not None}
    return stored_documents.update_connector(request, _checked_id(request), known)


def update_name(request: Request) -> Answer:
    """Set name, description or both."""
    return _update_given(
        request,
        _NAME,
        "[name] and [description] cannot both be [null]. Please provide a value for at least one of them.",
    )


def update_native(request: Request) -> Answer:
    """Set whether Elastic or a service of one's own runs the connector."""
    given = bodies.read(request, _NATIVE)
    connector_id = _checked_id(request)
    stored = stored_documents.read_connector(request.state, connector_id)
    index_name = stored.get("index_name")
    if given["is_native"] and index_name is not None and not str(index_name).startswith(NATIVE_PREFIX):
        raise errors.state_conflict(
            f"The index name [{index_name}] attached to the connector [{connector_id}] must start with the "
            f"required prefix: [{NATIVE_PREFIX}] to be Elastic-managed. Please update the attached index "
            "first to comply with this requirement."
        )
    change = {**given, "status": states.status_after_native(stored.get("status", "created"))}
    return stored_documents.update_connector(request, connector_id, change, refresh=True)


def update_pipeline(request: Request) -> Answer:
    """Replace the pipeline's settings."""
    given = bodies.read(request, _PIPELINE)
    return stored_documents.update_connector(request, _checked_id(request), given)


def update_scheduling(request: Request) -> Answer:
    """Replace the given schedules."""
    given = bodies.read(request, _SCHEDULING)
    problems = []
    # The server looks for these two alone: a body with nothing but `access_control` is refused as well.
    if not {"full", "incremental"} & given["scheduling"].keys():
        problems.append(
            "[scheduling] object needs to define at least one schedule type: "
            "[full | incremental | access_control]"
        )
    return stored_documents.update_connector(request, _checked_id(request, *problems), given)


def update_service_type(request: Request) -> Answer:
    """Set the service type; a configuration made for another one no longer fits."""
    given = bodies.read(request, _SERVICE_TYPE)
    problems = [] if given["service_type"] else ['[service_type] cannot be [null] or [""].']
    connector_id = _checked_id(request, *problems)
    stored = stored_documents.read_connector(request.state, connector_id)
    change = {**given, "status": states.status_after_service_type(stored.get("status", "created"))}
    return stored_documents.update_connector(request, connector_id, change)


def update_status(request: Request) -> Answer:
    """Set the status if the Connector Protocol allows the transition."""
    given = bodies.read(request, _STATUS)
    connector_id = _checked_id(request, *([] if given else ["[status] cannot be [null]."]))
    current = stored_documents.read_connector(request.state, connector_id).get("status", "")
    if not states.connector_may_become(current, given["status"]):
        reason = (
            f"Invalid transition attempt from [{current}] to [{given['status']}]. Such a status transition "
            "is not supported by the Connector Protocol."
        )
        cause = errors.ElasticsearchError(400, "connector_invalid_status_transition_exception", reason)
        raise errors.state_conflict(reason, caused_by=cause)
    return stored_documents.update_connector(request, connector_id, given)


def update_api_key_id(request: Request) -> Answer:
    """Set the ids of the API key and of the secret that holds it."""
    return _update_given(
        request,
        _API_KEY_ID,
        "[api_key_id] and [api_key_secret_id] cannot both be [null]. Please provide a value for at least one "
        "of them.",
    )


def _checked_id(request: Request, *problems: str) -> str:
    """Return the connector's id; raise everything that is wrong with the request as a whole."""
    connector_id = request.parameter("connector_id")
    found = [*([] if connector_id else [_EMPTY_ID]), *problems]
    if found:
        raise errors.validation(*found)
    return connector_id


def _update_given(request: Request, parser: ObjectParser, nothing_given: str) -> Answer:
    given = {name: value for name, value in bodies.read(request, parser).items() if value is not None}
    connector_id = _checked_id(request, *([] if given else [nothing_given]))
    return stored_documents.update_connector(request, connector_id, given)


def _stored_filtering(request: Request, connector_id: str) -> Mapping[str, Any]:
    stored = stored_documents.read_connector(request.state, connector_id)
    return filtering.first_entry(stored.get("filtering"), stored_documents.now(request.state))


def _value_changes(stored: stored_documents.Source, values: dict[str, Any]) -> dict[str, Any]:
    unknown = [name for name in values if name not in (stored.get("configuration") or {})]
    if unknown:
        raise errors.state_conflict(
            f"Unknown [configuration] fields in the request payload: [{', '.join(unknown)}]. Remove them "
            "from request or register their schema first."
        )
    if None in values.values():
        # The server builds a map that cannot hold a null.
        raise errors.ElasticsearchError(500, "null_pointer_exception", "configuration value is null")
    return {name: {"value": value} for name, value in values.items()}


def _replaced(request: Request, connector_id: str, source: stored_documents.Source) -> Answer:
    written = stored_documents.write_connector(request, connector_id, source)
    return Answer({"result": written.body["result"]})


def _route(path: str, handler: Handler, action: str, body: Body = Body.REQUIRED) -> Route:
    privilege = ClusterPrivilege("manage_connector", f"cluster:admin/xpack/connector/{action}")
    return Route("PUT", f"/_connector/{{connector_id}}/{path}", handler, body=body, privilege=privilege)


ROUTES = (
    _route("_check_in", check_in, "update_last_seen", Body.NONE),
    _route("_configuration", update_configuration, "update_configuration"),
    _route("_error", update_error, "update_error"),
    _route("_features", update_features, "update_features"),
    _route("_filtering", update_filtering, "update_filtering"),
    _route("_filtering/_validation", update_filtering_validation, "update_filtering/draft_validation"),
    _route("_filtering/_activate", activate_filtering, "update_filtering/activate", Body.NONE),
    _route("_index_name", update_index_name, "update_index_name"),
    _route("_last_sync", update_last_sync, "update_last_sync_stats"),
    _route("_name", update_name, "update_name"),
    _route("_native", update_native, "update_native"),
    _route("_pipeline", update_pipeline, "update_pipeline"),
    _route("_scheduling", update_scheduling, "update_scheduling"),
    _route("_service_type", update_service_type, "update_service_type"),
    _route("_status", update_status, "update_status"),
    _route("_api_key_id", update_api_key_id, "update_api_key_id"),
)

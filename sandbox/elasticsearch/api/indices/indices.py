"""Indices: create, exists, get, delete, open and close, mappings, settings, aliases, refresh."""

from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.api import targets
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Index, setting_values, settings
from sandbox.elasticsearch.security import IndexPrivilege

ACKNOWLEDGED = {"acknowledged": True}
TIMEOUTS = frozenset({"master_timeout", "timeout"})
RESOLVING = targets.READ_PARAMETERS | TIMEOUTS
OLD_TYPE = "_doc"
"""What the one type of an index was called while indices had types."""
CREATE_MEMBERS = frozenset({"settings", "mappings", "aliases"})


def create(request: Request) -> Answer:
    """Create an index."""
    body = request.json_object(required=False)
    unknown = next((name for name in body if name not in CREATE_MEMBERS), None)
    if unknown is not None:
        raise errors.ElasticsearchError(400, "parse_exception", f"unknown key [{unknown}] for create index")
    aliases = body.get("aliases") or {}
    mappings = body.get("mappings") or {}
    if not isinstance(aliases, dict) or not isinstance(mappings, dict):
        raise errors.ElasticsearchError(400, "parse_exception", "key [mappings] must be an object")
    if list(mappings) == [OLD_TYPE]:
        raise errors.illegal_argument(
            f"The mapping definition cannot be nested under a type [{OLD_TYPE}] unless include_type_name is "
            "set to true."
        )
    index = request.state.create(
        request.parameter("index"),
        settings_body=body.get("settings") or {},
        mappings=mappings,
        aliases=aliases,
    )
    return Answer({"acknowledged": True, "shards_acknowledged": True, "index": index.name})


def exists(request: Request) -> Answer:
    """Whether all of the named indices are there."""
    try:
        targets.named(request)
    except errors.ElasticsearchError:
        return Answer(b"", 404)
    return Answer(b"", 200)


def get(request: Request) -> Answer:
    """Aliases, mappings and settings of the named indices."""
    features = {"aliases", "mappings", "settings"}
    if "features" in request.query:
        features &= {
            f"{name.removesuffix('s').removesuffix('e')}" for name in request.names("features")
        } | set(request.names("features"))
    return Answer(
        {
            index.name: {name: value for name, value in _description(index).items() if name in features}
            for index in targets.named(request)
        }
    )


def delete(request: Request) -> Answer:
    """Remove the named indices."""
    expression = request.parameter("index")
    targets.check_without_wildcards(expression)
    found = targets.named(request)
    if not request.flag("ignore_unavailable"):
        targets.check_not_aliases(expression.split(","), found)
    for index in found:
        if index.name not in expression.split(","):
            continue
        if (block := index.settings.block("metadata")) is not None:
            raise targets.blocked(block, index)
        request.state.delete(index.name)
        request.effect.notes.append(f"deleted index {index.name}")
    return Answer(ACKNOWLEDGED)


def get_mapping(request: Request) -> Answer:
    """The mappings of the named indices."""
    indices = targets.named(request)
    for index in indices:
        if (block := index.settings.block("metadata_read")) is not None:
            raise targets.blocked(block, index)
    return Answer({index.name: {"mappings": index.mapping.to_wire()} for index in indices})


def put_mapping(request: Request) -> Answer:
    """Add fields to the named indices."""
    body = request.json_object()
    if list(body) == [OLD_TYPE]:
        raise errors.illegal_argument("Types cannot be provided in put mapping requests")
    for index in targets.named(request, allow_no_indices=False):
        if (block := index.settings.block("metadata")) is not None:
            raise targets.blocked(block, index)
        index.mapping.merge(body)
    return Answer(ACKNOWLEDGED)


def get_settings(request: Request) -> Answer:
    """The settings of the named indices."""
    wants_flat = request.flag("flat_settings")
    return Answer(
        {index.name: {"settings": _settings(index, flat=wants_flat)} for index in targets.named(request)}
    )


def put_settings(request: Request) -> Answer:
    """Change the settings of the named indices."""
    body = request.json_object()
    if set(body) == {"settings"}:
        body = body["settings"]
    values = settings.flattened(body)
    found = targets.named(request, allow_no_indices=False)
    for index in found:
        static = sorted(f"index.{name}" for name in values if name in settings.STATIC)
        if static and not index.is_closed:
            raise errors.illegal_argument(
                f"Can't update non dynamic settings [[{', '.join(static)}]] for open indices "
                f"[[{index.name}/{index.uuid}]]"
            )
    setting_values.check(values)
    for index in found:
        index.settings.change(values)
        index.mapping.total_fields_limit = index.settings.total_fields_limit
        index.is_hidden = index.settings.values.get("hidden") == "true"
    return Answer(ACKNOWLEDGED)


def block(request: Request) -> Answer:
    """Add one of the blocks `write`, `read`, `metadata`, `read_only`."""
    kind = request.parameter("block")
    if kind not in ("write", "read", "metadata", "read_only"):
        raise errors.illegal_argument(f"No block found with name {kind}")
    found = targets.named(request)
    for index in found:
        index.settings.change({f"blocks.{kind}": "true"})
    return Answer(
        {
            "acknowledged": True,
            "shards_acknowledged": True,
            "indices": [{"name": index.name, "blocked": True} for index in found],
        }
    )


def refresh(request: Request) -> Answer:
    """Make every write so far visible to searches."""
    found = targets.opened(request)
    for index in found:
        index.refresh()
    return Answer(
        {"_shards": {"total": sum(map(targets.copies, found)), "successful": len(found), "failed": 0}}
    )


def close(request: Request) -> Answer:
    """Close the named indices: they keep their documents and refuse to be read or written."""
    targets.check_without_wildcards(request.parameter("index"))
    found = targets.named(request)
    for index in found:
        index.is_closed = True
    return Answer(
        {
            "acknowledged": True,
            "shards_acknowledged": bool(found),
            "indices": {index.name: {"closed": True} for index in found},
        }
    )


def reopen(request: Request) -> Answer:
    """Open closed indices."""
    targets.check_without_wildcards(request.parameter("index"))
    for index in targets.named(request):
        index.is_closed = False
    return Answer({"acknowledged": True, "shards_acknowledged": True})


def _description(index: Index) -> dict[str, Any]:
    return {
        "aliases": index.aliases,
        "mappings": index.mapping.to_wire(),
        "settings": _settings(index, flat=False),
    }


def _settings(index: Index, *, flat: bool) -> dict[str, Any]:
    values = {
        **index.settings.values,
        "uuid": index.uuid,
        "provided_name": index.name,
        "creation_date": str(index.created_at_milliseconds),
        "version.created": "9009000",
    }
    if flat:
        return {f"index.{name}": value for name, value in sorted(values.items())}
    return {"index": settings.nested(values)}


CREATE = IndexPrivilege("create_index", "indices:admin/create")
DELETE = IndexPrivilege("delete_index", "indices:admin/delete")
VIEW = IndexPrivilege("view_index_metadata", "indices:admin/get")
VIEW_MAPPING = IndexPrivilege("view_index_metadata", "indices:admin/mappings/get")
VIEW_SETTINGS = IndexPrivilege("view_index_metadata", "indices:monitor/settings/get")
PUT_MAPPING = IndexPrivilege("manage", "indices:admin/mapping/put")
PUT_SETTINGS = IndexPrivilege("manage", "indices:admin/settings/update")
BLOCK = IndexPrivilege("manage", "indices:admin/block/add")
REFRESH = IndexPrivilege("maintenance", "indices:admin/refresh")
CLOSE = IndexPrivilege("manage", "indices:admin/close")
OPEN = IndexPrivilege("manage", "indices:admin/open")

GET_PARAMETERS = RESOLVING | {"flat_settings", "include_defaults", "local", "features"}
CREATE_PARAMETERS = TIMEOUTS | {"wait_for_active_shards"}
PUT_PARAMETERS = RESOLVING | {"write_index_only", "preserve_existing", "reopen"}

ROUTES = [
    Route("PUT", "/{index}", create, CREATE_PARAMETERS, Body.OPTIONAL, CREATE),
    Route("HEAD", "/{index}", exists, GET_PARAMETERS, Body.NONE, VIEW),
    Route("GET", "/{index}", get, GET_PARAMETERS, Body.NONE, VIEW),
    Route("DELETE", "/{index}", delete, RESOLVING, Body.NONE, DELETE),
    Route("GET", "/{index}/_mapping", get_mapping, GET_PARAMETERS, Body.NONE, VIEW_MAPPING),
    Route("GET", "/_mapping", get_mapping, GET_PARAMETERS, Body.NONE, VIEW_MAPPING),
    Route("PUT", "/{index}/_mapping", put_mapping, PUT_PARAMETERS, Body.REQUIRED, PUT_MAPPING),
    Route("POST", "/{index}/_mapping", put_mapping, PUT_PARAMETERS, Body.REQUIRED, PUT_MAPPING),
    Route("GET", "/{index}/_settings", get_settings, GET_PARAMETERS, Body.NONE, VIEW_SETTINGS),
    Route("GET", "/_settings", get_settings, GET_PARAMETERS, Body.NONE, VIEW_SETTINGS),
    Route("PUT", "/{index}/_settings", put_settings, PUT_PARAMETERS, Body.REQUIRED, PUT_SETTINGS),
    Route("PUT", "/_settings", put_settings, PUT_PARAMETERS, Body.REQUIRED, PUT_SETTINGS),
    Route("PUT", "/{index}/_block/{block}", block, RESOLVING, Body.NONE, BLOCK),
    Route("POST", "/{index}/_close", close, RESOLVING | {"wait_for_active_shards"}, Body.OPTIONAL, CLOSE),
    Route("POST", "/{index}/_open", reopen, RESOLVING | {"wait_for_active_shards"}, Body.OPTIONAL, OPEN),
    *(
        Route(method, path, refresh, RESOLVING, Body.NONE, REFRESH)
        for method in ("GET", "POST")
        for path in ("/{index}/_refresh", "/_refresh")
    ),
]

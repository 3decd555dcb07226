"""Creating, reading, listing and deleting connectors."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.connectors import stored_documents
from sandbox.elasticsearch.connectors.members.filtering import default_filtering
from sandbox.elasticsearch.connectors.members.scheduling import default_scheduling
from sandbox.elasticsearch.connectors.parsing import bodies
from sandbox.elasticsearch.connectors.parsing.members import boolean, text, text_or_null
from sandbox.elasticsearch.connectors.parsing.parser import ObjectParser
from sandbox.elasticsearch.connectors.stored_documents import Source
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import index_names
from sandbox.elasticsearch.indices.templates import CONNECTORS_INDEX
from sandbox.elasticsearch.security import ClusterPrivilege

NATIVE_PREFIX = "content-"

_MEMBERS = (
    text("description"),
    text_or_null("index_name"),
    boolean("is_native"),
    text("language"),
    text("name"),
    text("service_type"),
)
_PUT = ObjectParser("connector_put_request", _MEMBERS, strict=True)
_POST = ObjectParser("connector_post_request", _MEMBERS, strict=True)


def put_connector(request: Request) -> Answer:
    """Create the connector, or replace everything there is under its id."""
    return _create(request, _PUT, request.parameter("connector_id") or None)


def post_connector(request: Request) -> Answer:
    """Create a connector under a generated id."""
    return _create(request, _POST, None)


def get_connector(request: Request) -> Answer:
    """Answer with the connector as it is stored."""
    connector_id = request.parameter("connector_id")
    source = stored_documents.read_connector(
        request.state, connector_id, include_deleted=request.flag("include_deleted")
    )
    return Answer(stored_documents.with_id(connector_id, source))


def list_connectors(request: Request) -> Answer:
    """Answer with the connectors that pass every given filter, by index name, those without one last."""
    index_name_filter = request.names("index_name")
    problems = [problem for name in index_name_filter for problem in index_name_problems(name)]
    if problems:
        raise errors.validation(*problems)
    filters = [
        *_one_of("index_name", index_name_filter),
        *_one_of("name", request.names("connector_name")),
        *_one_of("service_type", request.names("service_type")),
        *_containing(request.query.get("query", "")),
    ]
    if not request.flag("include_deleted"):
        filters.append(lambda source: not stored_documents.is_deleted(source))
    return stored_documents.page(
        request, CONNECTORS_INDEX, lambda source: all(keep(source) for keep in filters), _by_index_name
    )


def delete_connector(request: Request) -> Answer:
    """Mark the connector as deleted, or with `hard` remove it; with `delete_sync_jobs` its jobs as well."""
    connector_id = request.parameter("connector_id")
    if not connector_id:
        raise errors.validation("connector_id missing")
    hard, with_jobs = request.flag("hard"), request.flag("delete_sync_jobs")
    stored_documents.read_connector(request.state, connector_id, include_deleted=hard)
    index = request.state.index(CONNECTORS_INDEX)
    if hard:
        index.delete(connector_id)
    else:
        index.update(connector_id, doc={"deleted": True})
    index.refresh()
    request.effect.deleted.append(connector_id)
    if with_jobs:
        stored_documents.delete_sync_jobs_of(request, connector_id)
    return Answer({"acknowledged": True})


def index_name_problems(name: str) -> list[str]:
    """What the validation of a request says of an index name; nothing if it may be one."""
    problem = index_names.problem(name) if name else "must not be empty"
    if problem is None:
        return []
    exception = "org.elasticsearch.indices.InvalidIndexNameException"
    return [f"[{name}] {exception}: Invalid index name [{name}], {problem}"]


def index_name_in_use(index_name: str) -> errors.ElasticsearchError:
    """An index has one connector at most."""
    return errors.state_conflict(f"Index name [{index_name}] is used by another connector.")


def new_connector(members: Mapping[str, Any], now: str) -> Source:
    """The document of a connector right after its creation."""
    is_native = members.get("is_native", False)
    given = {
        name: members[name]
        for name in ("description", "index_name", "language", "service_type")
        if members.get(name) is not None
    }
    source = {
        **given,
        "configuration": {},
        "custom_scheduling": {},
        "filtering": default_filtering(now),
        "is_native": is_native,
        "name": members.get("name", ""),
        "scheduling": default_scheduling(),
        "status": "needs_configuration" if is_native else "created",
        "sync_now": False,
        "deleted": False,
    }
    return {name: source[name] for name in _MEMBER_ORDER if name in source}


_MEMBER_ORDER = (
    "configuration",
    "custom_scheduling",
    "description",
    "filtering",
    "index_name",
    "is_native",
    "language",
    "name",
    "scheduling",
    "service_type",
    "status",
    "sync_now",
    "deleted",
)


def _create(request: Request, parser: ObjectParser, connector_id: str | None) -> Answer:
    members = bodies.read(request, parser) if request.body else {}
    index_name = members.get("index_name")
    if index_name is not None:
        _check_index_name(index_name, is_native=members.get("is_native", False))
        if stored_documents.index_name_is_taken(request.state, index_name, by_other_than=connector_id):
            raise index_name_in_use(index_name)
    return stored_documents.write_connector(
        request, connector_id, new_connector(members, stored_documents.now(request.state))
    )


def _check_index_name(index_name: str, *, is_native: bool) -> None:
    problems = index_name_problems(index_name)
    if is_native and not index_name.startswith(NATIVE_PREFIX):
        problems.append(
            f"Index [{index_name}] is invalid. Index attached to an Elastic-managed connector must start "
            f"with the prefix: [{NATIVE_PREFIX}]"
        )
    if problems:
        raise errors.validation(*problems)


_Filter = Callable[[Source], bool]


def _one_of(member: str, values: list[str]) -> list[_Filter]:
    return [lambda source: source.get(member) in values] if values else []


def _containing(query: str) -> list[_Filter]:
    """Match `*query*` with the whole name, the whole index name, or a single word of the description."""
    if not query:
        return []
    translated = re.escape(query).replace(r"\*", ".*").replace(r"\?", ".")
    pattern = re.compile(f".*{translated}.*", re.DOTALL)

    def matches(source: Source) -> bool:
        words = re.findall(r"\w+", str(source.get("description") or "").lower())
        candidates = [str(source[name]) for name in ("index_name", "name") if source.get(name) is not None]
        return any(pattern.fullmatch(each) for each in (*candidates, *words))

    return [matches]


def _by_index_name(source: Source) -> tuple[bool, str]:
    index_name = source.get("index_name")
    return index_name is None, str(index_name)


def _manage(action: str) -> ClusterPrivilege:
    return ClusterPrivilege("manage_connector", f"cluster:admin/xpack/connector/{action}")


def _monitor(action: str) -> ClusterPrivilege:
    return ClusterPrivilege("monitor_connector", f"cluster:admin/xpack/connector/{action}")


_LIST_PARAMETERS = frozenset(
    {"from", "size", "index_name", "connector_name", "service_type", "query", "include_deleted"}
)

ROUTES = (
    Route("PUT", "/_connector/{connector_id}", put_connector, body=Body.OPTIONAL, privilege=_manage("put")),
    Route("PUT", "/_connector", put_connector, body=Body.OPTIONAL, privilege=_manage("put")),
    Route("POST", "/_connector", post_connector, body=Body.OPTIONAL, privilege=_manage("post")),
    Route(
        "GET",
        "/_connector/{connector_id}",
        get_connector,
        parameters=frozenset({"include_deleted"}),
        privilege=_monitor("get"),
    ),
    Route("GET", "/_connector", list_connectors, parameters=_LIST_PARAMETERS, privilege=_monitor("list")),
    Route(
        "DELETE",
        "/_connector/{connector_id}",
        delete_connector,
        parameters=frozenset({"hard", "delete_sync_jobs"}),
        privilege=_manage("delete"),
    ),
)

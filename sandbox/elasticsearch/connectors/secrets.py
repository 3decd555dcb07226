"""Secrets of connectors: stored once, read back by id."""

from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.connectors.parsing import bodies
from sandbox.elasticsearch.connectors.parsing.members import text_or_null
from sandbox.elasticsearch.connectors.parsing.parser import ObjectParser
from sandbox.elasticsearch.documents import check_id
from sandbox.elasticsearch.http import Answer, Body, Handler, Request, Route
from sandbox.elasticsearch.indices import Index
from sandbox.elasticsearch.security import ClusterPrivilege
from sandbox.elasticsearch.state import State

INDEX = ".connector-secrets-1"
ALIAS = ".connector-secrets"

_POST = ObjectParser("connector_secret_post_request", (text_or_null("value", required=True),), strict=True)
_PUT = ObjectParser("connector_secret_put_request", (text_or_null("value", required=True),), strict=True)


def post_secret(request: Request) -> Answer:
    """Store a secret under a generated id."""
    value = bodies.read(request, _POST)["value"]
    if not value:
        raise errors.validation('[value] of the connector secret cannot be [null] or [""]')
    write = _for_writing(request.state).index(None, {"value": value})
    request.effect.note(write)
    return Answer({"id": write.id})


def get_secret(request: Request) -> Answer:
    """Answer with the secret."""
    secret_id = _checked_id(request)
    return Answer({"id": secret_id, **_read(request.state, secret_id)})


def put_secret(request: Request) -> Answer:
    """Store a secret, or replace the one of this id."""
    value = bodies.read(request, _PUT)["value"]
    problems = [] if value else ['[value] cannot be [null] or [""]']
    secret_id = _checked_id(request, *problems)
    check_id(secret_id)
    write = _for_writing(request.state).index(secret_id, {"value": value})
    request.effect.note(write)
    return Answer({"result": write.result}, status=write.status)


def delete_secret(request: Request) -> Answer:
    """Forget the secret."""
    secret_id = _checked_id(request)
    _read(request.state, secret_id)
    request.state.index(INDEX).delete(secret_id)
    request.effect.deleted.append(secret_id)
    return Answer({"deleted": True})


def _checked_id(request: Request, *problems: str) -> str:
    secret_id = request.parameter("secret_id")
    found = [*([] if secret_id else ['[id] cannot be [null] or [""]']), *problems]
    if found:
        raise errors.validation(*found)
    return secret_id


def _read(state: State, secret_id: str) -> dict[str, Any]:
    index = state.find(INDEX)
    document = index.get(secret_id) if index else None
    if document is None:
        raise errors.not_found(f"No secret with id [{secret_id}]")
    return document.parsed()


def _for_writing(state: State) -> Index:
    return state.find(INDEX) or state.create(
        INDEX,
        settings_body={"index": {"hidden": True, "number_of_shards": 1}},
        mappings={"dynamic": "strict", "properties": {"value": {"type": "keyword", "index": False}}},
        aliases={ALIAS: {}},
    )


def _route(method: str, path: str, handler: Handler, *, body: Body = Body.NONE) -> Route:
    name = "read_connector_secrets" if method == "GET" else "write_connector_secrets"
    privilege = ClusterPrivilege(name, f"cluster:admin/xpack/connector/secret/{method.lower()}")
    return Route(method, f"/_connector/_secret{path}", handler, body=body, privilege=privilege)


ROUTES = (
    _route("POST", "", post_secret, body=Body.REQUIRED),
    _route("GET", "/{secret_id}", get_secret),
    _route("PUT", "/{secret_id}", put_secret, body=Body.REQUIRED),
    _route("DELETE", "/{secret_id}", delete_secret),
)

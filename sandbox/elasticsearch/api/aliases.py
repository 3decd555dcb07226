"""Aliases: several changes at once with `_aliases`, one with `_alias/{name}`, and which there are."""

import fnmatch
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.api import targets
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Index, index_names
from sandbox.elasticsearch.security import IndexPrivilege

ACKNOWLEDGED = {"acknowledged": True}
TIMEOUTS = frozenset({"master_timeout", "timeout"})


def change(request: Request) -> Answer:
    """Carry out a list of actions: all of them, or none."""
    actions = request.json_object().get("actions")
    if not isinstance(actions, list) or not actions:
        raise errors.illegal_argument("No action specified")
    steps = [step for action in actions for step in _steps(request, action)]
    for _, index, _, _ in steps:
        request.principal.demand_index(MANAGE, [index.name])
    for kind, index, alias, body in steps:
        if kind == "remove_index":
            request.state.delete(index.name)
        elif kind == "add":
            index.aliases[alias] = body
        else:
            index.aliases.pop(alias, None)
    return Answer(ACKNOWLEDGED)


def put(request: Request) -> Answer:
    """Point an alias at the named indices."""
    alias = request.parameter("alias")
    body = request.json_object(required=False)
    _check_alias(request, alias)
    for index in targets.named(request):
        index.aliases[alias] = body
    return Answer(ACKNOWLEDGED)


def delete(request: Request) -> Answer:
    """Take an alias off the named indices."""
    alias = request.parameter("alias")
    found = [index for index in targets.named(request) if alias in index.aliases]
    if not found:
        raise _missing(alias)
    for index in found:
        del index.aliases[alias]
    return Answer(ACKNOWLEDGED)


def get(request: Request) -> Answer:
    """The aliases of the named indices, by index."""
    patterns = request.parameter("alias") or "*"
    answer: dict[str, Any] = {}
    for index in targets.named(request, expand_wildcards="all"):
        names = {
            alias: body
            for alias, body in index.aliases.items()
            if any(fnmatch.fnmatchcase(alias, pattern) for pattern in patterns.split(","))
        }
        if names or patterns == "*":
            answer[index.name] = {"aliases": names}
    if not answer and "*" not in patterns:
        return Answer({"error": f"alias [{patterns}] missing", "status": 404}, 404)
    return Answer(answer)


def exists(request: Request) -> Answer:
    """Whether there is such an alias."""
    return Answer(b"", get(request).status)


def _steps(request: Request, action: Any) -> list[tuple[str, Index, str, dict[str, Any]]]:
    if not isinstance(action, dict) or len(action) != 1:
        raise errors.illegal_argument("Too many operations declared on operation entry")
    kind, options = next(iter(action.items()))
    if kind not in ("add", "remove", "remove_index") or not isinstance(options, dict):
        raise errors.parsing(f"[alias_action] unknown field [{kind}]")
    names = _names(options, "index", "indices")
    if not names:
        raise errors.validation("One of [index] or [indices] is required")
    indices = [index for name in names for index in request.state.resolve(name)]
    if kind == "remove_index":
        return [(kind, index, "", {}) for index in indices]
    aliases = _names(options, "alias", "aliases")
    if not aliases:
        raise errors.validation("One of [alias] or [aliases] is required")
    steps = []
    for alias in aliases:
        if kind == "add":
            _check_alias(request, alias)
        elif not any(alias in index.aliases for index in indices) and options.get("must_exist", True):
            raise _missing(alias)
        body = {
            key: options[key]
            for key in ("filter", "is_write_index", "is_hidden", "routing")
            if key in options
        }
        steps += [(kind, index, alias, body) for index in indices]
    return steps


def _names(options: dict[str, Any], single: str, several: str) -> list[str]:
    value = options.get(single, options.get(several, []))
    return [value] if isinstance(value, str) else [str(name) for name in value or ()]


def _check_alias(request: Request, alias: str) -> None:
    if alias in request.state.indices:
        raise index_names.invalid_alias(
            alias, "an index or data stream exists with the same name as the alias"
        )
    if (problem := index_names.problem(alias)) is not None:
        raise index_names.invalid_alias(alias, problem)


def _missing(alias: str) -> errors.ElasticsearchError:
    return errors.ElasticsearchError(
        404,
        "aliases_not_found_exception",
        f"aliases [{alias}] missing",
        members={"resource.type": "aliases", "resource.id": alias},
    )


MANAGE = IndexPrivilege("manage", "indices:admin/aliases")
VIEW = IndexPrivilege("view_index_metadata", "indices:admin/aliases/get")
GET_PARAMETERS = targets.READ_PARAMETERS | TIMEOUTS | {"local"}

ROUTES = [
    Route("POST", "/_aliases", change, TIMEOUTS, Body.REQUIRED),
    *(
        Route(method, f"/{{index}}/{word}/{{alias}}", handler, parameters, body, MANAGE)
        for word in ("_alias", "_aliases")
        for method, handler, parameters, body in (
            ("PUT", put, GET_PARAMETERS, Body.OPTIONAL),
            ("POST", put, GET_PARAMETERS, Body.OPTIONAL),
            ("DELETE", delete, GET_PARAMETERS, Body.NONE),
        )
    ),
    *(
        Route(method, path, handler, GET_PARAMETERS, Body.NONE, VIEW)
        for method, handler in (("GET", get), ("HEAD", exists))
        for path in ("/_alias/{alias}", "/{index}/_alias/{alias}")
    ),
    Route("GET", "/_alias", get, GET_PARAMETERS, Body.NONE, VIEW),
    Route("GET", "/{index}/_alias", get, GET_PARAMETERS, Body.NONE, VIEW),
]

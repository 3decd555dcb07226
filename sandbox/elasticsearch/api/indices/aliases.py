"""Aliases: several changes at once with `_aliases`, one with `_alias/{name}`, and which there are."""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.api import targets
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Index, aliases
from sandbox.elasticsearch.security import IndexPrivilege

ACKNOWLEDGED = {"acknowledged": True}
CHANGED = {"acknowledged": True, "errors": False}
TIMEOUTS = frozenset({"master_timeout", "timeout"})
KINDS = ("add", "remove", "remove_index")
TARGET_MEMBERS = frozenset({"index", "indices", "alias", "aliases", "must_exist"})
ADD_MEMBERS = TARGET_MEMBERS | {"routing", *aliases.MEMBERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action of a list, on the indices it names; `is_void` if it removes an alias that is not there."""

    kind: str
    indices: list[Index]
    names: list[str]
    definition: dict[str, Any]
    is_void: bool = False


def change(request: Request) -> Answer:
    """Carry out all actions of a list, or none. Those without effect are reported and skipped."""
    actions = request.json_object().get("actions")
    if not isinstance(actions, list) or not actions:
        raise errors.illegal_argument("No action specified")
    steps = [_step(request, action) for action in actions]
    if all(step.is_void for step in steps):
        raise _missing(",".join(steps[0].names))
    for step in steps:
        request.principal.demand_index(MANAGE, [index.name for index in step.indices])
    removed = {index.name for step in steps if step.kind == "remove_index" for index in step.indices}
    for step in steps:
        if step.kind == "add":
            for alias in step.names:
                aliases.check_name(alias, request.state.indices.keys() - removed)
    _carry_out(request, steps)
    if any(step.is_void for step in steps):
        return Answer({**ACKNOWLEDGED, "errors": True, "action_results": [_result(step) for step in steps]})
    return Answer(CHANGED)


def put(request: Request) -> Answer:
    """Point an alias at the named indices."""
    body = request.json_object(required=False)
    found = targets.named(request, allow_no_indices=False)
    alias = str(body.get("alias") or request.parameter("alias"))
    aliases.check_name(alias, request.state.indices)
    step = Step(kind="add", indices=found, names=[alias], definition=aliases.definition(body))
    _carry_out(request, [step])
    return Answer(CHANGED)


def delete(request: Request) -> Answer:
    """Remove aliases from the named indices."""
    patterns = request.parameter("alias").split(",")
    step = _removal(targets.named(request), patterns)
    if step.is_void:
        raise _missing(",".join(patterns))
    _carry_out(request, [step])
    return Answer(CHANGED)


def get(request: Request) -> Answer:
    """The aliases of the named indices, by index; 404, with those there are, if one is missing."""
    wanted = request.parameter("alias")
    patterns = wanted.split(",") if wanted else ["*"]
    answer: dict[str, Any] = {}
    for index in targets.named(request, expand_wildcards="all"):
        names = {alias: index.aliases[alias] for alias in _matching(index.aliases, patterns)}
        if names or not wanted:
            answer[index.name] = {"aliases": names}
    known = {alias for described in answer.values() for alias in described["aliases"]}
    missing = [name for name in patterns if not _is_pattern(name) and name not in known]
    if missing:
        several = "aliases" if len(missing) > 1 else "alias"
        return Answer({"error": f"{several} [{','.join(missing)}] missing", "status": 404, **answer}, 404)
    return Answer(answer)


def exists(request: Request) -> Answer:
    """Whether there is such an alias."""
    return Answer(b"", get(request).status)


def _step(request: Request, action: Any) -> Step:
    if not isinstance(action, dict) or len(action) != 1:
        raise errors.illegal_argument("Too many operations declared on operation entry")
    kind, options = next(iter(action.items()))
    if kind not in KINDS or not isinstance(options, dict):
        raise errors.parsing(f"[alias_action] unknown field [{kind}]")
    unknown = [name for name in options if name not in (ADD_MEMBERS if kind == "add" else TARGET_MEMBERS)]
    if unknown:
        raise errors.parsing(f"[{kind}] unknown field [{unknown[0]}]")
    expressions = _names(options, "index", "indices")
    if not expressions:
        raise errors.parsing(
            "[aliases] failed to parse field [actions]",
            caused_by=errors.illegal_argument("One of [index] or [indices] is required"),
        )
    found = request.state.resolve(",".join(expressions))
    if kind == "remove_index":
        targets.check_not_aliases(expressions, found)
        return Step(kind=kind, indices=found, names=[], definition={})
    names = _names(options, "alias", "aliases")
    if not names:
        raise errors.parsing(
            "[aliases] failed to parse field [actions]",
            caused_by=errors.illegal_argument("One of [alias] or [aliases] is required"),
        )
    if kind == "add":
        return Step(kind=kind, indices=found, names=names, definition=aliases.definition(options))
    step = _removal(found, names)
    if step.is_void and options.get("must_exist") is True:
        raise _missing(",".join(names))
    return step


def _removal(indices: list[Index], patterns: list[str]) -> Step:
    is_void = not any(_matching(index.aliases, patterns) for index in indices)
    return Step(kind="remove", indices=indices, names=patterns, definition={}, is_void=is_void)


def _carry_out(request: Request, steps: Iterable[Step]) -> None:
    """Carry out steps that were checked; restores all aliases if one would have two write indices."""
    before = {index.name: dict(index.aliases) for index in request.state.indices.values()}
    for step in steps:
        for index in step.indices:
            if step.kind == "add":
                index.aliases.update(dict.fromkeys(step.names, step.definition))
            else:
                for alias in _matching(index.aliases, step.names):
                    del index.aliases[alias]
    removed = {index.name for step in steps if step.kind == "remove_index" for index in step.indices}
    try:
        aliases.check_writing(index for name, index in request.state.indices.items() if name not in removed)
    except errors.ElasticsearchError:
        for name, kept in before.items():
            request.state.indices[name].aliases = kept
        raise
    for name in removed:
        request.state.delete(name)


def _matching(known: Iterable[str], patterns: list[str]) -> list[str]:
    """The aliases that patterns stand for; one that begins with `-` excludes what those before it matched."""
    found: dict[str, None] = {}
    for pattern in patterns:
        if pattern.startswith("-"):
            found = {alias: None for alias in found if not fnmatch.fnmatchcase(alias, pattern[1:])}
        else:
            wanted = "*" if pattern == "_all" else pattern
            found.update({alias: None for alias in known if fnmatch.fnmatchcase(alias, wanted)})
    return list(found)


def _is_pattern(name: str) -> bool:
    return "*" in name or name == "_all" or name.startswith("-")


def _result(step: Step) -> dict[str, Any]:
    action = {"type": step.kind, "indices": [index.name for index in step.indices], "aliases": step.names}
    if step.is_void:
        return {"action": action, "status": 404, "error": _missing(",".join(step.names)).cause()}
    return {"action": action, "status": 200}


def _names(options: dict[str, Any], single: str, several: str) -> list[str]:
    value = options.get(single, options.get(several, []))
    return [value] if isinstance(value, str) else [str(name) for name in value or ()]


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

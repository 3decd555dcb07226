"""Routes and how a path finds one.

    Route("PUT", "/_connector/{connector_id}/_error", handler, body=Body.REQUIRED, privilege=MANAGE)

The router follows the server's: a literal segment wins over a parameter; where the literal path has no such
method, the next match is tried, but what begins as an API's path does is never taken for an index; an empty
segment is a parameter with an empty value; trailing slashes do not count. A path that matches under other
methods only is a 405 with `Allow`; a path nothing matches is a 400 that names it.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from urllib.parse import unquote

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.http.request import Answer, Request
from sandbox.elasticsearch.security import Privilege

Handler = Callable[[Request], Answer]

COMMON_PARAMETERS = frozenset(
    {"pretty", "human", "filter_path", "error_trace", "format", "source", "source_content_type"}
)


LEFT_OUT = frozenset(
    {
        "_analyze",
        "_application",
        "_async_search",
        "_autoscaling",
        "_cache",
        "_capabilities",
        "_ccr",
        "_component_template",
        "_dangling",
        "_data_stream",
        "_enrich",
        "_eql",
        "_features",
        "_field_caps",
        "_flush",
        "_forcemerge",
        "_health_report",
        "_ilm",
        "_inference",
        "_info",
        "_internal",
        "_lifecycle",
        "_logstash",
        "_migration",
        "_ml",
        "_monitoring",
        "_msearch",
        "_mtermvectors",
        "_profiling",
        "_query",
        "_query_rules",
        "_rank_eval",
        "_recovery",
        "_reindex",
        "_remote",
        "_render",
        "_resolve",
        "_rollup",
        "_script_context",
        "_script_language",
        "_scripts",
        "_search_shards",
        "_searchable_snapshots",
        "_segments",
        "_shard_stores",
        "_slm",
        "_snapshot",
        "_sql",
        "_ssl",
        "_synonyms",
        "_template",
        "_text_structure",
        "_transform",
        "_validate",
        "_watcher",
    }
)
"""Where paths of Elasticsearch's APIs begin that have no route here."""


class Body(Enum):
    """Whether a route takes a body."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path pattern, its handler, and what it takes."""

    method: str
    path: str
    handler: Handler
    parameters: frozenset[str] = frozenset()
    body: Body = Body.NONE
    privilege: Privilege | None = None


@dataclass(slots=True)
class _Node:
    literals: "dict[str, _Node]" = field(default_factory=dict)
    parameter: "_Node | None" = None
    routes: dict[str, tuple[Route, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """A route and the values of its path parameters."""

    route: Route
    path_parameters: Mapping[str, str]


class Router:
    """Finds the route of a method and path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def find(self, method: str, path: str) -> Match:
        """The route for this call; raises the 405 or 400 the server answers without one."""
        try:
            segments = [unquote(segment, errors="strict") for segment in _segments(path)]
        except UnicodeDecodeError:
            raise errors.illegal_argument(f"unable to decode path [{path}]") from None
        allowed: set[str] = set()
        for node, values in self._matches(segments):
            if found := node.routes.get(method):
                route, names = found
                return Match(route, dict(zip(names, values, strict=True)))
            allowed.update(node.routes)
        if method == "OPTIONS" and allowed:
            return Match(Route("OPTIONS", path, _options_of(allowed)), {})
        raise _unrouted(method, path, allowed)

    def _matches(self, segments: list[str]) -> Iterator[tuple["_Node", tuple[str, ...]]]:
        head, root = segments[:1], self._root
        if head and (head[0] in root.literals or head[0] in LEFT_OUT):
            root = _Node(root.literals, routes=root.routes)
        return _matches(root, segments, ())

    def _add(self, route: Route) -> None:
        node = self._root
        names = []
        for segment in _pattern(route.path):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment, _Node())
        if route.method in node.routes:
            raise ValueError(f"two routes for {route.method} {route.path}")
        node.routes[route.method] = (route, tuple(names))


def check_call(route: Route, *, path: str, query: Mapping[str, str], body: bytes) -> None:
    """Refuse query parameters the route does not know and a body it does not take."""
    unknown = [name for name in query if name not in route.parameters and name not in COMMON_PARAMETERS]
    if unknown:
        raise errors.illegal_argument(_unrecognized(path, sorted(unknown), route.parameters))
    if body and route.body is Body.NONE:
        raise errors.illegal_argument(f"request [{route.method} {path}] does not support having a body")
    if not body and route.body is Body.REQUIRED:
        raise errors.body_required()


@cache
def _pattern(path: str) -> Sequence[str]:
    """Take the path of a route apart once, however many servers have the route."""
    return _segments(path)


def _segments(path: str) -> list[str]:
    parts = re.sub(r"/+$", "", path).split("/")
    return parts[1:] if parts[0] == "" else parts


def _matches(
    node: _Node, segments: list[str], values: tuple[str, ...]
) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    if not segments:
        if node.routes:
            yield node, values
        return
    head, *rest = segments
    if (literal := node.literals.get(head)) is not None:
        yield from _matches(literal, rest, values)
    if node.parameter is not None:
        yield from _matches(node.parameter, rest, (*values, head))


def _options_of(allowed: set[str]) -> Handler:
    answer = Answer(b"", 200, {"Allow": ",".join(sorted(allowed)), "Content-Type": "text/plain"})
    return lambda request: answer


def _unrouted(method: str, path: str, allowed: set[str]) -> errors.PlainError:
    if not allowed:
        return errors.PlainError(
            400, f"no handler found for uri [{path}] and method [{method}]", with_status=False
        )
    names = ", ".join(sorted(allowed))
    return errors.PlainError(
        405,
        f"Incorrect HTTP method for uri [{path}] and method [{method}], allowed: [{names}]",
        headers={"Allow": ",".join(sorted(allowed))},
    )


def _unrecognized(path: str, unknown: list[str], known: frozenset[str]) -> str:
    described = ", ".join(f"[{name}]{_suggestion(name, known)}" for name in unknown)
    plural = "parameters" if len(unknown) > 1 else "parameter"
    return f"request [{path}] contains unrecognized {plural}: {described}"


def _suggestion(name: str, known: frozenset[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known | COMMON_PARAMETERS), n=3, cutoff=0.7)
    match close:
        case []:
            return ""
        case [one]:
            return f" -> did you mean [{one}]?"
        case _:
            return f" -> did you mean any of [{', '.join(close)}]?"

"""From a call to its answer: authenticate, route, check, authorize, handle. Independent of sockets."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.http import Answer, Effect, Match, Request, Router, check_call
from sandbox.elasticsearch.json import filter_path
from sandbox.elasticsearch.security import ANYBODY, ClusterPrivilege, Principal
from sandbox.elasticsearch.state import State

COMPATIBLE_WITH = re.compile(r"application/vnd\.elasticsearch\+.*compatible-with\s*=\s*(\d{1,4})")
LOG = logging.getLogger("sandbox.elasticsearch")


@dataclass(slots=True, kw_only=True)
class Call:
    """One request as it arrived, and what is learned about it on the way."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    principal: Principal | None = None
    effect: Effect = field(default_factory=Effect)

    @property
    def is_pretty(self) -> bool:
        """Whether the answer is to be indented."""
        return self.query.get("pretty", "false") != "false"


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Answers calls on one state through one set of routes."""

    state: State
    router: Router
    requires_authentication: bool

    def answer(self, call: Call) -> Answer:
        """The answer to a call, its body rendered; whatever goes wrong is an answer, too."""
        answer = self._answered(call)
        return Answer(rendered(answer, call), answer.status, answer.headers)

    def _answered(self, call: Call) -> Answer:
        try:
            return self._handled(call)
        except (errors.ElasticsearchError, errors.PlainError) as error:
            return Answer(error.body(), error.status, error.headers)
        except RecursionError:
            return Answer(errors.parsing("Document nesting depth exceeds the maximum allowed").body(), 400)
        except Exception as unexpected:
            # The boundary: a defect here looks to the client like one of a server, and the log has it.
            LOG.exception("request failed: %s %s", call.method, call.path)
            return Answer(errors.ElasticsearchError(500, "exception", repr(unexpected)).body(), 500)

    def _handled(self, call: Call) -> Answer:
        _check_media_version(call, int(self.state.version.partition(".")[0]))
        call.principal = self._authenticated(call)
        match = self.router.find(call.method, call.path)
        check_call(match.route, path=call.path, query=call.query, body=call.body)
        _check_content_type(call)
        _authorize(call.principal, match)
        return match.route.handler(
            Request(
                state=self.state,
                principal=call.principal,
                method=call.method,
                path=call.path,
                path_parameters=match.path_parameters,
                query=call.query,
                headers=call.headers,
                body=call.body,
                privilege=match.route.privilege,
                effect=call.effect,
            )
        )

    def _authenticated(self, call: Call) -> Principal:
        if not self.requires_authentication:
            return ANYBODY
        return self.state.security.authenticate(
            call.headers.get("Authorization"), now_milliseconds=self.state.clock.milliseconds()
        )


def rendered(answer: Answer, call: Call) -> bytes:
    """The body of an answer as bytes, indented and, unless it is an error, filtered as the call wants it."""
    paths = call.query.get("filter_path") if answer.status < 400 else None
    if isinstance(answer.body, bytes):
        return answer.body
    if paths:
        answer = Answer(filter_path.filtered(answer.body, paths))
    if not call.is_pretty:
        return answer.rendered()
    # Sources travel as raw fragments, which cannot be indented: read the answer again.
    return Answer(orjson.loads(answer.rendered())).rendered(pretty=True)


def _check_content_type(call: Call) -> None:
    declared = call.headers.get("Content-Type", "")
    kind = declared.partition(";")[0].strip().lower()
    if call.body and not kind.endswith(("json", "+x-ndjson")):
        raise errors.PlainError(406, f"Content-Type header [{declared}] is not supported")


def _check_media_version(call: Call, major: int) -> None:
    """Refuse vendor content types for a major version that is neither the server's nor the one before."""
    for header in ("Accept", "Content-Type"):
        value = call.headers.get(header, "")
        found = COMPATIBLE_WITH.search(value)
        if found is None or int(found[1]) in (major, major - 1):
            continue
        both = [
            name for name in ("Accept", "Content-Type") if COMPATIBLE_WITH.search(call.headers.get(name, ""))
        ]
        raise errors.ElasticsearchError(
            400,
            "media_type_header_exception",
            f"Invalid media-type value on headers [{', '.join(both)}]",
            caused_by=errors.ElasticsearchError(
                400,
                "status_exception",
                f"{header} version must be either version {major} or {major - 1}, but found {found[1]}. "
                f"{header}={value}",
            ),
        )


def _authorize(principal: Principal, match: Match) -> None:
    privilege = match.route.privilege
    if privilege is None:
        return
    if isinstance(privilege, ClusterPrivilege):
        principal.demand_cluster(privilege)
        return
    # Patterns are not refused here: they stand for those indices the caller may reach (`targets`).
    names = match.path_parameters.get("index", "").split(",")
    named = [name for name in names if name and name != "_all" and "*" not in name]
    principal.demand_index(privilege, named)

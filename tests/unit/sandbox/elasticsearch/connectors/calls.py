"""Calls of the connector routes without a server in between, routed and checked as the server does."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.connectors import ROUTES
from sandbox.elasticsearch.http import Request, Router, check_call
from sandbox.elasticsearch.security import ANYBODY
from sandbox.elasticsearch.state import State

ROUTER = Router(ROUTES)


@dataclass(frozen=True, slots=True)
class Calls:
    """One server's state, and a way to call it."""

    state: State = field(default_factory=State)

    def call(self, method: str, target: str, body: Any = None) -> tuple[int, Any]:
        """Return the status and the body of the answer; a body that is not bytes is sent as JSON."""
        path, _, query_string = target.partition("?")
        query = dict(parse_qsl(query_string, keep_blank_values=True))
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            match = ROUTER.find(method, path)
            check_call(match.route, path=path, query=query, body=content)
            answer = match.route.handler(
                Request(
                    state=self.state,
                    principal=ANYBODY,
                    method=method,
                    path=path,
                    path_parameters=match.path_parameters,
                    query=query,
                    headers={},
                    body=content,
                )
            )
        except (errors.ElasticsearchError, errors.PlainError) as error:
            return error.status, orjson.loads(orjson.dumps(error.body()))
        return answer.status, orjson.loads(answer.rendered())

    def documents(self) -> dict[str, dict[str, bytes]]:
        """Everything that is stored, by index and id."""
        stored = {}
        for name, index in self.state.indices.items():
            index.refresh()
            stored[name] = {each.id: each.source for each in index.snapshot()}
        return stored

"""Requests that reach the embedded Elasticsearch without a socket: an example takes a tenth of the time.

worker, people ──▶ Direct ──▶ Server.outcome        journal, faults and state as over HTTP
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ingest import errors
from ingest.elasticsearch.transport import JSON, Request, Response
from sandbox.elasticsearch import Server
from sandbox.elasticsearch.server.dispatch import Call
from sandbox.elasticsearch.server.faults import Broken
from tests.support.fake_transport import whole


@dataclass(frozen=True, slots=True)
class Direct:
    """A transport of the product's."""

    server: Server

    async def __call__(self, request: Request) -> Response:
        """Make one attempt."""
        assert request.content_encoding is None
        await asyncio.sleep(0)
        call = Call(
            method=request.method,
            path=request.path,
            query={name: _parameter(value) for name, value in request.params.items()},
            headers={**request.headers, "Content-Type": request.content_type},
            body=whole(request.body),
        )
        outcome = await self.server.outcome(call)
        if isinstance(outcome, Broken):
            raise errors.ElasticsearchUnavailableError(f"No usable answer to {request}.")
        headers = {name: value for name, value in outcome.headers.items() if value is not None}
        return Response(outcome.status, headers, outcome.rendered())


@dataclass(frozen=True, slots=True)
class People:
    """Other users of Elasticsearch, as with curl."""

    server: Server

    async def request(self, method: str, path: str, body: Any = None, **params: str) -> tuple[int, Any]:
        """Send JSON, return status and JSON."""
        headers: Mapping[str, str] = {"Content-Type": JSON}
        content = b"" if body is None else orjson.dumps(body)
        call = Call(method=method, path=path, query=params, headers=headers, body=content)
        outcome = await self.server.outcome(call)
        assert not isinstance(outcome, Broken), "faults are for workers"
        return outcome.status, orjson.loads(outcome.rendered() or b"null")

    async def ok(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        """Send JSON that must be accepted."""
        status, answer = await self.request(method, path, body, **params)
        assert status < 300, (method, path, status, answer)
        return answer


def _parameter(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

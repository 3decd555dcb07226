"""The embedded server with a real Elasticsearch behind it: connector routes stay, everything else goes on.

    test ──▶ embedded server (faults, journal) ──▶ /_connector, .elastic-connectors*, / : its own state
                                               └─▶ all the rest: the real one

So a test that breaks and counts requests does so with real answers. The journal tells of bulk requests what
they changed, as the embedded server's does: those who judge a run go by it. Nothing changes where the
environment names no real server.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

import orjson

from sandbox.elasticsearch import Server, serve
from sandbox.elasticsearch.http import Answer, Effect
from sandbox.elasticsearch.server.dispatch import Call, Dispatcher
from tests.cluster.connection import Connection
from tests.cluster.distribution import CLUSTER_NAME
from tests.cluster.modules import URL, version
from tests.support.canaries import WATCH

EMBEDDED = ("/_connector", "/.elastic-connectors")
PIPELINES = ("ent-search-generic-ingestion", "search-default-ingestion")
"""What connectors name; they do nothing, for a server without modules lacks the processors."""
SENT_HEADERS = ("Authorization", "Content-Type", "Accept", "X-Opaque-Id")
KEPT_HEADERS = ("WWW-Authenticate", "Warning", "Content-Type")


class NotDisposableError(Exception):
    """The cluster that the environment names was not made to be emptied."""


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Server]:
    """Run an embedded server for a test, with the real one behind it if there is one."""
    if not URL:
        async with serve(**options) as server:
            WATCH.journals.append(server.journal)
            yield server
        return
    async with serve(version=version(), **options) as server:
        WATCH.journals.append(server.journal)
        with relayed(server):
            yield server


@contextmanager
def relayed(server: Server) -> Iterator[None]:
    """Send on what a server gets; at the end, remove from the real one what came of it."""
    real = Connection(URL)
    make_empty(real)
    for pipeline in PIPELINES:
        real.call("PUT", f"/_ingest/pipeline/{pipeline}", {"processors": []})
    # It answers as a dispatcher does, which is all that a server asks of one.
    server.dispatcher = cast("Dispatcher", Relay(server.dispatcher, real))
    try:
        yield
    finally:
        real.clean_up()
        real.close()


def make_empty(real: Connection) -> None:
    """Remove what a test that was killed has left; refuse a cluster that may hold what somebody needs."""
    name = real.call("GET", "/_cluster/health").get("cluster_name")
    if name != CLUSTER_NAME:
        raise NotDisposableError(
            f"These tests remove every index and pipeline of their cluster, so its `cluster.name` has to be "
            f"{CLUSTER_NAME!r}; that of ELASTICSEARCH_URL is {name!r}."
        )
    real.clean_up()


@dataclass(frozen=True, slots=True)
class Relay:
    """Answers calls for the connector protocol by the embedded server, and all others by the real one."""

    embedded: Dispatcher
    real: Connection

    def answer(self, call: Call) -> Answer:
        """The answer to a call. A caller that the real server refuses the embedded one refuses, too."""
        if not (call.path == "/" or call.path.startswith(EMBEDDED)):
            return self._sent_on(call)
        if call.headers.get("Authorization"):
            path = "/_security/_authenticate"
            known = self._sent_on(Call(method="GET", path=path, query={}, headers=call.headers, body=b""))
            if known.status != 200:
                return known
        return self.embedded.answer(call)

    def _sent_on(self, call: Call) -> Answer:
        headers = {name: call.headers[name] for name in SENT_HEADERS if name in call.headers}
        target = f"{call.path}?{urlencode(call.query)}" if call.query else call.path
        response, body = self.real.send(call.method, target, headers, call.body)
        if call.path.endswith("/_bulk") and response.status == 200 and body.startswith(b"{"):
            _note_effect(call.effect, orjson.loads(body))
        kept = {name: value for name in KEPT_HEADERS if (value := response.getheader(name))}
        return Answer(body, response.status, kept)


def _note_effect(effect: Effect, answer: Any) -> None:
    """Enter what a bulk request changed, as far as the caller asked to be told."""
    changed = {"created": effect.indexed, "updated": effect.indexed, "deleted": effect.deleted}
    for item in answer.get("items", ()):
        for told in item.values():
            if told.get("status", 200) >= 300 and told.get("result") != "not_found":
                effect.failed.append(told.get("_id", ""))
            elif (ids := changed.get(told.get("result"))) is not None:
                ids.append(told.get("_id", ""))

"""What stands between the tests and a real Elasticsearch."""

from typing import Any, cast

import orjson

from sandbox.elasticsearch import Server
from sandbox.elasticsearch.server.dispatch import Call, Dispatcher
from tests.cluster.connection import Connection
from tests.cluster.relay import Relay


class Answered:
    """The head of an answer."""

    status = 200

    def getheader(self, _name: str) -> None:
        """There are none."""


class Behind:
    """Another embedded server in the place of the real one; keeps what it was asked last."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def send(self, method: str, target: str, headers: Any, body: bytes) -> tuple[Answered, bytes]:
        """Answer as a real connection does."""
        path, _, query = target.partition("?")
        asked = {"filter_path": "items"} if query else {}
        self.last = Call(method=method, path=path, query=asked, headers=headers, body=body)
        return Answered(), bytes(self._dispatcher.answer(self.last).body)


def bulk(*lines: Any) -> Call:
    return Call(
        method="POST",
        path="/music/_bulk",
        query={"filter_path": "items"},
        headers={"Content-Type": "application/x-ndjson"},
        body=b"".join(orjson.dumps(line) + b"\n" for line in lines),
    )


async def test_the_journal_tells_what_a_bulk_request_changed_behind_it(elasticsearch: Server) -> None:
    behind = Behind(elasticsearch.dispatcher)
    relay = Relay(elasticsearch.dispatcher, cast("Connection", behind))
    requests = [
        bulk({"index": {"_id": "1"}}, {"a": 1}, {"index": {"_id": "2"}}, {"a": 1}),
        bulk(
            *({"index": {"_id": "1"}}, {"a": 2}),
            *({"create": {"_id": "2"}}, {"a": 2}),
            *({"update": {"_id": "2"}}, {"doc": {"a": 1}}),
            *({"update": {"_id": "missing"}}, {"doc": {}}),
            {"delete": {"_id": "2"}},
            {"delete": {"_id": "never there"}},
        ),
    ]
    for request in requests:
        relay.answer(request)

        assert request.effect == behind.last.effect

    assert (requests[1].effect.indexed, requests[1].effect.deleted) == (["1"], ["2"])

"""A transport that answers requests from a function, and time that passes only when somebody waits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import orjson

from ingest.elasticsearch.client import Client
from ingest.elasticsearch.retry import Backoff
from ingest.elasticsearch.transport import Body, Request, Response, Transport
from ingest.protocol.lease import Lease
from ingest.sync.blocks.chunks import documents
from ingest.sync.delivery.guard import GUARD

INDEX_UUID = "u1"
"""Of every index."""

Answer = Callable[[bytes], Response]
"""Given the body of a request: the response, or an exception."""


@dataclass(slots=True)
class FakeTime:
    """A clock and a sleep that agree with each other and take no time."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """Return the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.waits.append(seconds)
        self.now += seconds

    def backoff(self, budget_seconds: float) -> Backoff:
        """Make a retry policy that waits as long as it may."""
        return Backoff(
            budget_seconds=budget_seconds, clock=self.clock, sleep=self.sleep, uniform=lambda _low, high: high
        )


class AnsweringTransport:
    """Answers each request from a function of its body, and keeps the requests."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.requests: list[Request] = []

    async def __call__(self, request: Request) -> Response:
        """Answer as told; that the index is there, and what bulk items are about, without being told."""
        if request.path.endswith("/_settings"):
            name = request.path.split("/")[1]
            return response(200, {name: {"settings": {"index.uuid": INDEX_UUID}}})
        self.requests.append(request)
        answered = self._answer(self.bodies[-1])
        return _told_apart(answered, request) if request.path.endswith("/_bulk") else answered

    @property
    def bodies(self) -> list[bytes]:
        """The body of each request, whole, without its guards."""
        return [whole(request.body).replace(GUARD, b"") for request in self.requests]

    @property
    def sent_ids(self) -> list[list[str]]:
        """The ids in each request."""
        return [ids_of(body) for body in self.bodies]


def _told_apart(answered: Response, request: Request) -> Response:
    """Say in each item which document it is about, and that guards hold, as Elasticsearch does."""
    body = orjson.loads(answered.body) if answered.body.endswith(b"}]}") else None
    sent = whole(request.body)
    ids = ids_of(sent.replace(GUARD, b""))
    if not answered.is_success or body is None or len(body["items"]) != len(ids):
        return answered
    for item, id_ in zip(body["items"], ids, strict=True):
        for members in item.values():
            members.setdefault("_id", id_)
            members.setdefault("_index", request.path.split("/")[1])
    body["items"] += [GUARD_HELD] * sent.count(GUARD)
    return replace(answered, body=orjson.dumps(body))


def client_over(transport: Transport, time: FakeTime | None = None) -> Client:
    """Return a client whose waits take no time."""
    return Client(transport=transport, make_backoff=(time or FakeTime()).backoff)


def answering(answer: Answer) -> Client:
    """Return a client that is answered from a function of the request's body."""
    return client_over(AnsweringTransport(answer))


def whole(body: Body | None) -> bytes:
    """Return a body as one, in whatever pieces it comes."""
    return body if isinstance(body, bytes) else b"".join(body or ())


def ids_of(body: bytes) -> list[str]:
    """Return the ids of the actions in a body of index or delete actions."""
    actions = documents(body) if body.startswith(b'{"index"') else body.splitlines()
    return [next(iter(orjson.loads(action.split(b"\n")[0]).values()))["_id"] for action in actions]


def response(status: int, body: object = None, headers: Mapping[str, str] | None = None) -> Response:
    """Make a response with a JSON body."""
    return Response(status, headers or {}, orjson.dumps(body))


def items(*items: Mapping[str, object], action: str = "index") -> Response:
    """Make the answer to a bulk request."""
    return response(200, {"items": [{action: item} for item in items]})


CREATED = {"result": "created", "status": 201}
UPDATED = {"result": "updated", "status": 200}
DROPPED = {"result": "noop", "status": 200}
BUSY = {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue is full"}}
BAD = {"status": 400, "error": {"type": "document_parsing_exception", "reason": "failed to parse field [n]"}}

GUARD_HELD = {
    "update": {
        "_index": "music",
        "_id": "_",
        "status": 404,
        "error": {
            "type": "index_not_found_exception",
            "reason": "no such index [music] and [require_alias] request flag is [true] "
            "and [music] is not an alias",
        },
    }
}


def lasting_lease() -> Lease:
    """Return a lease that neither runs out nor is revoked."""

    async def confirm() -> None:
        return None

    return Lease(confirm, clock=lambda: 0.0)

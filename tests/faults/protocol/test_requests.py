"""What the client makes of answers that are late, cut, refused or not from Elasticsearch at all."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ingest import errors
from ingest.config import Bulk, Elasticsearch
from ingest.elasticsearch.answers import an_object
from ingest.elasticsearch.client import Client, connect
from ingest.elasticsearch.retry import Backoff
from ingest.elasticsearch.transport import Request
from ingest.secret import Secret
from sandbox.elasticsearch import Security, Server, User, serve
from sandbox.elasticsearch.server.faults import Action, Drop, Edit, Hold, Reply, Reset, Truncate


class Waits:
    """A retry policy that does not really wait, and remembers how long it would have."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def backoff(self, budget_seconds: float) -> Backoff:
        return Backoff(
            budget_seconds=budget_seconds,
            clock=lambda: self.now,
            sleep=self.sleep,
            uniform=lambda low, high: high,
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def waits() -> Waits:
    """The waits of the test's client."""
    return Waits()


@pytest.fixture
async def client(elasticsearch: Server, waits: Waits) -> AsyncIterator[Client]:
    """A client of the test's server."""
    async with connect(
        replace(Elasticsearch(), hosts=(elasticsearch.url,)), make_backoff=waits.backoff
    ) as client:
        yield client


TRANSIENT: list[Action] = [
    *(Reply(status) for status in (408, 429, 499, 500, 502, 503, 504)),
    Reply(502, "<html>Bad Gateway</html>", {"Content-Type": "text/html", "X-elastic-product": None}),
    Reply(200, "<html>Log in</html>", {"Content-Type": "text/html", "X-elastic-product": None}),
    Reply(200, {"tagline": "You Know, for Search"}, {"X-elastic-product": None}),
    Reply(404, {"error": "no such page"}, {"X-elastic-product": None}),
    Reply(200, ""),
    Truncate(20),
    Drop(),
    Reset(),
]


@pytest.mark.parametrize("action", TRANSIENT, ids=str)
async def test_what_may_work_later_is_tried_again(
    elasticsearch: Server, client: Client, waits: Waits, action: Action
) -> None:
    elasticsearch.faults.add(action, times=3)

    answer = await client.call("GET", "/", an_object)

    assert answer["tagline"] == "You Know, for Search"
    assert waits.slept == [1, 2, 4]


@pytest.mark.parametrize("action", TRANSIENT, ids=str)
async def test_what_never_works_is_given_up_when_the_budget_is_spent(
    elasticsearch: Server, client: Client, waits: Waits, action: Action
) -> None:
    elasticsearch.faults.add(action)

    with pytest.raises(errors.ElasticsearchUnavailableError) as caught:
        await client.call("GET", "/", an_object, budget_seconds=20)

    assert waits.slept == [1, 2, 4, 8]
    assert str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.ElasticsearchRefusedError),
        (401, errors.AuthorizationError),
        (403, errors.AuthorizationError),
        (404, errors.NotFoundError),
        (405, errors.ElasticsearchRefusedError),
        (409, errors.ConflictError),
        (413, errors.ElasticsearchRefusedError),
    ],
)
async def test_a_final_no_is_not_repeated(
    elasticsearch: Server, client: Client, status: int, kind: type[errors.ElasticsearchRefusedError]
) -> None:
    elasticsearch.faults.add(Reply(status))

    with pytest.raises(kind) as caught:
        await client.call("GET", "/", an_object)

    assert caught.value.status == status
    assert len(elasticsearch.journal) == 1


async def test_retry_after_is_obeyed(elasticsearch: Server, client: Client, waits: Waits) -> None:
    elasticsearch.faults.add(Reply(429, headers={"Retry-After": "7"}), times=1)

    await client.call("GET", "/", an_object)

    assert waits.slept == [7]


async def test_a_redirect_is_refused_and_not_followed(elasticsearch: Server, client: Client) -> None:
    elasticsearch.faults.add(Reply(307, headers={"Location": f"{elasticsearch.url}/elsewhere"}))

    with pytest.raises(errors.ElasticsearchRefusedError, match=r"elasticsearch\.host"):
        await client.send(Request(method="POST", path="/_bulk", body=b"{}\n"))

    assert [entry.path for entry in elasticsearch.journal] == ["/_bulk"]


async def test_an_answer_that_does_not_come_in_time_is_unavailable(
    elasticsearch: Server, client: Client
) -> None:
    held = elasticsearch.faults.add(Hold())

    with pytest.raises(errors.ElasticsearchUnavailableError, match="did not answer"):
        await client.send(Request(method="GET", path="/", timeout_seconds=0.05))
    held.release()


async def test_nobody_listening_is_unavailable_and_says_where(waits: Waits) -> None:
    settings = replace(Elasticsearch(), hosts=("http://127.0.0.1:1",))
    async with connect(settings, make_backoff=waits.backoff) as client:
        with pytest.raises(errors.ElasticsearchUnavailableError, match=r"127\.0\.0\.1:1"):
            await client.call("GET", "/", an_object, budget_seconds=5)

    assert waits.slept == [1, 2]


async def test_stopping_ends_a_wait_at_once(elasticsearch: Server) -> None:
    elasticsearch.faults.add(Reply(503))
    async with connect(replace(Elasticsearch(), hosts=(elasticsearch.url,))) as client:
        call = asyncio.ensure_future(client.call("GET", "/", an_object, budget_seconds=600))
        await elasticsearch.journal.wait_for(lambda entry: entry.status == 503)

        call.cancel()

        with pytest.raises(asyncio.CancelledError):
            await call


async def test_an_oversized_answer_is_not_read_to_its_end(elasticsearch: Server) -> None:
    elasticsearch.faults.add(Edit(lambda body: {**body, "padding": "x" * 2**20}))
    settings = replace(Elasticsearch(), hosts=(elasticsearch.url,))
    async with connect(settings, max_response_bytes=2**19) as client:
        with pytest.raises(errors.ElasticsearchUnavailableError, match="larger than"):
            await client.send(Request(method="GET", path="/"))


@pytest.mark.parametrize(
    "sizes",
    [
        [10],
        [10, 20, 30],
        [60_000, 72, 66_000, 72],
        [72, 122_000, 72, 130_000],
        [72, 300_000, 1_000_000, 10],
        [2_000, 1_023, 1_024],
    ],
    ids=str,
)
async def test_a_body_in_pieces_arrives_whole(
    elasticsearch: Server, client: Client, sizes: list[int]
) -> None:
    texts = [b"%d" % number * size for number, size in enumerate(sizes)]
    pieces: tuple[bytes | memoryview, ...] = (b'{"text":"', *texts, memoryview(b"-" * len(texts)), b'"}')

    answer = await client.send(Request(method="PUT", path="/music/_doc/1", body=pieces))

    assert answer.status == 201
    stored = elasticsearch.state.index("music").get("1")
    assert stored is not None
    assert stored.parsed()["text"].encode() == b"".join(texts) + b"-" * len(texts)


@pytest.mark.parametrize(("compresses", "encoding"), [(False, "identity"), (True, "gzip")])
async def test_answers_are_compressed_only_where_requests_are(
    elasticsearch: Server, compresses: bool, encoding: str
) -> None:
    settings = replace(Elasticsearch(), hosts=(elasticsearch.url,), bulk=Bulk(compress=compresses))
    async with connect(settings) as client:
        answer = await client.send(Request(method="GET", path="/"))

    assert answer.is_success
    assert [entry.headers["Accept-Encoding"] for entry in elasticsearch.journal] == [encoding]


async def test_heartbeats_are_not_held_up_by_slow_bulks(elasticsearch: Server, client: Client) -> None:
    held = elasticsearch.faults.add(Hold(), path="*/_bulk")
    content = client.for_content("worker/job")
    bulk = Request(method="POST", path="/music/_bulk", body=b'{"index":{}}\n{}\n')
    async with asyncio.TaskGroup() as group:
        for _ in range(200):
            group.create_task(content.send(bulk))
        await held.struck()

        await client.call("GET", "/", an_object, budget_seconds=0, timeout_seconds=5)
        held.release()


async def test_an_error_message_never_holds_a_credential() -> None:
    security = Security(users=[User("user", "right-password")])
    async with serve(security=security) as server:
        settings = replace(
            Elasticsearch(), hosts=(server.url,), username="user", password=Secret("wrong-password")
        )
        async with connect(settings) as client:
            with pytest.raises(errors.AuthorizationError, match="api_key") as caught:
                await client.call("GET", "/", an_object)

    assert "wrong-password" not in str(caught.value)
    assert "wrong-password" not in repr(client)

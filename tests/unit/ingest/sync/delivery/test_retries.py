"""What is sent again, after which wait, and for how long."""

import pytest

from ingest.elasticsearch.transport import Response
from ingest.errors import (
    ElasticsearchRefusedError,
    ElasticsearchUnavailableError,
    IncompleteSyncError,
    JobLostError,
)
from ingest.sync.progress.backpressure import RetryCause
from tests.support.fake_transport import (
    BAD,
    BUSY,
    CREATED,
    UPDATED,
    ids_of,
    items,
    lasting_lease,
    response,
)
from tests.unit.ingest.sync.delivery.writer_harness import WriterHarness, created, in_turn


async def test_every_retry_is_counted_by_its_cause() -> None:
    harness = WriterHarness(
        in_turn(
            response(429),
            items(CREATED, BUSY),
            response(503),
            ElasticsearchUnavailableError("gone"),
            items(CREATED, CREATED, CREATED),
            created,
        )
    )

    await harness.index("a", "b")

    assert harness.stats.backpressure.retries == {
        RetryCause.BUSY: 2, RetryCause.FAILURE: 1, RetryCause.NO_ANSWER: 1, RetryCause.MISMATCH: 1
    }  # fmt: skip


async def test_what_is_not_tried_again_is_no_retry() -> None:
    harness = WriterHarness(lambda _: response(503))

    with pytest.raises(ElasticsearchUnavailableError):
        await harness.index("a")

    assert sum(harness.stats.backpressure.retries.values()) == len(harness.transport.requests) - 1


async def test_e02_only_items_turned_away_are_sent_again() -> None:
    harness = WriterHarness(in_turn(items(CREATED, BUSY, BAD, BUSY), created))

    await harness.index("a", "b", "c", "d")

    assert harness.transport.sent_ids == [["a", "b", "c", "d"], ["b", "d"]]
    assert (harness.tally.created, harness.tally.rejected) == (3, 1)
    assert [one.id for one in harness.stats.rejections] == ["c"]


@pytest.mark.parametrize("status", [408, 429, 499, 500, 502, 503, 504])
async def test_e01_a_transient_answer_is_tried_again_after_a_growing_wait(status: int) -> None:
    busy = response(status, {"error": {"type": "x", "reason": "y"}})
    harness = WriterHarness(in_turn(busy, busy, busy, created))

    await harness.index("a")

    assert len(harness.transport.bodies) == 4
    assert harness.time.waits == [1, 2, 4]
    assert harness.tally.created == 1


async def test_e01_retry_after_is_obeyed() -> None:
    harness = WriterHarness(in_turn(response(429, {}, {"Retry-After": "17"}), created))

    await harness.index("a")

    assert harness.time.waits == [17]


async def test_e01_endless_refusal_ends_within_the_budget_and_says_why() -> None:
    harness = WriterHarness(lambda _: response(429, {}))

    with pytest.raises(ElasticsearchUnavailableError, match="429"):
        await harness.index("a")

    assert 500 < sum(harness.time.waits) <= 600
    assert max(harness.time.waits) == 60


async def test_e02_items_turned_away_for_ever_end_the_job_and_the_others_stay_counted() -> None:
    harness = WriterHarness(lambda body: items(*(BUSY if id_ == "b" else CREATED for id_ in ids_of(body))))

    with pytest.raises(ElasticsearchUnavailableError, match="queue is full"):
        await harness.index("a", "b", "c")

    assert harness.tally.created == 2


async def test_e07_a_lost_answer_is_asked_for_again_and_counts_once() -> None:
    harness = WriterHarness(in_turn(ElasticsearchUnavailableError("reset"), items(UPDATED, UPDATED)))

    await harness.index("a", "b")

    assert harness.tally.indexed == 2


@pytest.mark.parametrize(
    "strange",
    [
        Response(200, {}, b""),
        Response(200, {}, b"null"),
        Response(200, {}, b'{"items":[{"index":{"status":201'),
        items(CREATED),
        items(CREATED, CREATED, CREATED),
    ],
    ids=["empty", "null", "cut", "short", "long"],
)
async def test_e05_e06_an_answer_that_does_not_fit_counts_nothing_and_is_asked_for_again(
    strange: Response,
) -> None:
    harness = WriterHarness(in_turn(strange, strange, created))

    await harness.index("a", "b")

    assert harness.transport.sent_ids == [["a", "b"]] * 3
    assert harness.tally.created == 2


async def test_e06_answers_that_never_fit_end_the_job() -> None:
    harness = WriterHarness(lambda _: items(CREATED))

    with pytest.raises(IncompleteSyncError, match="do not add up"):
        await harness.index("a", "b")

    assert harness.tally.settled == 0
    assert len(harness.transport.bodies) == 3


async def test_an_item_that_no_repetition_helps_is_refused_at_once() -> None:
    broken = {"status": 500, "error": {"type": "illegal_state_exception", "reason": "a processor failed"}}
    harness = WriterHarness(lambda _: items(CREATED, broken))

    await harness.index("a", "b")

    assert len(harness.transport.bodies) == 1
    assert (harness.tally.created, harness.tally.rejected) == (1, 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_final_no_to_the_request_is_not_tried_again(status: int) -> None:
    harness = WriterHarness(lambda _: response(status, {"error": {"type": "x", "reason": "y"}}))

    with pytest.raises(ElasticsearchRefusedError):
        await harness.index("a")

    assert len(harness.transport.bodies) == 1


async def test_a_worker_that_loses_its_lease_while_waiting_does_not_try_again() -> None:
    lease = lasting_lease()

    def answer(_: bytes) -> Response:
        lease.end(JobLostError("gone"))
        return response(503)

    harness = WriterHarness(answer, lease=lease)

    with pytest.raises(JobLostError):
        await harness.index("a")

    assert len(harness.transport.bodies) == 1

"""A chunk is sent until every document has its final verdict, and only what has none is sent again."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import structlog

from ingest import config
from ingest.elasticsearch.indices import ContentIndex
from ingest.elasticsearch.transport import Response
from ingest.errors import (
    ElasticsearchRefusedError,
    ElasticsearchUnavailableError,
    IncompleteSyncError,
    IndexChangedError,
    JobLostError,
    TooManyRejectionsError,
)
from ingest.lease import Lease
from ingest.sync.blocks.chunks import Chunk, Chunker, ChunkLimits
from ingest.sync.delivery.settling import Destination
from ingest.sync.delivery.slots import Slots
from ingest.sync.delivery.writer import BulkWriter, Deletion
from ingest.sync.progress.backpressure import RetryCause
from ingest.sync.progress.stats import Stats, Tally
from ingest.sync.request import SyncContext, SyncOptions
from tests.support.fake_transport import (
    BAD,
    BUSY,
    CREATED,
    DROPPED,
    INDEX_UUID,
    UPDATED,
    AnsweringTransport,
    FakeTime,
    client_over,
    ids_of,
    items,
    lasting_lease,
    response,
    whole,
)
from tests.support.memory_source import line_of

INDEX = ContentIndex(name="music", concrete_name="music", uuid=INDEX_UUID, mapping={}, settings={})


def chunk_of(*ids: str) -> Chunk:
    chunker = Chunker(b'"_timestamp":"2026-01-01T00:00:00Z",', ChunkLimits(10**6, 10**4))
    list(chunker.add(b"".join(line_of(id_, {"id": id_}) for id_ in ids), len(ids)))
    chunk = chunker.flush()
    assert chunk is not None
    return chunk


def created(body: bytes) -> Response:
    return items(*(CREATED for _ in ids_of(body)))


def in_turn(*answers: Response | Exception | Callable[[bytes], Response]) -> Callable[[bytes], Response]:
    """Answer with each in turn; the last one for ever."""
    left = list(answers)

    def answer(body: bytes) -> Response:
        current = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(current, Exception):
            raise current
        return current if isinstance(current, Response) else current(body)

    return answer


@dataclass
class WriterHarness:
    """A writer with everything around it."""

    answer: Callable[[bytes], Response]
    bulk: config.Bulk = field(default_factory=config.Bulk)
    checks_ids: bool = False
    lease: Lease = field(default_factory=lasting_lease)
    time: FakeTime = field(default_factory=FakeTime)
    stats: Stats = field(default_factory=Stats)
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self.transport = AnsweringTransport(self.answer)
        self.client = client_over(self.transport, self.time)
        self.slots = Slots(4, clock=self.time.clock)
        self.limits = ChunkLimits(10**6, 10**4)
        self.writer = BulkWriter(
            SyncContext(client=self.client, lease=self.lease, stats=self.stats, log=structlog.get_logger()),
            Destination(index=INDEX, pipeline="p", checks_ids=self.checks_ids),
            SyncOptions(bulk=self.bulk),
            limits=self.limits,
            slots=self.slots,
        )

    async def index(self, *ids: str) -> None:
        await self.writer.index(chunk_of(*ids), self.tally)


async def test_what_is_acknowledged_is_counted() -> None:
    harness = WriterHarness(lambda _: items(CREATED, UPDATED, CREATED))

    await harness.index("a", "b", "c")

    assert (harness.tally.created, harness.tally.updated, harness.tally.settled) == (2, 1, 3)
    assert harness.tally.indexed_bytes == len(harness.transport.bodies[0])
    assert harness.stats.sent_bytes == len(whole(harness.transport.requests[0].body))


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


async def test_a_document_the_pipeline_drops_is_neither_indexed_nor_rejected() -> None:
    harness = WriterHarness(lambda _: items(CREATED, DROPPED))

    await harness.index("a", "b")

    assert (harness.tally.indexed, harness.tally.dropped, harness.tally.rejected) == (1, 1, 0)
    assert harness.tally.indexed_bytes < len(harness.transport.bodies[0])


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


async def test_e10_a_chunk_that_is_too_large_is_halved_down_to_the_document_at_fault() -> None:
    def answer(body: bytes) -> Response:
        return response(413) if len(ids_of(body)) > 2 or "big" in ids_of(body) else created(body)

    harness = WriterHarness(answer)

    await harness.index("a", "b", "big", "c", "d")

    assert harness.transport.sent_ids == [
        ["a", "b", "big", "c", "d"], ["a", "b"], ["big", "c", "d"], ["big"], ["c", "d"]
    ]  # fmt: skip
    assert (harness.tally.created, harness.tally.rejected) == (4, 1)
    assert harness.stats.rejections[0].error_type == "too_large"
    assert harness.limits.max_bytes < len(harness.transport.bodies[0])


@pytest.mark.parametrize(
    ("item", "error", "message"),
    [
        (
            {
                "status": 403,
                "error": {"type": "cluster_block_exception", "reason": "[FORBIDDEN/8/index write]"},
            },
            ElasticsearchRefusedError,
            "FORBIDDEN/8",
        ),
        (
            {"status": 403, "error": {"type": "security_exception", "reason": "unauthorized"}},
            ElasticsearchRefusedError,
            "unauthorized",
        ),
        (
            {"status": 404, "error": {"type": "index_not_found_exception", "reason": "no such index"}},
            IndexChangedError,
            "removed",
        ),
        (
            {"status": 404, "error": {"type": "resource_not_found_exception", "reason": "no model [elser]"}},
            ElasticsearchRefusedError,
            r"no model \[elser\]",
        ),
        (
            {
                "status": 400,
                "error": {
                    "type": "illegal_argument_exception",
                    "reason": "pipeline with id [p] does not exist",
                },
            },
            ElasticsearchRefusedError,
            "pipeline p",
        ),
    ],
)
async def test_what_concerns_all_documents_ends_the_job_after_counting(
    item: dict[str, object], error: type[Exception], message: str
) -> None:
    harness = WriterHarness(lambda _: items(CREATED, item, CREATED))

    with pytest.raises(error, match=message):
        await harness.index("a", "b", "c")

    assert harness.tally.created == 2
    assert len(harness.transport.bodies) == 1


DUPLICATE = response(
    400,
    {
        "error": {
            "type": "x_content_parse_exception",
            "reason": "[1:9] Duplicate field 'a'",
        }
    },
)


async def test_one_document_for_whose_sake_a_request_is_refused_costs_no_other() -> None:
    harness = WriterHarness(lambda body: DUPLICATE if "bad" in ids_of(body) else created(body))

    await harness.index("a", "b", "bad", "c", "d")

    assert (harness.tally.created, harness.tally.rejected) == (4, 1)
    assert [one.id for one in harness.stats.rejections] == ["bad"]
    assert "Duplicate field 'a'" in harness.stats.rejections[0].reason
    assert harness.limits.max_bytes == 10**6


async def test_a_request_that_is_refused_down_to_every_document_for_one_reason_ends_the_job() -> None:
    harness = WriterHarness(
        lambda _: response(400, {"error": {"type": "illegal_argument_exception", "reason": "no"}})
    )

    with pytest.raises(ElasticsearchRefusedError, match="all requests"):
        await harness.index("a", "b", "c")

    assert harness.tally.rejected == 3


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


async def test_b6_counts_are_exact_when_the_error_monitor_ends_the_job_within_an_answer() -> None:
    harness = WriterHarness(lambda _: items(BAD, BAD, BAD, CREATED, CREATED))
    harness = WriterHarness(
        harness.answer, bulk=config.Bulk(error_monitor=config.ErrorMonitor(max_consecutive_errors=2))
    )

    with pytest.raises(TooManyRejectionsError):
        await harness.index("a", "b", "c", "d", "e")

    assert (harness.tally.created, harness.tally.rejected) == (2, 3)


async def test_a_pipeline_that_renames_is_found_out() -> None:
    harness = WriterHarness(
        lambda _: items({**CREATED, "_id": "a"}, {**CREATED, "_id": "z"}), checks_ids=True
    )

    with pytest.raises(IncompleteSyncError, match="b became z"):
        await harness.index("a", "b")


async def test_pressure_lowers_what_may_be_in_flight() -> None:
    harness = WriterHarness(in_turn(items(BUSY), created))

    await harness.index("a")

    assert harness.slots.limit == 2


async def test_a_worker_without_a_lease_sends_nothing() -> None:
    lease = lasting_lease()
    lease.end(JobLostError("gone"))
    harness = WriterHarness(created, lease=lease)

    with pytest.raises(JobLostError):
        await harness.index("a")

    assert harness.transport.bodies == []


async def test_a_worker_that_loses_its_lease_while_waiting_does_not_try_again() -> None:
    lease = lasting_lease()

    def answer(_: bytes) -> Response:
        lease.end(JobLostError("gone"))
        return response(503)

    harness = WriterHarness(answer, lease=lease)

    with pytest.raises(JobLostError):
        await harness.index("a")

    assert len(harness.transport.bodies) == 1


def deletions(*ids: str) -> list[Deletion]:
    return [Deletion(id=id_, seq_no=7, primary_term=1) for id_ in ids]


async def test_deletes_are_guarded_and_only_deletes_count() -> None:
    answer = items(
        {"status": 200, "result": "deleted"},
        {"status": 404, "result": "not_found"},
        {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "x"}},
        action="delete",
    )
    harness = WriterHarness(lambda _: answer)

    await harness.writer.delete(deletions("a", "b", "c"))

    assert harness.stats.deleted == 1
    assert b'"if_seq_no":7,"if_primary_term":1' in harness.transport.bodies[0]
    assert "pipeline" not in harness.transport.requests[0].params


async def test_deletes_turned_away_are_sent_again_alone() -> None:
    deleted = {"status": 200, "result": "deleted"}
    harness = WriterHarness(in_turn(items(deleted, BUSY, action="delete"), items(deleted, action="delete")))

    await harness.writer.delete(deletions("a", "b"))

    assert harness.transport.sent_ids == [["a", "b"], ["b"]]
    assert harness.stats.deleted == 2

"""A bulk writer counts what is acknowledged, guards its deletes and ends the job where it has to."""

import pytest

from ingest import config
from ingest.errors import (
    ElasticsearchRefusedError,
    IncompleteSyncError,
    IndexChangedError,
    JobLostError,
    TooManyRejectionsError,
)
from ingest.sync.blocks.chunks import Chunk
from ingest.sync.delivery.writer import Deletion
from tests.support.fake_transport import (
    BAD,
    BUSY,
    CREATED,
    DROPPED,
    UPDATED,
    items,
    lasting_lease,
    whole,
)
from tests.support.memory import peak_growth
from tests.unit.ingest.sync.delivery.writer_harness import WriterHarness, created, in_turn


async def test_what_is_acknowledged_is_counted() -> None:
    harness = WriterHarness(lambda _: items(CREATED, UPDATED, CREATED))

    await harness.index("a", "b", "c")

    assert (harness.tally.created, harness.tally.updated, harness.tally.settled) == (2, 1, 3)
    assert harness.tally.indexed_bytes == len(harness.transport.bodies[0])
    assert harness.stats.sent_bytes == len(whole(harness.transport.requests[0].body))


async def test_a_document_the_pipeline_drops_is_neither_indexed_nor_rejected() -> None:
    harness = WriterHarness(lambda _: items(CREATED, DROPPED))

    await harness.index("a", "b")

    assert (harness.tally.indexed, harness.tally.dropped, harness.tally.rejected) == (1, 1, 0)
    assert harness.tally.indexed_bytes < len(harness.transport.bodies[0])


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


def deletions(*ids: str) -> Chunk:
    return Chunk.of([Deletion(id=id_, seq_no=7, primary_term=1).to_wire() for id_ in ids])


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


def test_deletions_take_memory_by_their_length_until_they_are_sent() -> None:
    count = 10_000
    deletion = Deletion(id="table_1", seq_no=1, primary_term=1)

    assert peak_growth(lambda: [deletion.to_wire() for _ in range(count)]) < 1_000 * count

"""A request that is refused as a whole is halved down to the documents at fault."""

import pytest

from ingest.elasticsearch.transport import Response
from ingest.errors import (
    ElasticsearchRefusedError,
)
from tests.support.fake_transport import (
    ids_of,
    response,
)
from tests.unit.ingest.sync.delivery.writer_harness import WriterHarness, created


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

"""The certificate is issued only when nothing is in doubt."""

from collections.abc import Mapping
from typing import Any

import pytest
import structlog

from ingest.elasticsearch.client import Client
from ingest.elasticsearch.indices import ContentIndex
from ingest.elasticsearch.transport import Response
from ingest.errors import IncompleteSyncError, IndexChangedError, JobCanceledError, JobError, JobLostError
from ingest.protocol.lease import Lease
from ingest.sync.deletion_certificate import Certificate, certify
from ingest.sync.progress.stats import Stats
from ingest.sync.request import SyncContext
from tests.support.fake_transport import answering, lasting_lease, response
from tests.support.memory_source import MemorySource

INDEX = ContentIndex(name="music", concrete_name="music", uuid="u1", mapping={}, settings={})


def client_of(uuid: str | None) -> Client:
    def answer(_: bytes) -> Response:
        if uuid is None:
            return response(404, {"error": {"type": "index_not_found_exception", "reason": "no such index"}})
        return Response(
            200,
            {"X-elastic-product": "Elasticsearch"},
            b'{"music":{"settings":{"index":{"uuid":"%b"}},"mappings":{}}}' % uuid.encode(),
        )

    return answering(answer)


def complete(**tally: int) -> Stats:
    """Return the counts of two slices of ten rows each, all settled unless told otherwise."""
    stats = Stats()
    for name in ("album", "track"):
        slice_ = stats.start_slice(name, 10)
        for count, value in ({"read": 10, "unchanged": 6, "created": 4} | tally).items():
            setattr(slice_.tally, count, value)
        stats.finish_slice(slice_)
    return stats


async def slices() -> Any:
    source = MemorySource()
    source.tables = {"album": {}, "track": {}}
    return await source.slices({}, 1)


async def certified(client: Client, stats: Stats, lease: Lease) -> Certificate:
    context = SyncContext(client=client, lease=lease, stats=stats, log=structlog.get_logger())
    return await certify(INDEX, await slices(), context)


async def test_everything_read_and_settled_is_certified() -> None:
    certificate = await certified(client_of("u1"), complete(), lasting_lease())

    assert (certificate.index, certificate.slices, certificate.rows) == (INDEX, ("album", "track"), 20)


@pytest.mark.parametrize(
    "tally",
    [
        {"created": 3},
        {"created": 5},
        {"read": 11},
        {"unchanged": 5, "filtered": 0},
        {"created": 0, "rejected": 3},
    ],
    ids=str,
)
async def test_a_row_whose_fate_is_unknown_prevents_it(tally: Mapping[str, int]) -> None:
    with pytest.raises(IncompleteSyncError, match="album"):
        await certified(client_of("u1"), complete(**tally), lasting_lease())


@pytest.mark.parametrize(
    "tally",
    [
        {"created": 2, "rejected": 2},
        {"created": 1, "updated": 3},
        {"created": 3, "dropped": 1},
        {"unchanged": 0, "filtered": 6},
    ],
    ids=str,
)
async def test_every_known_fate_counts(tally: Mapping[str, int]) -> None:
    assert await certified(client_of("u1"), complete(**tally), lasting_lease())


async def test_a_slice_that_was_not_finished_prevents_it() -> None:
    stats = complete()
    stats.slices[1].finished_at = None

    with pytest.raises(IncompleteSyncError, match="1 of 2 slices"):
        await certified(client_of("u1"), stats, lasting_lease())


@pytest.mark.parametrize("uuid", ["u2", None])
async def test_another_index_or_none_prevents_it(uuid: str | None) -> None:
    with pytest.raises(IndexChangedError):
        await certified(client_of(uuid), complete(), lasting_lease())


@pytest.mark.parametrize("ended_by", [JobLostError("lost"), JobCanceledError("canceled")])
async def test_a_job_that_is_not_ours_any_more_prevents_it(ended_by: JobError) -> None:
    async def confirm() -> None:
        raise ended_by

    with pytest.raises(type(ended_by)):
        await certified(client_of("u1"), complete(), Lease(confirm, clock=lambda: 0.0))

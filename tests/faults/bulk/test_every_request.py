"""Each request of a sync in turn fails, in every way.

After each breakage no row that was there all along may have lost its document, and one clean sync makes the
index exact.
"""

import pytest

from ingest.errors import IngestError
from sandbox.elasticsearch.server.faults import Action, Drop, FailItems, Reply, Reset, Truncate
from tests.cluster.relay import serving
from tests.faults.bulk.conftest import age
from tests.support.sweeps import part_of, parts
from tests.support.sync_harness import nothing, sync_harness

PARTS = 6
"""Of the requests. Each kind of failure begins with another request, so that one part meets many of them."""

KINDS: list[tuple[str, Action, bool]] = [
    ("unavailable once", Reply(503), False),
    ("applied, answer lost", Drop(), True),
    ("reset", Reset(), False),
    ("cut", Truncate(10), True),
    ("items turned away", FailItems(429), True),
    ("refused for good", Reply(403), False),
    ("bad request", Reply(400), False),
    ("not found", Reply(404), False),
]


async def _count_requests() -> int:
    async with serving() as server, sync_harness(server) as shop:
        await age(shop)
        await shop.sync()
        return len(server.journal)


@pytest.mark.parametrize("part", parts(PARTS))
@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[name for name, *_ in KINDS])
async def test_no_broken_request_loses_a_living_document(kind: int, part: int) -> None:
    _, action, applied = KINDS[kind]
    requests = await _count_requests()
    assert requests > 10

    for nth in part_of(range(1, requests + 1), part + kind, PARTS):
        async with serving() as server, sync_harness(server) as shop:
            await age(shop)
            living = shop.expected().keys() & (await shop.content()).keys()
            server.faults.add(action, nth=nth, applied=applied)
            try:
                await shop.sync()
            except IngestError:
                pass
            else:
                server.faults.clear()
                assert await shop.content() == shop.expected(), f"request {nth}"
            server.faults.clear()

            assert living <= (await shop.content()).keys(), f"request {nth}"
            stats = await shop.sync()
            assert await shop.content() == shop.expected(), f"request {nth}"
            assert (stats.read, stats.rejected) == (10, 0)


@pytest.mark.parametrize("part", parts(PARTS))
async def test_a_worker_killed_at_any_request_leaves_what_the_next_sync_repairs(part: int) -> None:
    class KilledError(BaseException):
        """The process ends here."""

    requests = await _count_requests()
    for nth in part_of(range(1, requests + 1), part, PARTS):
        async with serving() as server, sync_harness(server) as shop:
            await age(shop)
            living = shop.expected().keys() & (await shop.content()).keys()
            seen = 0

            async def die(_method: str, _path: str, _body: bytes, nth: int = nth) -> None:
                nonlocal seen
                seen += 1
                if seen >= nth:
                    raise KilledError

            shop.wire.after = die
            with pytest.raises(BaseException) as ended:
                await shop.sync()
            assert isinstance(ended.value, KilledError | BaseExceptionGroup)
            shop.wire.after = nothing

            assert living <= (await shop.content()).keys(), f"request {nth}"
            await shop.sync()
            assert await shop.content() == shop.expected(), f"request {nth}"

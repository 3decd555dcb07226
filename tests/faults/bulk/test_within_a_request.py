"""The connection breaks while a bulk request is on its way: Elasticsearch got a part of it, or nothing."""

import pytest
from yarl import URL

from sandbox.elasticsearch import Server
from tests.faults.bulk.conftest import age
from tests.support.fault_proxy import FaultProxy
from tests.support.sync_harness import sync_harness

ROWS, TITLE = 60, "x" * 2_000


@pytest.mark.parametrize("share", [0.0, 0.4, 0.9], ids=["at its head", "in the middle", "near its end"])
async def test_e07_a_connection_that_breaks_within_a_request_is_survived(
    elasticsearch: Server, share: float
) -> None:
    async with FaultProxy("127.0.0.1", URL(elasticsearch.url).port or 0) as proxy:
        url = f"http://{proxy.host}:{proxy.port}"
        async with sync_harness(elasticsearch, url=url) as shop:
            await age(shop)
            shop.put(*(f"shop_album_{number}" for number in range(10, 10 + ROWS)), title=TITLE)
            attempts: list[bytes] = []

            async def reset_the_first(_method: str, path: str, body: bytes) -> None:
                proxy.requests.reset_after = None
                if path.endswith("/_bulk"):
                    attempts.append(body)
                    if len(attempts) == 1:
                        proxy.requests.reset_after = proxy.requests.passed_bytes + int(share * len(body))

            shop.wire.before = reset_the_first
            shop.with_bulk(max_concurrency=1)

            stats = await shop.sync()

            assert len(attempts[0]) > ROWS * len(TITLE)
            assert attempts[1] == attempts[0]
            assert await shop.content() == shop.expected()
            assert (stats.indexed, stats.deleted) == (4 + ROWS, 2)

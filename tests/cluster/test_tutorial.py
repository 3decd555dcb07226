"""The tutorial and what the demo tells, with the service as a process of its own, on the real server."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from sandbox import calls, demo
from sandbox.world import world
from tests.cluster.modules import URL
from tests.cluster.relay import serving
from tests.cluster.server import PASSWORD, USER

pytestmark = pytest.mark.skipif(not URL, reason="ELASTICSEARCH_URL names no server")

READY_SECONDS = 60


@contextmanager
def relayed_elasticsearch(folder: Path, *, password: str) -> Iterator[calls.Elasticsearch]:
    """Give the real server behind the embedded one's connectors, served by a thread of this process."""
    loop = asyncio.new_event_loop()
    is_over = asyncio.Event()
    addresses: list[str] = []
    is_ready = threading.Event()

    async def serve() -> None:
        async with serving() as server:
            addresses.append(server.url)
            is_ready.set()
            await is_over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        assert is_ready.wait(READY_SECONDS)
        yield calls.Elasticsearch(addresses[0], USER, PASSWORD)
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join(READY_SECONDS)
        loop.close()


def test_the_demo_tells_the_same_of_a_real_elasticsearch(tmp_path: Path) -> None:
    # It demands what it shows: 622 documents of a full sync, then exactly three writes of an incremental job.
    with (tmp_path / "told").open("w+") as told, world(elasticsearch=relayed_elasticsearch) as created:
        demo.tell(created, Console(file=told, highlight=False, width=100))
        told.seek(0)
        printed = told.read()

    assert "622 indexed" in printed
    assert "Exactly these three were written" in printed
    assert "1 rows read, 275 skipped" in printed

"""How fast the embedded Elasticsearch takes, keeps and gives documents.

`python -m benchmarks.embedded_elasticsearch` prints the figures.

The server runs in a process of its own; this one builds all bodies beforehand and only sends them.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import psutil

CHUNK_DOCUMENTS = 5_000
CONNECTIONS = 2
PAGE_DOCUMENTS = 10_000
SCAN_PATHS = "pit_id,timed_out,_shards.failed,hits.hits._id,hits.hits.fields,hits.hits.sort"
STARTS = 3
NDJSON = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}


async def run(rows: int) -> dict[str, Any]:
    """Measure with this many documents of about 200 bytes; the figures by name."""
    figures: dict[str, Any] = {"rows": rows, "start_milliseconds": await _start_milliseconds()}
    async with _server() as (url, process):
        server = psutil.Process(process.pid)
        figures["index_documents_per_second"] = await _index(url, rows)
        # The load of others does not count here, nor does the client's.
        figures["index_documents_per_cpu_second"] = round(rows / server.cpu_times().user)
        memory = server.memory_info()
        figures["memory_mebibytes"] = round(memory.rss / 2**20)
        figures["scan_documents_per_second"] = await _scan(url, rows)
    async with _server("--discard") as (url, process):
        figures["discard_documents_per_second"] = await _index(url, rows)
        discarding = psutil.Process(process.pid).cpu_times().user
        figures["discard_documents_per_cpu_second"] = round(rows / discarding)
    return figures


async def synced(sync: Callable[[str], float], times: int) -> list[float]:
    """Let a full sync run several times into one server, given its URL; the seconds each took."""
    async with _server() as (url, _):
        return [await asyncio.to_thread(sync, url) for _ in range(times)]


async def _start_milliseconds() -> float:
    """The median time from starting the process to its first answer."""
    taken = []
    for _ in range(STARTS):
        began = time.perf_counter()
        async with _server() as (url, _), aiohttp.ClientSession() as session, session.get(url) as answer:
            await answer.read()
            taken.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(taken))


@asynccontextmanager
async def _server(*options: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.elasticsearch", "--port", "0", *options, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield (await process.stdout.readline()).decode().strip(), process
    finally:
        process.terminate()
        await process.wait()


def _body(first: int, count: int) -> bytes:
    lines = []
    for number in range(first, first + count):
        document_id = f"chinook_public_track_{number}"
        lines.append(b'{"index":{"_index":"bench","_id":"%s"}}' % document_id.encode())
        lines.append(
            orjson.dumps(
                {
                    "id": document_id,
                    "public_track_track_id": number,
                    "public_track_name": f"The song of the number {number} that nobody sings",
                    "public_track_milliseconds": 200_000 + number,
                    "public_track_unit_price": 0.99,
                    "_timestamp": "2026-01-02T03:04:05.678Z",
                    "_content_hash": number * 7_919,
                }
            )
        )
    return b"\n".join(lines) + b"\n"


async def _index(url: str, rows: int) -> int:
    seconds = 0.0
    async with aiohttp.ClientSession(headers=NDJSON) as session:
        # Bodies are built in blocks between the measured stretches: building them does not count.
        for first in range(0, rows, CHUNK_DOCUMENTS * CONNECTIONS * 4):
            last = min(first + CHUNK_DOCUMENTS * CONNECTIONS * 4, rows)
            bodies = [
                _body(start, min(CHUNK_DOCUMENTS, last - start))
                for start in range(first, last, CHUNK_DOCUMENTS)
            ]
            began = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for connection in range(CONNECTIONS):
                    group.create_task(_post(session, url, bodies[connection::CONNECTIONS]))
            seconds += time.perf_counter() - began
    return round(rows / seconds)


async def _post(session: aiohttp.ClientSession, url: str, bodies: list[bytes]) -> None:
    for body in bodies:
        parameters = {"filter_path": "errors,items.*.status"}
        async with session.post(f"{url}/_bulk", params=parameters, data=body) as answer:
            content = await answer.read()
            assert answer.status == 200, content[:500]
            assert content.startswith(b'{"errors":false'), content[:500]


async def _scan(url: str, rows: int) -> int:
    began = time.perf_counter()
    seen = 0
    async with aiohttp.ClientSession(headers=JSON) as session:
        await (await session.post(f"{url}/bench/_refresh")).read()
        point = await (await session.post(f"{url}/bench/_pit?keep_alive=5m")).json()
        search: dict[str, Any] = {
            "pit": {"id": point["id"], "keep_alive": "5m"},
            # As a sync asks: the documents of one source that carry a content hash.
            "query": {
                "bool": {
                    "filter": [
                        {"term": {"public_track_unit_price": 0.99}},
                        {"exists": {"field": "_content_hash"}},
                    ]
                }
            },
            "size": PAGE_DOCUMENTS,
            "sort": [{"_shard_doc": "asc"}],
            "_source": False,
            "docvalue_fields": ["_content_hash"],
            "track_total_hits": False,
        }
        while True:
            async with session.post(
                f"{url}/_search", params={"filter_path": SCAN_PATHS}, data=orjson.dumps(search)
            ) as answer:
                hits = orjson.loads(await answer.read()).get("hits", {}).get("hits")
            if not hits:
                break
            seen += len(hits)
            search["search_after"] = hits[-1]["sort"]
    assert seen == rows, seen
    return round(rows / (time.perf_counter() - began))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    print(orjson.dumps(asyncio.run(run(parser.parse_args().rows)), option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()

"""What is served: over real HTTP, from snapshots that are made up."""

import socket
from dataclasses import replace
from html.parser import HTMLParser

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ingest.status import server
from ingest.status.snapshot import Snapshot
from tests.unit.ingest.status.snapshots import ended, loop, snapshot


async def get(path: str, shown: Snapshot, method: str = "GET") -> tuple[int, str, dict[str, str]]:
    async with (
        server.served(lambda: shown, host="127.0.0.1", port=0) as port,
        aiohttp.ClientSession() as client,
        client.request(method, f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.text(), dict(answer.headers)


async def test_a_service_that_works_is_alive_and_ready() -> None:
    assert (await get("/livez", snapshot()))[:2] == (200, "alive\n")
    assert (await get("/readyz", snapshot()))[:2] == (200, "ready\n")


async def test_a_service_that_does_not_work_is_alive_but_not_ready() -> None:
    broken = snapshot(loops=(loop(turned_at=None, error="Elasticsearch gave no answer."),))

    assert (await get("/livez", broken))[0] == 200
    status, text, _ = await get("/readyz", broken)

    assert status == 503
    assert "Elasticsearch gave no answer." in text


async def test_metrics_can_be_read_by_prometheus() -> None:
    _, text, headers = await get("/metrics", snapshot())

    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["elastic_ingest_documents_total", "created", "shop"] == 1_000_000
    assert samples["elastic_ingest_jobs_ended_total", "completed", "incremental"] == 1
    assert samples["elastic_ingest_jobs_running",] == 1
    assert samples["elastic_ingest_ready",] == 1
    assert samples["elastic_ingest_connector_in_error", "archive"] == 1
    assert samples["process_resident_memory_bytes",] > 2**20
    assert "text/plain" in headers["Content-Type"]


async def test_the_page_needs_nothing_from_outside_and_forbids_it() -> None:
    status, text, headers = await get("/", snapshot())

    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "<script" not in text
    assert "http://" not in text
    assert "https://" not in text
    for word in ("shop", "public.invoice", "Archive", "may not read public.letter", "waits for"):
        assert word in text


async def test_what_a_page_shows_is_text_whatever_it_is() -> None:
    hostile = "<img src=x onerror=alert(1)>\"'&"
    shown = snapshot(ended=(ended(connector_id=hostile, error=hostile, status=hostile, warnings=(hostile,)),))
    shown = replace(
        shown, worker=hostile, connectors=(replace(shown.connectors[0], name=hostile, error=hostile),)
    )

    _, text, _ = await get("/", shown)

    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    parser.feed(text)
    assert "img" not in tags
    assert "&lt;img" in text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_there_is_nothing_to_do_there(method: str) -> None:
    status, _, headers = await get("/", snapshot(), method)

    assert status == 405
    assert "Content-Security-Policy" in headers


async def test_a_port_that_is_taken_is_said_with_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(server.PortTakenError, match=r"service\.status_port"):
            async with server.served(snapshot, host="127.0.0.1", port=port):
                pass

"""What a running server can be told: version, flavor, TLS, limits, what it keeps; and hostile connections."""

import asyncio
import gc
import io
import ssl
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from sandbox.elasticsearch import Server, serve
from sandbox.elasticsearch.clock import Clock
from sandbox.elasticsearch.documents import Operation

NDJSON = {"Content-Type": "application/x-ndjson"}


async def _call(
    server: Server,
    method: str,
    path: str,
    body: bytes | io.BytesIO | None = None,
    *,
    tls: ssl.SSLContext | None = None,
) -> tuple[int, Any]:
    options: dict[str, Any] = {"ssl": tls} if tls else {}
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, server.url + path, data=body, headers=NDJSON if body else {}, **options
        ) as answer,
    ):
        content = await answer.read()
        return answer.status, orjson.loads(content) if content else None


async def test_version_and_flavor_are_as_told() -> None:
    async with serve(version="8.15.3", build_flavor="serverless") as server:
        _, root = await _call(server, "GET", "/")
        status, _ = await _call(server, "GET", "/_license")

        assert (root["version"]["number"], root["version"]["build_flavor"]) == ("8.15.3", "serverless")
        assert status == 410


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    options = "-x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    command = ["openssl", "req", *options.split(), "-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(command, check=True, capture_output=True)
    return paths


async def test_it_speaks_tls_with_a_given_certificate(certificate: tuple[Path, Path]) -> None:
    of_server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    of_server.load_cert_chain(*certificate)
    of_client = ssl.create_default_context(cafile=str(certificate[0]))

    async with serve(tls=of_server) as server:
        status, _ = await _call(server, "GET", "/", tls=of_client)

        assert server.url.startswith("https://")
        assert status == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await _call(server, "GET", "/")


async def test_a_body_over_the_limit_is_a_413_with_nothing_in_it() -> None:
    async with serve(max_content_bytes=1000) as server:
        status, body = await _call(server, "POST", "/m/_bulk", b"x" * 1001)

        assert (status, body) == (413, None)
        assert (await _call(server, "GET", "/"))[0] == 200
        assert server.journal.requests(status=413)


async def test_a_large_body_within_the_limit_is_taken(elasticsearch: Server) -> None:
    body = io.BytesIO(b'{"index":{"_index":"m","_id":"1"}}\n{"a":"' + b"x" * 20_000_000 + b'"}\n')

    status, answer = await _call(elasticsearch, "POST", "/_bulk", body)

    assert (status, answer["errors"]) == (200, False)


async def test_without_sources_only_ids_are_kept() -> None:
    async with serve(keeps_sources=False) as server:
        body = b'{"index":{"_index":"m","_id":"1"}}\n{"a":1}\n{"create":{"_index":"m","_id":"1"}}\n{}\n'

        _, answer = await _call(server, "POST", "/_bulk?pipeline=search-default-ingestion", body)
        await _call(server, "POST", "/m/_refresh")
        _, counted = await _call(server, "GET", "/m/_count")

        assert [next(iter(item.values()))["status"] for item in answer["items"]] == [201, 409]
        assert counted["count"] == 1


async def test_the_clock_can_be_hours_off() -> None:
    async with serve(clock_offset=timedelta(hours=-5)) as server, serve() as other:
        difference = other.state.clock.now() - server.state.clock.now()

        assert difference.total_seconds() == pytest.approx(5 * 3600, abs=60)


async def test_timestamps_strictly_increase() -> None:
    clock = Clock(wall=lambda: 1_700_000_000.0)

    moments = [clock.timestamp() for _ in range(3)]

    assert moments == [f"2023-11-14T22:13:20.00000{n}Z" for n in range(3)]


async def test_a_connection_that_breaks_off_in_its_body_does_no_harm(elasticsearch: Server) -> None:
    port = int(elasticsearch.url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /_bulk HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n")
    writer.write(b"Content-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    assert (await _call(elasticsearch, "GET", "/"))[0] == 200


@pytest.mark.parametrize("junk", [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
async def test_what_is_not_http_is_answered_and_forgotten(elasticsearch: Server, junk: bytes) -> None:
    port = int(elasticsearch.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(junk)
    writer.write_eof()
    answer = await reader.read()
    writer.close()

    assert b"Traceback" not in answer
    assert (await _call(elasticsearch, "GET", "/"))[0] == 200


async def test_a_bulk_request_is_gone_with_its_answer_though_one_of_its_targets_is_refused(
    elasticsearch: Server,
) -> None:
    # The server looks for cycles rarely, for there may be a million documents to look through.
    body = b'{"update":{"_id":"_","require_alias":true}}\n{"doc":{}}\n{"index":{"_id":"1"}}\n{}\n'
    url = f"{elasticsearch.url}/m"
    async with aiohttp.ClientSession(headers=NDJSON) as session:
        await session.put(url)
        gc.collect()
        gc.disable()
        try:
            async with session.post(f"{url}/_bulk", data=body) as answer:
                assert [*(await answer.json())["items"][1]] == ["index"]
            held = [one for one in gc.get_objects() if isinstance(one, Operation) and one.id == "1"]
        finally:
            gc.enable()

    assert held == []

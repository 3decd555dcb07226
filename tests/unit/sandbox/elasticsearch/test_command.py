"""`python -m sandbox.elasticsearch`: a server of its own process."""

import asyncio
import base64
import signal
import sys

import aiohttp


async def test_it_prints_its_address_serves_and_stops_on_a_signal() -> None:
    options = ["--port", "0", "--version", "8.19.0", "--password", "open sesame", "--admin"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.elasticsearch", *options, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        credentials = base64.b64encode(b"elastic:open sesame").decode()
        async with aiohttp.ClientSession() as session:
            async with session.get(url) as refused:
                assert refused.status == 401
            async with session.get(url, headers={"Authorization": f"Basic {credentials}"}) as answer:
                assert (await answer.json())["version"]["number"] == "8.19.0"
            async with session.get(f"{url}/_sandbox/journal") as journal:
                assert [entry["status"] for entry in await journal.json()] == [401, 200]
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0

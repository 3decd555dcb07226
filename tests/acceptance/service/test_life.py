"""The process from its first line to its last: stopped while it starts, reloaded, frozen, as process 1."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from sandbox.elasticsearch import Server
from sandbox.elasticsearch.server.faults import Reply
from tests.support.service_harness import PATIENCE_SECONDS, ServiceHarness, until
from tests.support.service_process import ENVIRONMENT, service_process
from tests.support.shelf_source import SERVICE_TYPE

STOPPED_AT_IMPORT = """
import os, signal, sys

left = int(sys.argv.pop(1))
from ingest.__main__ import main

def stop(event, arguments):
    global left
    left -= event == "import"
    if event == "import" and left == 0:
        os.kill(os.getpid(), signal.SIGTERM)

sys.addaudithook(stop)
main()
"""


def write(folder: Path, url: str, *connectors: str, **service: Any) -> None:
    """Write a configuration with connectors that the service creates itself."""
    entries = [
        {"connector_id": name, "service_type": SERVICE_TYPE, "create": True, "index_name": name}
        for name in connectors
    ]
    settings = {"idling": 1, "job_poll_interval": 0.1, "log_format": "json", **service}
    config = {"elasticsearch": {"host": url}, "service": settings, "connectors": entries}
    (folder / "config.yml").write_text(json.dumps(config))
    (folder / "config.yml").chmod(0o600)


@pytest.mark.parametrize("nth", [1, 2, 10, 100, 300, pytest.param(600, marks=pytest.mark.sweep)])
async def test_a_stop_at_any_import_of_the_start_is_a_stop(
    tmp_path: Path, elasticsearch: Server, nth: int
) -> None:
    write(tmp_path, elasticsearch.url, "one")

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STOPPED_AT_IMPORT, str(nth), "-c", "config.yml"),
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)

    assert (process.returncode, b"Traceback" in printed) == (0, False), printed


async def logged(folder: Path, event: str, count: int = 1) -> dict[str, Any]:
    """Wait for an event in the log and return the facts of its last line."""

    async def lines() -> list[dict[str, Any]]:
        parsed = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
        return [line for line in parsed if line["event.action"] == event]

    found = await until(lines, lambda lines: len(lines) >= count)
    return dict(found[-1].get("ingest", {}))


def can_be_process_1() -> bool:
    command = ["unshare", "--fork", "--pid", "true"]
    return shutil.which("unshare") is not None and subprocess.run(command, check=False).returncode == 0


@pytest.mark.skipif(not can_be_process_1(), reason="this user cannot make a process namespace")
@pytest.mark.parametrize(
    "event", ["elasticsearch.awaited", pytest.param("service.started", marks=pytest.mark.sweep)]
)
async def test_process_1_obeys_a_stop(tmp_path: Path, elasticsearch: Server, event: str) -> None:
    if event == "elasticsearch.awaited":
        elasticsearch.faults.add(Reply(503))
    write(tmp_path, elasticsearch.url, "one")

    async with service_process(tmp_path, below=("unshare", "--fork", "--pid", "--kill-child")) as process:
        await logged(tmp_path, event)
        (first,) = psutil.Process(process.pid).children()
        first.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)

    assert code == 0


async def test_sighup_takes_over_what_can_change_and_refuses_what_is_wrong(
    tmp_path: Path, elasticsearch: Server
) -> None:
    async with aiohttp.ClientSession() as session:
        harness = ServiceHarness(elasticsearch, session)
        write(tmp_path, elasticsearch.url, "one")
        async with service_process(tmp_path) as process:
            await world_has(harness, "one")
            await logged(tmp_path, "service.started")

            write(tmp_path, elasticsearch.url, "one", "two", log_level="debug")
            process.send_signal(signal.SIGHUP)
            await world_has(harness, "two")
            reloaded = await logged(tmp_path, "config.reloaded")

            (tmp_path / "config.yml").write_text("service: {idling: soon}")
            process.send_signal(signal.SIGHUP)
            refused = await logged(tmp_path, "config.not_reloaded")

            write(tmp_path, "http://127.0.0.1:1", "one", "two", "three")
            process.send_signal(signal.SIGHUP)
            await world_has(harness, "three")
            fixed = await logged(tmp_path, "config.needs_restart")

            process.send_signal(signal.SIGTERM)
            code = await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)

    assert reloaded["connectors"] == 2
    assert any("service.idling" in problem for problem in refused["problems"])
    assert fixed["settings"] == ["elasticsearch.host"]
    assert code == 0


async def world_has(harness: ServiceHarness, connector_id: str) -> None:
    """Wait until the connector exists and describes its source."""

    async def status() -> Any:
        _, connector = await harness.request("GET", f"/_connector/{connector_id}")
        return connector.get("status")

    await until(status, lambda seen: seen == "needs_configuration")


FROZEN = """
import asyncio, re, time
from ingest import log
from ingest.service.watchdog import Watchdog

def in_python():
    while True: pass

def asleep():
    time.sleep(3600)

def in_c_with_the_lock():
    re.match("(a+)+$", "a" * 60 + "b")

async def main():
    with Watchdog(limit_seconds=lambda: 1, beat_seconds=0.1, stack_seconds=0.3) as watchdog:
        beating = asyncio.create_task(watchdog.beat())
        await asyncio.sleep(0.5)
        {how}()

log.configure("info", "json")
asyncio.run(main())
"""


@pytest.mark.parametrize("how", ["in_python", "asleep", "in_c_with_the_lock"])
def test_a_process_whose_loop_is_frozen_shows_where_and_ends(how: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FROZEN.replace("{how}", how)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert ended.returncode == 1
    assert f"in {how}" in ended.stderr
    if how != "in_c_with_the_lock":
        events = [json.loads(line)["event.action"] for line in ended.stderr.splitlines()]
        assert events == ["loop.stands_still", "loop.frozen"]

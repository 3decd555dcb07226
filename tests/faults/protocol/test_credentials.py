"""Keys that are wrong, revoked in the middle, or meant for one connector alone."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ingest.config import Config
from ingest.secret import Secret
from ingest.service import pacing
from sandbox.elasticsearch import Security, Server, User, serve
from sandbox.elasticsearch.server.faults import Reply
from sandbox.elasticsearch.server.journal import Entry
from tests.support.service_harness import CONNECTOR, ServiceHarness, config_for, entry_of, until

ROOT = Path(__file__).parents[3]
SERVICE_ROLE = {
    "cluster": ["manage_connector"],
    "indices": [{"names": [".elastic-connectors*"], "privileges": ["all"]}],
}
CONTENT_ROLE = {"cluster": ["read_pipeline"], "indices": [{"names": ["music"], "privileges": ["all"]}]}


@pytest.fixture
async def guarded() -> AsyncIterator[ServiceHarness]:
    """A harness whose Elasticsearch demands credentials; the user is its superuser."""
    headers = {"Authorization": "Basic " + base64.b64encode(b"elastic:pass").decode()}
    async with (
        serve(security=Security(users=[User("elastic", "pass")])) as server,
        aiohttp.ClientSession(headers=headers) as session,
    ):
        yield ServiceHarness(server, session)


async def key(harness: ServiceHarness, name: str, role: dict[str, Any]) -> Secret:
    answer = await harness.ok("POST", "/_security/api_key", {"name": name, "role_descriptors": {name: role}})
    return Secret(answer["encoded"])


def config_with(server: Server, service_key: Secret, content_key: Secret | None) -> Config:
    base = config_for(server)
    return replace(
        base,
        elasticsearch=replace(base.elasticsearch, api_key=service_key),
        connectors=(entry_of(CONNECTOR, api_key=content_key),),
    )


async def test_a_connectors_own_key_is_used_for_its_index_and_nothing_else(guarded: ServiceHarness) -> None:
    config = config_with(
        guarded.server, await key(guarded, "service", SERVICE_ROLE), await key(guarded, "music", CONTENT_ROLE)
    )
    async with guarded.ready(config):
        job = await guarded.until_job(await guarded.create_job(), "completed", "error")

    assert (job["status"], job["error"]) == ("completed", None)
    by_service = [entry for entry in guarded.server.journal if is_of_the_service(entry)]
    assert {entry.principal for entry in by_service if entry.path.startswith("/music")} == {"music"}
    assert {entry.principal for entry in by_service if "connector" in entry.path} == {"service"}
    refused = {entry.path for entry in by_service if entry.status in (401, 403)}
    assert refused <= {"/"}


async def test_the_documented_key_is_enough_and_nothing_is_refused_to_it(guarded: ServiceHarness) -> None:
    documented = json.loads((ROOT / "deploy" / "api-key.json").read_text())
    answer = await guarded.ok("POST", "/_security/api_key", documented)
    async with guarded.ready(config_with(guarded.server, Secret(answer["encoded"]), None)):
        job = await guarded.until_job(await guarded.create_job(), "completed", "error")

    assert (job["status"], job["error"]) == ("completed", None)
    by_service = [entry for entry in guarded.server.journal if is_of_the_service(entry)]
    assert [(one.method, one.path) for one in by_service if one.status in (401, 403)] == []


async def test_a_key_without_rights_on_the_index_ends_the_job_with_a_sentence(
    guarded: ServiceHarness,
) -> None:
    service_key = await key(guarded, "service", SERVICE_ROLE)
    async with guarded.ready(config_with(guarded.server, service_key, None)):
        job = await guarded.until_job(await guarded.create_job(), "completed", "error")

    assert job["status"] == "error"
    assert "403" in job["error"]
    assert "privilege" in job["error"]
    assert service_key.reveal() not in job["error"]


async def test_a_content_key_revoked_mid_sync_ends_the_job_and_the_service_goes_on(
    guarded: ServiceHarness,
) -> None:
    content_key = await key(guarded, "music", CONTENT_ROLE)
    config = config_with(guarded.server, await key(guarded, "service", SERVICE_ROLE), content_key)
    guarded.shelf.gate = asyncio.Event()
    async with guarded.ready(config):
        job_id = await guarded.create_job()
        await guarded.shelf.is_reading.wait()
        await guarded.ok("DELETE", "/_security/api_key", {"name": "music"})
        guarded.shelf.gate.set()
        job = await guarded.until_job(job_id, "completed", "error")
        connector = await guarded.until_connector("error")

    assert job["status"] == "error"
    assert "401" in job["error"]
    assert connector["error"] == job["error"]


async def test_a_service_key_that_stops_working_is_tried_rarely(harness: ServiceHarness) -> None:
    async with harness.ready():
        refusing = harness.server.faults.add(Reply(401), when=is_of_the_service)
        await until(lambda: number(refusing.strikes), lambda seen: seen >= 2)
        await asyncio.sleep(0.5)
        strikes = refusing.strikes
        harness.server.faults.clear()

    # Three loops and at most one tick: each tried once and then backed off to a minute.
    assert strikes <= 4


async def test_a_service_whose_key_works_again_works_again(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "LONGEST_PAUSE_SECONDS", 0.2)
    async with harness.ready():
        refusing = harness.server.faults.add(Reply(401), when=is_of_the_service)
        await until(lambda: number(refusing.strikes), lambda seen: seen >= 4)
        harness.server.faults.clear()
        job = await harness.until_job(await harness.create_job(), "completed", "error")

    assert (job["status"], job["error"]) == ("completed", None)


async def test_a_job_whose_ending_cannot_be_told_is_ended_by_the_cleanup(harness: ServiceHarness) -> None:
    """The server's clock goes ahead by the idle limit; nobody waits for it."""
    config = config_for(harness.server, job_cleanup_interval_seconds=0.1)
    harness.shelf.gate = asyncio.Event()
    async with harness.ready(config) as service:
        job_id = await harness.create_job()
        await harness.shelf.is_reading.wait()
        refused = harness.server.faults.add(Reply(403), when=lambda entry: entry.opaque_id is not None)
        harness.shelf.gate.set()
        await refused.struck()
        await until(lambda: number(len(service.queue.running)), lambda running: running == 0)
        harness.server.state.clock.offset += timedelta(seconds=2 * config.service.idle_limit_seconds)
        suspended = await harness.until_job(job_id, "suspended")
        harness.server.faults.clear()
        job = await harness.until_job(job_id, "completed", "error")

    assert suspended["metadata"]["lost_workers"] == 1
    assert (job["status"], len(job["metadata"]["attempts"])) == ("completed", 1)


def is_of_the_service(entry: Entry) -> bool:
    return entry.headers.get("User-Agent", "").startswith("elastic-ingest")


async def number(value: int) -> int:
    return value

"""The documented API key is enough, and each right of it is needed: a failure names the one missing."""

import asyncio
import base64
import copy
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import structlog

from ingest.checks.all_checks import examine
from ingest.checks.report import Severity
from ingest.config import Config
from ingest.elasticsearch.client import connect
from ingest.secret import Secret
from sandbox.elasticsearch import Security, User, serve
from tests.repo import project
from tests.support.service_harness import ServiceHarness, config_for, entry_of, until

DOCUMENTED: dict[str, Any] = json.loads((project.ROOT / "deploy/api-key.json").read_text())
PASSWORD = "the password of elastic"


@pytest.fixture
async def harness() -> AsyncIterator[ServiceHarness]:
    """A server that demands credentials, with an index and a pipeline made by somebody else."""
    security = Security([User("elastic", PASSWORD)])
    headers = {"Authorization": "Basic " + base64.b64encode(f"elastic:{PASSWORD}".encode()).decode()}
    async with serve(security=security) as server, aiohttp.ClientSession(headers=headers) as session:
        harness = ServiceHarness(server, session)
        await harness.ok("PUT", "/music", {"mappings": {"properties": {"title": {"type": "text"}}}})
        await harness.ok("PUT", "/_ingest/pipeline/polish", {"processors": []})
        await harness.create_connector()
        pipeline = {
            "name": "polish",
            "extract_binary_content": False,
            "reduce_whitespace": False,
            "run_ml_inference": False,
        }
        await harness.ok("PUT", "/_connector/my-connector-id/_pipeline", {"pipeline": pipeline})
        yield harness


def rights() -> list[tuple[str, int | None, str]]:
    """Return every right that syncing needs: where it stands, in which entry, and its name."""
    role = DOCUMENTED["role_descriptors"]["elastic-ingest"]
    return [("cluster", None, name) for name in role["cluster"] if name != "monitor"] + [
        ("indices", number, name)
        for number, entry in enumerate(role["indices"])
        for name in entry["privileges"]
    ]


def without(section: str, number: int | None, name: str) -> dict[str, Any]:
    """Return the documented key but for one right."""
    body = copy.deepcopy(DOCUMENTED)
    role = body["role_descriptors"]["elastic-ingest"]
    privileges = role[section] if number is None else role[section][number]["privileges"]
    privileges.remove(name)
    return body


async def config_with(harness: ServiceHarness, key: dict[str, Any]) -> Config:
    encoded = (await harness.ok("POST", "/_security/api_key", key))["encoded"]
    config = config_for(harness.server)
    return replace(config, elasticsearch=replace(config.elasticsearch, api_key=Secret(encoded)))


def is_refusal(line: Mapping[str, Any]) -> bool:
    """Whether a line of the log tells of an answer 403; a port may have these digits as well."""
    return re.search(r"\b403\b", str(line)) is not None


async def refusals(harness: ServiceHarness, config: Config) -> str:
    """Sync twice, with a row deleted in between; return what the service says about refusals."""
    with structlog.testing.capture_logs() as lines:

        async def story_or_refusal() -> bool:
            return story.done() or any(map(is_refusal, lines))

        try:
            async with harness.serving(config):
                story = asyncio.create_task(sync_twice(harness))
                await until(story_or_refusal, bool)
                story.cancel()
                await asyncio.wait([story])
        except ExceptionGroup as failures:
            lines.extend({"reason": str(failure)} for failure in failures.exceptions)
    return " ".join(str(line) for line in lines if is_refusal(line))


async def sync_twice(harness: ServiceHarness) -> None:
    await harness.until_connector("needs_configuration")
    await harness.configure()
    for _ in range(2):
        await harness.until_job(await harness.create_job(), "completed")
        harness.shelf.rows.popitem()


async def test_the_documented_key_is_enough(harness: ServiceHarness) -> None:
    config = await config_with(harness, DOCUMENTED)

    assert await refusals(harness, config) == ""
    assert await harness.titles() == {"one"}


async def test_the_documented_key_is_enough_to_create_a_connector_in_a_cluster_that_has_none() -> None:
    security = Security([User("elastic", PASSWORD)])
    headers = {"Authorization": "Basic " + base64.b64encode(f"elastic:{PASSWORD}".encode()).decode()}
    async with serve(security=security) as server, aiohttp.ClientSession(headers=headers) as session:
        harness = ServiceHarness(server, session)
        config = await config_with(harness, DOCUMENTED)
        entries = [entry_of(name, create=True, index_name=name) for name in ("music", "other")]
        with structlog.testing.capture_logs() as lines:
            async with harness.serving(replace(config, connectors=tuple(entries))):
                first = await until(lambda: found(harness, "music"), lambda one: one is not None)
                second = await until(lambda: found(harness, "other"), lambda one: one is not None)
                await harness.until_connector("needs_configuration", "music")
                await harness.until_connector("needs_configuration", "other")

    assert first is not None
    assert second is not None
    assert (first["index_name"], second["index_name"]) == ("music", "other")
    assert [line for line in lines if is_refusal(line)] == []


async def found(harness: ServiceHarness, connector_id: str) -> dict[str, Any] | None:
    status, answer = await harness.request("GET", f"/_connector/{connector_id}")
    return dict(answer) if status == 200 else None


@pytest.mark.parametrize(("section", "number", "name"), rights(), ids=str)
async def test_each_right_of_it_is_needed(
    harness: ServiceHarness, section: str, number: int | None, name: str
) -> None:
    config = await config_with(harness, without(section, number, name))

    assert name in await refusals(harness, config)


async def test_without_monitor_it_works_and_the_check_says_what_that_costs(harness: ServiceHarness) -> None:
    config = await config_with(harness, without("cluster", None, "monitor"))

    assert await refusals(harness, config) == ""
    async with connect(config.elasticsearch) as client:
        found = [check async for check in examine(config, client)]
    notes = [check.sentence for check in found if check.severity is Severity.NOTE]
    assert any("monitor" in sentence for sentence in notes)

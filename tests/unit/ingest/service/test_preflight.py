"""The look at Elasticsearch before the service starts."""

import re
from dataclasses import replace

import pytest

from ingest import errors
from ingest.config import Elasticsearch
from ingest.elasticsearch.client import connect
from ingest.elasticsearch.retry import Backoff
from ingest.service.preflight import preflight, require_known_version
from sandbox.elasticsearch import Server, serve
from sandbox.elasticsearch.server.faults import Reply


@pytest.mark.parametrize("number", ["8.15.0", "8.19.3", "9.0.0", "9.1.0-SNAPSHOT", "10.0.0"])
def test_versions_we_can_work_with(number: str) -> None:
    require_known_version(number)


@pytest.mark.parametrize("number", ["7.17.9", "8.14.3", "no", "nine", "9"])
def test_versions_we_cannot_work_with_are_named(number: str) -> None:
    with pytest.raises(errors.ElasticsearchRefusedError, match=re.escape(number)):
        require_known_version(number)


async def test_it_waits_until_elasticsearch_answers(elasticsearch: Server) -> None:
    down = elasticsearch.faults.add(Reply(503), times=4)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with connect(replace(Elasticsearch(), hosts=(elasticsearch.url,))) as client:
        await preflight(
            client, Elasticsearch(), Backoff(budget_seconds=240, sleep=sleep, uniform=lambda low, high: high)
        )

    assert down.strikes == 4
    assert slept == [1, 2, 4, 8]


async def test_it_gives_up_after_the_configured_wait_and_says_where() -> None:
    settings = replace(Elasticsearch(), hosts=("http://127.0.0.1:1",), max_wait_duration_seconds=0)
    async with connect(settings) as client:
        with pytest.raises(errors.ElasticsearchUnavailableError, match="max_wait_duration") as caught:
            await preflight(client, settings)

    assert "127.0.0.1:1" in str(caught.value)


async def test_a_refused_key_is_not_waited_for(elasticsearch: Server) -> None:
    elasticsearch.faults.add(Reply(401))
    async with connect(replace(Elasticsearch(), hosts=(elasticsearch.url,))) as client:
        with pytest.raises(errors.AuthorizationError):
            await preflight(client, Elasticsearch())

    assert len(elasticsearch.journal) == 1


async def test_serverless_has_no_version_worth_asking_for() -> None:
    async with (
        serve(version="8.11.0", build_flavor="serverless") as server,
        connect(replace(Elasticsearch(), hosts=(server.url,))) as client,
    ):
        await preflight(client, Elasticsearch())


async def test_an_old_elasticsearch_is_refused_with_what_to_do() -> None:
    async with (
        serve(version="8.11.0") as server,
        connect(replace(Elasticsearch(), hosts=(server.url,))) as client,
    ):
        with pytest.raises(errors.ElasticsearchRefusedError, match=r"upgrade to 8\.15"):
            await preflight(client, Elasticsearch())

"""Several nodes of one cluster: one that is dead costs a retry on another, never a job.

All the hosts here lead to one embedded server, as all nodes of a cluster lead to one state.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from ingest import errors
from ingest.config import Elasticsearch
from ingest.elasticsearch.answers import an_object
from ingest.elasticsearch.client import Client, connect
from ingest.elasticsearch.transport import Request
from sandbox.elasticsearch import Server
from tests.support.fake_transport import FakeTime
from tests.support.fault_proxy import FaultProxy
from tests.support.service_harness import ServiceHarness, config_for

DEAD = "http://127.0.0.1:1"
GET = Request(method="GET", path="/")


@asynccontextmanager
async def client_of(*hosts: str) -> AsyncIterator[Client]:
    async with connect(replace(Elasticsearch(), hosts=hosts), make_backoff=FakeTime().backoff) as client:
        yield client


def proxy_of(server: Server) -> FaultProxy:
    return FaultProxy("127.0.0.1", int(server.url.rpartition(":")[2]))


def url_of(proxy: FaultProxy) -> str:
    return f"http://{proxy.host}:{proxy.port}"


async def test_a_dead_node_is_not_even_an_attempt(elasticsearch: Server) -> None:
    async with client_of(DEAD, elasticsearch.url) as client:
        for _ in range(3):
            assert (await client.send(GET)).is_success

    assert len(elasticsearch.journal) == 3


async def test_all_nodes_dead_is_unavailable() -> None:
    async with client_of(DEAD, "http://127.0.0.1:2") as client:
        with pytest.raises(errors.ElasticsearchUnavailableError, match=r"127\.0\.0\.1:"):
            await client.call("GET", "/", an_object, budget_seconds=0)


@pytest.mark.parametrize("where", ["requests", "answers"])
async def test_a_node_that_dies_within_a_request_costs_one_retry_on_another(
    elasticsearch: Server, where: str
) -> None:
    """The request may have been applied, so the retry is another attempt."""
    async with proxy_of(elasticsearch) as dying, client_of(url_of(dying), elasticsearch.url) as client:
        direction = dying.requests if where == "requests" else dying.answers
        direction.reset_after = 0

        answer = await client.call("GET", "/", an_object, budget_seconds=5)

        assert answer["tagline"]
        assert direction.passed_bytes > 0, "the node that died was asked"


async def test_a_path_in_front_of_elasticsearch_is_kept(elasticsearch: Server) -> None:
    async with client_of(elasticsearch.url + "/es") as client:
        await client.send(replace(GET, path="/_connector/a%2Fb", params={"from": 1}))

    assert [(entry.path, dict(entry.query)) for entry in elasticsearch.journal] == [
        ("/es/_connector/a%2Fb", {"from": "1"})
    ]


async def test_a_job_completes_although_one_of_its_nodes_dies_on_the_way(harness: ServiceHarness) -> None:
    async with proxy_of(harness.server) as dying:
        config = config_for(harness.server)
        settings = replace(config.elasticsearch, hosts=(url_of(dying), harness.server.url))
        async with harness.ready(replace(config, elasticsearch=settings)):
            harness.shelf.gate = asyncio.Event()
            job_id = await harness.create_job()
            await harness.shelf.is_reading.wait()
            asked = dying.requests.passed_bytes
            await dying.down()
            harness.shelf.gate.set()

            job = await harness.until_job(job_id, "completed", "error")

    assert (job["status"], job["error"]) == ("completed", None)
    assert asked > 0, "the node that died was in use"

"""The official clients, of this major version and the last, through the APIs a connector service uses."""

import ssl
from collections.abc import AsyncIterator
from typing import Any

import elasticsearch
import elasticsearch.helpers
import elasticsearch8
import elasticsearch8.helpers
import pytest

from tests.contract.elasticsearch.api import Api

Client = elasticsearch.AsyncElasticsearch | elasticsearch8.AsyncElasticsearch

NOT_FOUND = (elasticsearch.NotFoundError, elasticsearch8.NotFoundError)
CONFLICT = (elasticsearch.ConflictError, elasticsearch8.ConflictError)


@pytest.fixture(
    params=[pytest.param(elasticsearch, marks=pytest.mark.needs("version 9")), elasticsearch8],
    ids=["elasticsearch", "elasticsearch8"],
)
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
async def client(api: Api, library: Any) -> AsyncIterator[Client]:
    headers = {"authorization": api.authorization or ""}
    options: dict[str, Any] = {"verify_certs": False} if api.url.startswith("https") else {}
    client: Client = library.AsyncElasticsearch(api.url, headers=headers, **options)
    yield client
    await client.close()


def _actions(index: str, count: int) -> list[dict[str, Any]]:
    return [{"_index": index, "_id": str(n), "_source": {"n": n}} for n in range(count)]


@pytest.mark.needs("rest-root")
async def test_info_passes_the_product_check(client: Client) -> None:
    assert (await client.info())["tagline"] == "You Know, for Search"


async def test_bulk_and_scan_give_back_what_went_in(api: Api, client: Client, library: Any) -> None:
    index = api.index()

    done, failed = await library.helpers.async_bulk(
        client, _actions(index, 250), chunk_size=100, refresh=True
    )
    found = [hit async for hit in library.helpers.async_scan(client, index=index, size=60)]

    assert (done, failed) == (250, [])
    assert {hit["_id"]: hit["_source"]["n"] for hit in found} == {str(n): n for n in range(250)}


async def test_a_bulk_item_that_fails_is_reported(api: Api, client: Client, library: Any) -> None:
    index = await api.created(mappings={"properties": {"n": {"type": "long"}}})
    actions = [*_actions(index, 2), {"_index": index, "_id": "bad", "_source": {"n": "x"}}]

    done, failed = await library.helpers.async_bulk(client, actions, raise_on_error=False)

    assert done == 2
    assert failed[0]["index"]["error"]["type"] == "document_parsing_exception"


async def test_a_point_in_time_is_iterated(api: Api, client: Client, library: Any) -> None:
    index = api.index()
    await library.helpers.async_bulk(client, _actions(index, 25), refresh=True)
    point = (await client.open_point_in_time(index=index, keep_alive="1m"))["id"]
    seen: list[int] = []
    after = None

    while True:
        answer = await client.search(
            pit={"id": point, "keep_alive": "1m"}, size=10, sort=[{"n": "desc"}], search_after=after
        )
        hits = answer["hits"]["hits"]
        if not hits:
            break
        seen += [hit["_source"]["n"] for hit in hits]
        after, point = hits[-1]["sort"], answer["pit_id"]

    assert seen == list(range(24, -1, -1))
    assert (await client.close_point_in_time(id=point))["num_freed"] == 1


async def test_a_document_is_created_updated_and_deleted(api: Api, client: Client) -> None:
    index = api.index()

    created = await client.index(index=index, id="1", document={"a": 1}, refresh=True)
    guard = {"if_seq_no": created["_seq_no"], "if_primary_term": created["_primary_term"]}
    await client.update(index=index, id="1", doc={"b": 2}, **guard)
    with pytest.raises(CONFLICT):
        await client.update(index=index, id="1", doc={"b": 3}, **guard)
    got = await client.get(index=index, id="1")
    await client.delete(index=index, id="1")

    assert got["_source"] == {"a": 1, "b": 2}
    assert not await client.exists(index=index, id="1")
    with pytest.raises(NOT_FOUND):
        await client.get(index=index, id="1")


async def test_indices_are_made_described_and_removed(api: Api, client: Client) -> None:
    index = api.index()

    await client.indices.create(index=index, mappings={"properties": {"a": {"type": "keyword"}}})
    await client.indices.put_mapping(index=index, properties={"b": {"type": "long"}})
    await client.indices.put_settings(index=index, settings={"refresh_interval": "5s"})
    await client.indices.put_alias(index=index, name=f"{index}-alias")
    described = (await client.indices.get(index=f"{index}-alias"))[index]
    await client.indices.refresh(index=index)
    statistics = await client.indices.stats(index=index)
    await client.indices.delete(index=index)

    assert described["mappings"]["properties"].keys() == {"a", "b"}
    assert described["settings"]["index"]["refresh_interval"] == "5s"
    assert statistics["indices"][index]["primaries"]["docs"]["count"] == 0
    assert not await client.indices.exists(index=index)


@pytest.mark.needs("ingest-common")
async def test_pipelines_are_put_read_simulated_and_removed(api: Api, client: Client) -> None:
    name = api.pipeline()
    processors: list[dict[str, Any]] = [{"set": {"field": "b", "value": 2}}]

    await client.ingest.put_pipeline(id=name, processors=processors)
    stored = await client.ingest.get_pipeline(id=name)
    simulated = await client.ingest.simulate(id=name, docs=[{"_source": {"a": 1}}])
    await client.ingest.delete_pipeline(id=name)

    assert stored[name]["processors"] == processors
    assert simulated["docs"][0]["doc"]["_source"] == {"a": 1, "b": 2}


async def test_a_key_made_by_the_client_authenticates(api: Api, client: Client, library: Any) -> None:
    created = await client.security.create_api_key(name="contract-client", expiration="1h")
    options: dict[str, Any] = {"ssl_context": ssl._create_unverified_context()} if "https" in api.url else {}

    for key in (created["encoded"], (created["id"], created["api_key"])):
        async with library.AsyncElasticsearch(api.url, api_key=key, **options) as other:
            assert (await other.security.authenticate())["api_key"]["id"] == created["id"]
    await client.security.invalidate_api_key(ids=[created["id"]])


@pytest.mark.needs("reindex")
async def test_by_query_count_and_mget(api: Api, client: Client, library: Any) -> None:
    index = api.index()
    await library.helpers.async_bulk(client, _actions(index, 10), refresh=True)

    updated = await client.update_by_query(
        index=index, query={"range": {"n": {"lt": 3}}}, script={"source": "ctx._source.m = 1"}, refresh=True
    )
    deleted = await client.delete_by_query(index=index, query={"term": {"n": 9}}, refresh=True)

    assert (updated["updated"], deleted["deleted"]) == (3, 1)
    assert (await client.count(index=index, query={"term": {"m": 1}}))["count"] == 3
    got = await client.mget(index=index, ids=["1", "9"])
    assert [document["found"] for document in got["docs"]] == [True, False]

"""The official clients, of this major version and the last, through every route of `client.connector`."""

from collections.abc import AsyncIterator
from typing import Any

import elasticsearch
import elasticsearch8
import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi

pytestmark = [
    # The clients warn that these APIs are in beta.
    pytest.mark.filterwarnings("ignore::elasticsearch.exceptions.GeneralAvailabilityWarning"),
    pytest.mark.filterwarnings("ignore::elasticsearch8.exceptions.GeneralAvailabilityWarning"),
]

Client = elasticsearch.AsyncElasticsearch | elasticsearch8.AsyncElasticsearch

MISSING = (elasticsearch.NotFoundError, elasticsearch8.NotFoundError)
REFUSED = (elasticsearch.BadRequestError, elasticsearch8.BadRequestError)

DATE = "2023-06-25T12:30:00.000Z"
DEFAULT_RULE = {
    "created_at": DATE,
    "field": "_",
    "id": "DEFAULT",
    "order": 0,
    "policy": "include",
    "rule": "regex",
    "updated_at": DATE,
    "value": ".*",
}
SNIPPET = {"created_at": DATE, "updated_at": DATE, "value": [{"tables": ["some_table"], "query": "SELECT 1"}]}


@pytest.fixture(params=[elasticsearch, elasticsearch8], ids=["elasticsearch", "elasticsearch8"])
async def client(api: ConnectorApi, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    headers = {"authorization": api.admin.authorization or ""}
    client: Client = request.param.AsyncElasticsearch(api.admin.url, headers=headers)
    async with client:
        yield client


@pytest.fixture
async def connector_id(api: ConnectorApi) -> str:
    return await api.connector()


async def stored(client: Client, connector_id: str) -> Any:
    return (await client.connector.get(connector_id=connector_id)).body


async def test_a_connector_is_created_checked_in_listed_and_deleted(
    api: ConnectorApi, client: Client
) -> None:
    put = await client.connector.put(connector_id=await api.connector("put"), name="replaced")
    assert (put["result"], put.meta.status) == ("updated", 200)

    post = await client.connector.post(
        index_name=api.unique("search-post"), name="posted", language="en", service_type="super-connector"
    )
    assert (post["result"], post.meta.status) == ("created", 201)
    connector_id = post["id"]

    assert (await client.connector.check_in(connector_id=connector_id))["result"] == "updated"
    assert (await stored(client, connector_id))["last_seen"]
    listed = await client.connector.list(
        index_name=[api.unique("search-post")], service_type="super-connector", from_=0, size=5
    )
    assert [each["id"] for each in listed["results"]] == [connector_id]

    assert (await client.connector.delete(connector_id=connector_id))["acknowledged"] is True
    with pytest.raises(MISSING):
        await client.connector.get(connector_id=connector_id)


async def test_a_soft_deleted_connector_is_read_and_deleted_for_good(
    api: ConnectorApi, connector_id: str
) -> None:
    # The client of version 8 has no parameters for this.
    headers = {"authorization": api.admin.authorization or ""}
    async with elasticsearch.AsyncElasticsearch(api.admin.url, headers=headers) as client:
        await client.connector.delete(connector_id=connector_id)
        hidden = await client.connector.get(connector_id=connector_id, include_deleted=True)
        assert hidden["deleted"] is True

        await client.connector.delete(connector_id=connector_id, hard=True, delete_sync_jobs=True)
        with pytest.raises(MISSING):
            await client.connector.get(connector_id=connector_id, include_deleted=True)


async def test_every_part_of_a_connector_is_updated(
    api: ConnectorApi, client: Client, connector_id: str
) -> None:
    pipeline = {
        "extract_binary_content": True,
        "name": "test-pipeline",
        "reduce_whitespace": True,
        "run_ml_inference": False,
    }
    full = {"enabled": True, "interval": "0 0 1 * * ?"}
    connector = client.connector

    await connector.update_name(connector_id=connector_id, name="name", description="described")
    await connector.update_configuration(
        connector_id=connector_id, configuration={"host": {"label": "Host", "type": "str"}}
    )
    await connector.update_configuration(connector_id=connector_id, values={"host": "localhost"})
    await connector.update_pipeline(connector_id=connector_id, pipeline=pipeline)
    await connector.update_scheduling(connector_id=connector_id, scheduling={"full": full})
    await connector.update_features(
        connector_id=connector_id, features={"sync_rules": {"basic": {"enabled": True}}}
    )
    await connector.update_api_key_id(connector_id=connector_id, api_key_id="key", api_key_secret_id="secret")
    await connector.update_index_name(connector_id=connector_id, index_name=api.unique("content-test"))
    await connector.update_native(connector_id=connector_id, is_native=True)
    await connector.last_sync(
        connector_id=connector_id, last_synced=DATE, last_sync_status="completed", sync_cursor={"at": 1}
    )

    document = await stored(client, connector_id)
    assert (document["name"], document["description"]) == ("name", "described")
    assert document["configuration"]["host"]["value"] == "localhost"
    assert (document["pipeline"], document["scheduling"]["full"]) == (pipeline, full)
    assert document["features"] == {"sync_rules": {"basic": {"enabled": True}}}
    assert (document["api_key_id"], document["api_key_secret_id"]) == ("key", "secret")
    assert (document["index_name"], document["is_native"]) == (api.unique("content-test"), True)
    assert (document["last_synced"], document["last_sync_status"]) == (DATE, "completed")
    assert document["sync_cursor"] == {"at": 1}


async def test_the_status_follows_its_machine(client: Client, connector_id: str) -> None:
    connector = client.connector

    await connector.update_configuration(connector_id=connector_id, configuration={})
    await connector.update_status(connector_id=connector_id, status="needs_configuration")
    assert (await stored(client, connector_id))["status"] == "needs_configuration"
    with pytest.raises(REFUSED):
        await connector.update_status(connector_id=connector_id, status="connected")

    await connector.update_error(connector_id=connector_id, error="oh no")
    assert (await stored(client, connector_id))["status"] == "error"
    await connector.update_service_type(connector_id=connector_id, service_type="another")
    assert (await stored(client, connector_id))["status"] == "needs_configuration"


async def test_a_draft_is_edited_validated_and_activated(client: Client, connector_id: str) -> None:
    connector = client.connector

    await connector.update_filtering(
        connector_id=connector_id, rules=[DEFAULT_RULE], advanced_snippet=SNIPPET
    )
    await connector.update_filtering_validation(
        connector_id=connector_id, validation={"errors": [], "state": "valid"}
    )
    await connector.update_active_filtering(connector_id=connector_id)

    [entry] = (await stored(client, connector_id))["filtering"]
    for version in (entry["draft"], entry["active"]):
        assert version["advanced_snippet"] == SNIPPET
        assert version["rules"] == [DEFAULT_RULE]
        assert version["validation"] == {"errors": [], "state": "valid"}


async def test_a_sync_job_is_created_worked_on_and_deleted(client: Client, connector_id: str) -> None:
    connector = client.connector
    created = await connector.sync_job_post(id=connector_id, job_type="full", trigger_method="on_demand")
    job_id = created["id"]
    assert created.meta.status == 201

    await connector.sync_job_claim(
        connector_sync_job_id=job_id, worker_hostname="host", sync_cursor={"at": 1}
    )
    await connector.sync_job_check_in(connector_sync_job_id=job_id)
    await connector.sync_job_update_stats(
        connector_sync_job_id=job_id,
        deleted_document_count=1,
        indexed_document_count=2,
        indexed_document_volume=3,
        total_document_count=4,
        metadata={"key": "value"},
    )
    await connector.sync_job_error(connector_sync_job_id=job_id, error="oh no")

    job = await connector.sync_job_get(connector_sync_job_id=job_id)
    assert (job["status"], job["error"], job["worker_hostname"]) == ("error", "oh no", "host")
    assert (job["indexed_document_count"], job["metadata"]) == (2, {"key": "value"})
    listed = await connector.sync_job_list(connector_id=connector_id, status="error", job_type=["full"])
    assert [each["id"] for each in listed["results"]] == [job_id]
    assert (await connector.sync_job_delete(connector_sync_job_id=job_id))["acknowledged"] is True
    with pytest.raises(MISSING):
        await connector.sync_job_get(connector_sync_job_id=job_id)


async def test_a_canceled_sync_job_still_takes_stats_and_a_claim(client: Client, connector_id: str) -> None:
    connector = client.connector
    job_id = (await connector.sync_job_post(id=connector_id))["id"]

    await connector.sync_job_cancel(connector_sync_job_id=job_id)
    await connector.sync_job_update_stats(
        connector_sync_job_id=job_id,
        deleted_document_count=10,
        indexed_document_count=20,
        indexed_document_volume=1000,
    )
    claimed = await connector.sync_job_claim(connector_sync_job_id=job_id, worker_hostname="host")

    assert claimed["result"] == "updated"
    assert (await connector.sync_job_get(connector_sync_job_id=job_id))["status"] == "in_progress"


async def test_the_client_reads_the_same_documents_from_the_index(client: Client, connector_id: str) -> None:
    document = await client.get(index=".elastic-connectors", id=connector_id)

    assert {"id": connector_id, **document["_source"]} == await stored(client, connector_id)

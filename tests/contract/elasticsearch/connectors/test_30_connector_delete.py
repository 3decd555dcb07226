"""Deleting connectors, softly and for good."""

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi


@pytest.fixture
async def connector_id(api: ConnectorApi) -> str:
    return await api.connector("test-connector-to-delete")


async def jobs(api: ConnectorApi, connector_id: str) -> int:
    reply = await api.admin.get(f"/_connector/_sync_job?connector_id={connector_id}")
    assert reply.status == 200
    return int(reply.body["count"])


async def test_delete_connector(api: ConnectorApi, connector_id: str) -> None:
    reply = await api.admin.delete(f"/_connector/{connector_id}")

    assert reply == (200, {"acknowledged": True})
    missing = await api.admin.get(f"/_connector/{connector_id}")
    assert (missing.status, missing.error_type) == (404, "resource_not_found_exception")
    assert missing.reason == f"connector [{connector_id}] not found"


async def test_delete_connector_hard_delete(api: ConnectorApi, connector_id: str) -> None:
    reply = await api.admin.delete(f"/_connector/{connector_id}?hard=true")

    assert reply == (200, {"acknowledged": True})
    assert (await api.admin.get(f"/_connector/{connector_id}?include_deleted=true")).status == 404


async def test_delete_connector_hard_delete_of_a_soft_deleted_one(
    api: ConnectorApi, connector_id: str
) -> None:
    await api.admin.delete(f"/_connector/{connector_id}")

    assert (await api.admin.delete(f"/_connector/{connector_id}")).status == 404
    assert (await api.admin.delete(f"/_connector/{connector_id}?hard=true")).status == 200
    assert (await api.admin.get(f"/_connector/{connector_id}?include_deleted=true")).status == 404


async def test_delete_connector_deletes_associated_sync_jobs(api: ConnectorApi, connector_id: str) -> None:
    for _ in range(3):
        await api.sync_job(connector_id)

    reply = await api.admin.delete(f"/_connector/{connector_id}?delete_sync_jobs=true")

    assert reply == (200, {"acknowledged": True})
    assert await jobs(api, connector_id) == 0


async def test_delete_connector_doesnt_associated_sync_jobs_when_delete_sync_jobs_is_false(
    api: ConnectorApi, connector_id: str
) -> None:
    await api.sync_job(connector_id)

    reply = await api.admin.delete(f"/_connector/{connector_id}?delete_sync_jobs=false")

    assert reply == (200, {"acknowledged": True})
    assert await jobs(api, connector_id) == 1


async def test_delete_connector_connector_does_not_exist(api: ConnectorApi) -> None:
    connector_id = api.unique("nobody")

    for parameters in ("", "?hard=true"):
        reply = await api.admin.delete(f"/_connector/{connector_id}{parameters}")

        assert (reply.status, reply.reason) == (404, f"connector [{connector_id}] not found")


async def test_delete_connector_supports_soft_deletes(api: ConnectorApi, connector_id: str) -> None:
    before = await api.read(connector_id)

    await api.admin.delete(f"/_connector/{connector_id}")

    assert (await api.admin.get(f"/_connector/{connector_id}")).status == 404
    reply = await api.admin.get(f"/_connector/{connector_id}?include_deleted=true")
    assert reply == (200, {**before, "deleted": True})


async def test_delete_connector_fails_for_unprivileged_user(api: ConnectorApi, connector_id: str) -> None:
    reader = await api.read_only()

    refused = await reader.delete(f"/_connector/{connector_id}")

    assert (refused.status, refused.error_type) == (403, "security_exception")
    assert (await api.admin.delete(f"/_connector/{connector_id}")).status == 200

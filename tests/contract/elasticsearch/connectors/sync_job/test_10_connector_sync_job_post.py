"""Creating sync jobs."""

from typing import Any

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi

DATE = "2023-05-25T12:30:00.000Z"

COUNTERS = {
    "deleted_document_count": 0,
    "indexed_document_count": 0,
    "indexed_document_volume": 0,
    "total_document_count": 0,
}


def rules(rule_id: str) -> dict[str, Any]:
    rule = {
        "created_at": DATE,
        "field": "_",
        "id": rule_id,
        "order": 0,
        "policy": "include",
        "rule": "regex",
        "updated_at": DATE,
        "value": ".*",
    }
    return {
        "advanced_snippet": {"created_at": DATE, "updated_at": DATE, "value": {}},
        "rules": [rule],
        "validation": {"errors": [], "state": "valid"},
    }


async def test_create_connector_sync_job(api: ConnectorApi, connector_id: str) -> None:
    job_id = await api.sync_job(connector_id, job_type="full", trigger_method="on_demand")

    job = await api.read_job(job_id)
    assert next(iter(job)) == "id"
    assert job["id"] == job_id
    assert job["connector"]["id"] == connector_id
    assert (job["job_type"], job["trigger_method"], job["status"]) == ("full", "on_demand", "pending")
    assert {name: job[name] for name in COUNTERS} == COUNTERS
    assert job["metadata"] == {}
    assert job["created_at"] == job["last_seen"]


async def test_create_connector_sync_job_keeps_what_the_job_needs_of_the_connector(
    api: ConnectorApi, connector_id: str
) -> None:
    connector = await api.read(connector_id)

    job = await api.read_job(await api.sync_job(connector_id))

    assert job["connector"] == {
        "id": connector_id,
        "filtering": connector["filtering"][0]["active"],
        "index_name": api.unique("search-test"),
        "language": "de",
        "service_type": "super-connector",
        "configuration": {},
    }


async def test_create_connector_sync_job_the_snapshot_is_never_refreshed(
    api: ConnectorApi, connector_id: str
) -> None:
    job_id = await api.sync_job(connector_id)

    await api.updated(connector_id, "_service_type", {"service_type": "another"})

    assert (await api.read_job(job_id))["connector"]["service_type"] == "super-connector"


async def test_create_connector_sync_job_with_filtering(api: ConnectorApi, connector_id: str) -> None:
    filtering = [
        {"active": rules("RULE-ACTIVE-0"), "domain": "DEFAULT", "draft": rules("RULE-DRAFT-0")},
        {"active": rules("RULE-ACTIVE-1"), "domain": "TEST", "draft": rules("RULE-DRAFT-1")},
    ]
    await api.updated(connector_id, "_filtering", {"filtering": filtering})

    job = await api.read_job(await api.sync_job(connector_id))

    snapshot = job["connector"]["filtering"]
    assert snapshot["rules"][0]["id"] == "RULE-ACTIVE-0"
    assert snapshot["rules"][0]["rule"] == "regex"
    assert snapshot["validation"]["state"] == "valid"
    assert snapshot["advanced_snippet"]["created_at"] == DATE


async def test_create_connector_sync_job_with_complex_connector_document(
    api: ConnectorApi, connector_id: str
) -> None:
    pipeline = {
        "extract_binary_content": True,
        "name": "test-pipeline",
        "reduce_whitespace": True,
        "run_ml_inference": False,
    }
    await api.updated(connector_id, "_pipeline", {"pipeline": pipeline})
    configuration = {"some_field": {"label": "Very important field", "value": 456}}
    await api.updated(connector_id, "_configuration", {"configuration": configuration})

    job = await api.read_job(await api.sync_job(connector_id))

    assert job["connector"]["configuration"]["some_field"]["value"] == 456
    assert job["connector"]["pipeline"] == pipeline


async def test_create_connector_sync_job_with_missing_job_type_expect_job_type_full_as_default(
    api: ConnectorApi, connector_id: str
) -> None:
    job = await api.read_job(await api.sync_job(connector_id, trigger_method="on_demand"))

    assert (job["job_type"], job["trigger_method"], job["status"]) == ("full", "on_demand", "pending")
    assert {name: job[name] for name in COUNTERS} == COUNTERS
    assert job["created_at"]
    assert job["last_seen"]


async def test_create_connector_sync_job_with_missing_trigger_method_expect_trigger_method_on_demand_as_default(  # noqa: E501 - the published name
    api: ConnectorApi, connector_id: str
) -> None:
    job = await api.read_job(await api.sync_job(connector_id, job_type="full"))

    assert (job["job_type"], job["trigger_method"], job["status"]) == ("full", "on_demand", "pending")
    assert {name: job[name] for name in COUNTERS} == COUNTERS


async def test_create_connector_sync_job_of_access_control_writes_to_its_own_index(
    api: ConnectorApi, connector_id: str
) -> None:
    job = await api.read_job(await api.sync_job(connector_id, job_type="Access_Control"))

    assert job["job_type"] == "access_control"
    assert job["connector"]["index_name"] == f".search-acl-filter-{api.unique('search-test')}"


async def test_create_connector_sync_job_with_non_existing_connector_id(
    api: ConnectorApi, connector_id: str
) -> None:
    nobody = api.unique("nobody")

    reply = await api.admin.post("/_connector/_sync_job", {"id": nobody})

    assert (reply.status, reply.error_type) == (404, "resource_not_found_exception")
    assert reply.reason == f"Connector with id '{nobody}' does not exist."


async def test_create_connector_sync_job_with_a_soft_deleted_connector(
    api: ConnectorApi, connector_id: str
) -> None:
    await api.admin.delete(f"/_connector/{connector_id}")

    assert (await api.read_job(await api.sync_job(connector_id)))["status"] == "pending"


async def test_create_connector_sync_job_with_invalid_job_type(api: ConnectorApi, connector_id: str) -> None:
    body = {"id": connector_id, "job_type": "invalid_job_type", "trigger_method": "on_demand"}

    reply = await api.admin.post("/_connector/_sync_job", body)

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    assert reply.innermost_reason == "Unknown ConnectorSyncJobType [invalid_job_type]."


async def test_create_connector_sync_job_with_invalid_trigger_method(
    api: ConnectorApi, connector_id: str
) -> None:
    body = {"id": connector_id, "job_type": "full", "trigger_method": "invalid_trigger_method"}

    reply = await api.admin.post("/_connector/_sync_job", body)

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")


async def test_create_connector_sync_job_with_no_index_attached(api: ConnectorApi) -> None:
    detached = await api.create("test-connector-detached-index", {"service_type": "super-connector"})

    as_published = await api.admin.post(
        "/_connector/_sync_job", {"id": detached, "job_type": "full", "trigger_method": "full"}
    )
    otherwise_fine = await api.admin.post("/_connector/_sync_job", {"id": detached})

    assert as_published.status == 400
    assert (otherwise_fine.status, otherwise_fine.error_type) == (400, "status_exception")
    assert otherwise_fine.reason == (
        f"Cannot start a sync for connector [{detached}] with no index attached. Set the [index_name] "
        "property for the connector to enable syncing data."
    )


async def test_create_connector_sync_job_with_no_service_type(api: ConnectorApi) -> None:
    untyped = await api.create("test-connector-no-service-type", {"index_name": api.unique("search-untyped")})

    as_published = await api.admin.post(
        "/_connector/_sync_job", {"id": untyped, "job_type": "full", "trigger_method": "full"}
    )
    otherwise_fine = await api.admin.post("/_connector/_sync_job", {"id": untyped})

    assert as_published.status == 400
    assert (otherwise_fine.status, otherwise_fine.error_type) == (400, "status_exception")
    assert otherwise_fine.reason == (
        f"Cannot start a sync for connector [{untyped}] with [service_type] not defined. Set the service "
        "type of your connector before starting the sync."
    )


@pytest.mark.parametrize(
    ("body", "error_type", "reason"),
    [
        ({}, "illegal_argument_exception", "Required [id]"),
        (
            {"id": ""},
            "action_request_validation_exception",
            "Validation Failed: 1: [id] of the connector cannot be null or empty;",
        ),
    ],
)
async def test_create_connector_sync_job_without_a_connector_id(
    api: ConnectorApi, body: dict[str, Any], error_type: str, reason: str
) -> None:
    reply = await api.admin.post("/_connector/_sync_job", body)

    assert (reply.status, reply.error_type, reply.reason) == (400, error_type, reason)


async def test_create_connector_sync_job_fails_for_unprivileged_user(
    api: ConnectorApi, connector_id: str
) -> None:
    reader = await api.read_only()

    reply = await reader.post("/_connector/_sync_job", {"id": connector_id})

    assert (reply.status, reply.error_type) == (403, "security_exception")

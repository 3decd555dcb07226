"""The worker's counters."""

from typing import Any

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi

MANDATORY = {"deleted_document_count": 10, "indexed_document_count": 20, "indexed_document_volume": 1000}


@pytest.fixture
async def job_id(api: ConnectorApi, connector_id: str) -> str:
    return await api.sync_job(connector_id)


async def refused(api: ConnectorApi, job_id: str, **changes: Any) -> tuple[int, str, str]:
    before = await api.read_job(job_id)
    reply = await api.update_job(job_id, "_stats", {**MANDATORY, **changes})
    assert await api.read_job(job_id) == before
    return reply.status, reply.error_type, reply.reason


def negative(name: str) -> tuple[int, str, str]:
    reason = f"Validation Failed: 1: [{name}] cannot be negative.;"
    return 400, "action_request_validation_exception", reason


async def test_update_the_ingestion_stats_for_a_connector_sync_job_only_mandatory_parameters(
    api: ConnectorApi, job_id: str
) -> None:
    before = (await api.read_job(job_id))["last_seen"]

    await api.updated_job(job_id, "_stats", MANDATORY)

    job = await api.read_job(job_id)
    assert {name: job[name] for name in MANDATORY} == MANDATORY
    assert before < job["last_seen"]
    assert (job["status"], job["total_document_count"]) == ("pending", 0)


async def test_update_the_ingestion_stats_for_a_connector_sync_job_negative_deleted_document_count_error(
    api: ConnectorApi, job_id: str
) -> None:
    assert await refused(api, job_id, deleted_document_count=-10) == negative("deleted_document_count")


async def test_update_the_ingestion_stats_for_a_connector_sync_job_negative_indexed_document_count_error(
    api: ConnectorApi, job_id: str
) -> None:
    assert await refused(api, job_id, indexed_document_count=-20) == negative("indexed_document_count")


async def test_update_the_ingestion_stats_for_a_connector_sync_job_negative_indexed_document_volume_error(
    api: ConnectorApi, job_id: str
) -> None:
    assert await refused(api, job_id, indexed_document_volume=-1000) == negative("indexed_document_volume")


async def test_update_the_ingestion_stats_for_a_connector_sync_job_negative_optional_total_document_count_error(  # noqa: E501 - the published name
    api: ConnectorApi, job_id: str
) -> None:
    assert await refused(api, job_id, total_document_count=-10) == negative("total_document_count")


async def test_update_the_ingestion_stats_for_a_connector_sync_job_with_optional_total_document_count(
    api: ConnectorApi, job_id: str
) -> None:
    await api.updated_job(job_id, "_stats", {**MANDATORY, "total_document_count": 20})

    assert (await api.read_job(job_id))["total_document_count"] == 20


async def test_update_the_ingestion_stats_for_a_connector_sync_job_with_optional_last_seen(
    api: ConnectorApi, job_id: str
) -> None:
    last_seen = "2023-12-04T08:45:50.567149Z"

    await api.updated_job(job_id, "_stats", {**MANDATORY, "last_seen": last_seen})

    assert (await api.read_job(job_id))["last_seen"] == last_seen


async def test_update_the_ingestion_stats_for_a_connector_sync_job_with_optional_metadata(
    api: ConnectorApi, job_id: str
) -> None:
    await api.updated_job(job_id, "_stats", {**MANDATORY, "metadata": {"key1": 1}})
    await api.updated_job(job_id, "_stats", {**MANDATORY, "metadata": {"key2": 2}})

    assert (await api.read_job(job_id))["metadata"] == {"key1": 1, "key2": 2}


async def test_update_the_ingestion_stats_for_a_connector_sync_job_metadata_wrong_type_string(
    api: ConnectorApi, job_id: str
) -> None:
    status, error_type, reason = await refused(api, job_id, metadata="abc")

    assert (status, error_type) == (400, "x_content_parse_exception")
    assert reason.endswith("metadata doesn't support values of type: VALUE_STRING")


async def test_update_the_ingestion_stats_for_a_connector_sync_job_metadata_wrong_type_number(
    api: ConnectorApi, job_id: str
) -> None:
    status, error_type, reason = await refused(api, job_id, metadata=42)

    assert (status, error_type) == (400, "x_content_parse_exception")
    assert reason.endswith("metadata doesn't support values of type: VALUE_NUMBER")


async def test_update_the_ingestion_stats_for_a_connector_sync_job_mandatory_parameters_are_missing(
    api: ConnectorApi, job_id: str
) -> None:
    reply = await api.update_job(job_id, "_stats", {"indexed_document_count": 1})

    assert (reply.status, reply.reason) == (400, "Required [deleted_document_count, indexed_document_volume]")


async def test_update_the_ingestion_stats_for_a_connector_sync_job_count_too_large_for_the_index(
    api: ConnectorApi, job_id: str
) -> None:
    status, error_type, _ = await refused(api, job_id, indexed_document_count=2**31)

    assert (status, error_type) == (400, "document_parsing_exception")


async def test_update_the_ingestion_stats_for_a_connector_sync_job_connector_sync_job_does_not_exist(
    api: ConnectorApi, job_id: str
) -> None:
    nothing = api.unique("nothing")

    reply = await api.update_job(nothing, "_stats", MANDATORY)

    assert (reply.status, reply.reason) == (404, f"connector sync job [{nothing}] not found")

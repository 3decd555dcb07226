"""A connector that Elastic's own service has set up and synced is taken over with its index, as it is."""

from typing import Any

import pytest

from ingest.protocol import CONNECTORS_INDEX
from sandbox.postgresql import Cluster
from sources.fields import PROPERTY_DEFAULTS
from sources.registry import SOURCES
from tests.support.service_harness import CONNECTOR, ServiceHarness, until

ALBUMS = 40
LABELS = {
    "host": "Host", "port": "Port", "username": "Username", "password": "Password",
    "database": "Database", "schema": "Schema", "tables": "Comma-separated list of tables",
    "fetch_size": "Rows fetched per request", "retry_count": "Retries per request",
    "ssl_enabled": "Enable SSL verification", "ssl_ca": "SSL certificate",
}  # fmt: skip


@pytest.fixture
def albums(cluster: Cluster) -> Cluster:
    """A table as both services see it."""
    cluster.execute("DROP DATABASE IF EXISTS takeover")
    cluster.execute("CREATE DATABASE takeover")
    cluster.execute(
        "CREATE TABLE album (album_id int PRIMARY KEY, title text);"
        f"INSERT INTO album SELECT n, 'title ' || n FROM generate_series(1, {ALBUMS}) n",
        database="takeover",
    )
    return cluster


def configuration_of(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """The configuration as Elastic's service registers it and a person fills it in."""
    values: dict[str, Any] = {
        "host": cluster.host, "port": cluster.port, "username": cluster.user, "password": cluster.password,
        "database": "takeover", "schema": "public", "tables": "album", "fetch_size": 50, "retry_count": 3,
        "ssl_enabled": False, "ssl_ca": "",
    }  # fmt: skip
    return {
        name: {**PROPERTY_DEFAULTS, "label": LABELS[name], "order": order, "value": value}
        for order, (name, value) in enumerate(values.items(), 1)
    }


def document(number: int) -> dict[str, Any]:
    """A row as Elastic's service writes it: no content hash, its own timestamp, the pipeline's flags."""
    return {
        "public_album_album_id": number,
        "public_album_title": f"title {number}",
        "database": "takeover",
        "schema": "public",
        "table": "album",
        "id": f"takeover_public_album_{number}",
        "_timestamp": "2024-05-05T12:00:00+00:00",
        "_extract_binary_content": True,
        "_reduce_whitespace": True,
        "_run_ml_inference": True,
    }


async def set_up(harness: ServiceHarness, cluster: Cluster) -> dict[str, Any]:
    """Leave connector and index as that service leaves them; return the connector."""
    await harness.create_connector()
    await harness.write(
        CONNECTORS_INDEX,
        CONNECTOR,
        {
            "configuration": configuration_of(cluster),
            "status": "connected",
            "error": None,
            "last_sync_status": "completed",
            "last_sync_error": None,
            "last_synced": "2024-05-05T12:00:00.000000+00:00",
            "last_sync_scheduled_at": "2024-05-05T12:00:00+00:00",
            "last_indexed_document_count": ALBUMS,
            "last_deleted_document_count": 0,
            "last_seen": "2024-05-05T12:00:00.000000+00:00",
            "sync_cursor": None,
            "features": {
                "document_level_security": {"enabled": False},
                "incremental_sync": {"enabled": False},
                "sync_rules": {"advanced": {"enabled": True}, "basic": {"enabled": True}},
            },
        },
    )
    for number in range(1, ALBUMS + 2):  # One more than there are rows: a row deleted since.
        await harness.ok("PUT", f"/music/_doc/takeover_public_album_{number}", document(number))
    await harness.ok("POST", "/music/_refresh")
    return await harness.connector()


async def test_it_is_taken_over_and_unchanged_documents_are_written_once(
    harness: ServiceHarness, albums: Cluster
) -> None:
    before = await set_up(harness, albums)
    async with harness.serving(sources=SOURCES):
        first = await harness.until_job(await harness.create_job(), "completed", "error")
        second = await harness.until_job(await harness.create_job(), "completed", "error")
        after = await until(harness.connector, lambda one: one["last_sync_status"] == "completed")
    stored = await harness.ok("GET", "/music/_doc/takeover_public_album_7")

    assert (first["error"], first["indexed_document_count"], first["deleted_document_count"]) == (
        None,
        ALBUMS,
        1,
    )
    assert first["metadata"]["counts"]["created"] == 0
    assert (second["error"], second["indexed_document_count"], second["deleted_document_count"]) == (
        None,
        0,
        0,
    )
    assert second["total_document_count"] == ALBUMS
    assert stored["_source"]["public_album_title"] == "title 7"
    values = {name: field["value"] for name, field in before["configuration"].items()}
    assert {name: after["configuration"][name]["value"] for name in values} == values
    assert {name: after["configuration"][name]["label"] for name in LABELS} == LABELS
    assert (after["status"], after["error"]) == ("connected", None)

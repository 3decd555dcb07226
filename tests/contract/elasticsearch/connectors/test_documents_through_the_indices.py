"""The documents behind the routes are ordinary documents: what one side writes, the other side sees.

These are the calls a connector service makes beside the routes, because no route does what it needs.
"""

from typing import Any

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi

CONNECTORS = ".elastic-connectors"
JOBS = ".elastic-connectors-sync-jobs"


async def document(api: ConnectorApi, index: str, document_id: str) -> Any:
    reply = await api.admin.get(f"/{index}/_doc/{document_id}")
    assert reply.status == 200, reply
    return reply.body


async def guarded(api: ConnectorApi, connector_id: str, seen: Any, doc: dict[str, Any]) -> int:
    guard = f"if_seq_no={seen['_seq_no']}&if_primary_term={seen['_primary_term']}&refresh=true"
    reply = await api.admin.post(f"/{CONNECTORS}/_update/{connector_id}?{guard}", {"doc": doc})
    return reply.status


async def found(api: ConnectorApi, index: str, body: dict[str, Any]) -> list[str]:
    reply = await api.admin.post(f"/{index}/_search?expand_wildcards=hidden", body)
    assert reply.status == 200, reply
    return [each["_id"] for each in reply.body["hits"]["hits"]]


@pytest.mark.parametrize("index", [CONNECTORS, f"{CONNECTORS}-v1"])
async def test_a_connector_is_a_document_without_its_id(api: ConnectorApi, index: str) -> None:
    connector_id = await api.connector()

    stored = await document(api, index, connector_id)

    assert stored["_index"] == f"{CONNECTORS}-v1"
    assert "id" not in stored["_source"]
    assert {"id": connector_id, **stored["_source"]} == await api.read(connector_id)


@pytest.mark.parametrize("index", [JOBS, f"{JOBS}-v1"])
async def test_a_sync_job_is_a_document_without_its_id(api: ConnectorApi, index: str) -> None:
    job_id = await api.sync_job(await api.connector())

    stored = await document(api, index, job_id)

    assert {"id": job_id, **stored["_source"]} == await api.read_job(job_id)


async def test_a_service_registers_its_schema_in_one_guarded_write(api: ConnectorApi) -> None:
    connector_id = await api.create("registered", {"index_name": api.unique("search")})
    seen = await document(api, CONNECTORS, connector_id)
    registration = {
        "configuration": {"host": {"label": "Host", "order": 1, "type": "str", "value": "localhost"}},
        "service_type": "postgresql",
        "features": {"sync_rules": {"basic": {"enabled": True}}},
        "status": "needs_configuration",
    }

    assert await guarded(api, connector_id, seen, registration) == 200

    stored = await api.read(connector_id)
    assert {name: stored[name] for name in registration} == registration
    await api.updated(connector_id, "_configuration", {"values": {"host": "example.org"}})
    job = await api.read_job(await api.sync_job(connector_id))
    assert job["connector"]["configuration"]["host"] == {
        "default_value": None,
        "label": "Host",
        "order": 1,
        "required": False,
        "sensitive": False,
        "type": "str",
        "value": "example.org",
    }


async def test_a_guarded_write_loses_against_a_route(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    seen = await document(api, CONNECTORS, connector_id)
    await api.updated(connector_id, "_check_in")

    assert await guarded(api, connector_id, seen, {"last_sync_status": "in_progress"}) == 409

    assert "last_sync_status" not in await api.read(connector_id)


async def test_a_route_that_changes_nothing_leaves_the_sequence_number(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    await api.updated(connector_id, "_name", {"name": "same"})
    seen = await document(api, CONNECTORS, connector_id)

    assert await api.update(connector_id, "_name", {"name": "same"}) == (200, {"result": "noop"})

    assert await document(api, CONNECTORS, connector_id) == seen


async def test_a_service_clears_what_no_route_can_clear(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    await api.updated(connector_id, "_error", {"error": "oh no"})
    await api.updated(connector_id, "_last_sync", {"last_sync_error": "oh no"})
    seen = await document(api, CONNECTORS, connector_id)
    start = {"status": "connected", "error": None, "last_sync_status": "in_progress", "last_sync_error": None}

    assert await guarded(api, connector_id, seen, start) == 200

    stored = await api.read(connector_id)
    assert {name: stored[name] for name in start} == start


async def test_a_service_finishes_a_job(api: ConnectorApi) -> None:
    job_id = await api.sync_job(await api.connector())
    await api.updated_job(job_id, "_claim", {"worker_hostname": "worker"})
    end = {"status": "completed", "error": None, "completed_at": "2030-01-01T00:00:00.000Z"}

    reply = await api.admin.post(f"/{JOBS}/_update/{job_id}?refresh=true", {"doc": end})

    assert reply.status == 200
    job = await api.read_job(job_id)
    assert {name: job[name] for name in end} == end
    assert (await api.update_job(job_id, "_cancel")).status == 400


async def test_a_key_with_a_dot_stays_as_it_is(api: ConnectorApi) -> None:
    job_id = await api.sync_job(await api.connector())

    await api.admin.post(f"/{JOBS}/_update/{job_id}", {"doc": {"connector.sync_cursor": {"at": 1}}})

    job = await api.read_job(job_id)
    assert job["connector.sync_cursor"] == {"at": 1}
    assert "sync_cursor" not in job["connector"]


async def test_a_service_finds_its_connectors(api: ConnectorApi) -> None:
    ours = await api.connector("ours", index_name=api.unique("a"), service_type=api.unique("type"))
    native = await api.connector(
        "native", index_name=api.unique("content-a"), service_type=api.unique("type"), is_native=True
    )
    gone = await api.connector("gone", index_name=api.unique("b"), service_type=api.unique("type"))
    await api.admin.delete(f"/_connector/{gone}")
    not_deleted = {"must_not": [{"term": {"deleted": True}}]}

    by_type = {
        "bool": {
            "filter": [
                {"terms": {"service_type": [api.unique("type")]}},
                {"term": {"is_native": False}},
            ],
            **not_deleted,
        }
    }
    by_id = {"bool": {"must": [{"terms": {"_id": [ours, native, gone]}}], **not_deleted}}

    assert await found(api, CONNECTORS, {"query": by_type, "seq_no_primary_term": True}) == [ours]
    assert sorted(await found(api, CONNECTORS, {"query": by_id})) == sorted([ours, native])


async def test_a_service_finds_the_oldest_job_to_run(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    jobs = [await api.sync_job(connector_id) for _ in range(4)]
    await api.updated_job(jobs[1], "_cancel")
    await api.admin.post(f"/{JOBS}/_update/{jobs[2]}?refresh=true", {"doc": {"status": "suspended"}})
    query = {
        "bool": {
            "must": [
                {"terms": {"status": ["pending", "suspended"]}},
                {"terms": {"connector.id": [connector_id]}},
                {"terms": {"job_type": ["full", "incremental"]}},
            ]
        }
    }

    body = {"query": query, "sort": [{"created_at": {"order": "asc"}}], "size": 100}

    assert await found(api, JOBS, body) == [jobs[0], jobs[2], jobs[3]]


async def test_a_service_finds_idle_jobs(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    fresh, idle = await api.sync_job(connector_id), await api.sync_job(connector_id)
    for job_id in (fresh, idle):
        await api.updated_job(job_id, "_claim", {"worker_hostname": "worker"})
    long_ago = {
        "deleted_document_count": 0,
        "indexed_document_count": 0,
        "indexed_document_volume": 0,
        "last_seen": "2020-01-01T00:00:00.000Z",
    }
    await api.updated_job(idle, "_stats", long_ago)
    query = {
        "bool": {
            "filter": [
                {"terms": {"connector.id": [connector_id]}},
                {"terms": {"status": ["in_progress", "canceling"]}},
                {"range": {"last_seen": {"lte": "now-300s"}}},
            ]
        }
    }

    assert await found(api, JOBS, {"query": query}) == [idle]


async def test_a_connector_written_as_a_document_is_a_connector(api: ConnectorApi) -> None:
    source: dict[str, Any] = {
        "name": "written by hand",
        "index_name": api.unique("by-hand"),
        "service_type": "postgresql",
        "language": None,
        "status": "configured",
        "configuration": {},
        "filtering": [],
        "pipeline": None,
        "something_new": {"a": 1},
    }
    connector_id = await api.connector("by-hand")
    await api.admin.put(f"/{CONNECTORS}/_doc/{connector_id}?refresh=true", source)

    assert await api.read(connector_id) == {"id": connector_id, **source}
    listed = await api.admin.get(f"/_connector?index_name={api.unique('by-hand')}")
    assert [each["id"] for each in listed.body["results"]] == [connector_id]
    await api.updated(connector_id, "_status", {"status": "connected"})


async def test_a_document_that_is_deleted_is_no_connector(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.admin.delete(f"/{CONNECTORS}/_doc/{connector_id}?refresh=true")

    assert (await api.admin.get(f"/_connector/{connector_id}?include_deleted=true")).status == 404
    assert (await api.update(connector_id, "_check_in")).error_type == "document_missing_exception"

"""What the tests do in a sandbox's world: configure the connector, sync, look at the outcome."""

from collections.abc import Mapping
from typing import Any

from sandbox import calls
from sandbox.calls import Call
from sandbox.process import Process
from sandbox.world import World, until

UNFINISHED = {"pending", "in_progress", "canceling", "suspended"}


def set_up(world: World, service: Process) -> None:
    """Create the connector and wait until the service has registered what it asks for."""
    world.elasticsearch.send(calls.CREATE_CONNECTOR)

    def is_registered() -> bool | None:
        return world.elasticsearch.send(calls.READ_CONNECTOR)["status"] == "needs_configuration" or None

    until(is_registered, "the connector needs configuration", watching=service)


def configure(world: World, **changed: Any) -> None:
    """Give the connector its right values, but for those changed."""
    world.elasticsearch.send(calls.configure({**world.connector_values, **changed}))


def sync(world: World, service: Process) -> Mapping[str, Any]:
    """Run a full sync until its job and its connector say that it has ended; return the job."""
    job_id = world.elasticsearch.send(calls.START_SYNC)["id"]

    def ended() -> Mapping[str, Any] | None:
        job: Mapping[str, Any] = world.elasticsearch.send(Call("", "GET", f"/_connector/_sync_job/{job_id}"))
        return None if job["status"] in UNFINISHED else job

    def is_told() -> bool:
        told = world.elasticsearch.send(calls.READ_CONNECTOR)["last_sync_status"]
        return told is not None and told not in UNFINISHED

    job = until(ended, "the job ends", watching=service)
    until(is_told, "the connector tells of it", watching=service)
    return job


def documents(world: World, **query: Any) -> dict[str, dict[str, Any]]:
    """Return the documents of the index that match the query (all without one), by id."""
    elasticsearch = world.elasticsearch
    elasticsearch.send(Call("", "POST", f"/{calls.INDEX}/_refresh"))
    body = {"size": 10_000, "query": query or {"match_all": {}}}
    hits = elasticsearch.send(Call("", "POST", f"/{calls.INDEX}/_search", body))["hits"]["hits"]
    assert len(hits) < 10_000, "this reads one page only"
    return {hit["_id"]: hit["_source"] for hit in hits}

"""What a person changes: connectors created, configured, scheduled and deleted; sync jobs asked for.

The service itself writes none of this. Each function is named after its endpoint and makes one call, so what
the server refuses reaches the caller as an `ElasticsearchRefusedError` with the server's reason.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from ingest.elasticsearch import answers
from ingest.elasticsearch.client import Client, segment
from ingest.protocol.enums import JobStatus

BUDGET_SECONDS: Final = 10.0
"""A person waits for the answer: a short outage is bridged, a longer one is reported."""
_PAGE_SIZE: Final = 100


async def list_connectors(client: Client) -> list[dict[str, Any]]:
    """Return every connector that is not deleted, as the server lists them, each with its `id`."""
    return [one async for one in _pages(client, "/_connector", {})]


async def list_sync_jobs(client: Client, connector_id: str, *, most: int) -> list[dict[str, Any]]:
    """Return the sync jobs of a connector, the newest first, `most` at the most."""
    jobs: list[dict[str, Any]] = []
    async for one in _pages(client, "/_connector/_sync_job", {"connector_id": connector_id}):
        jobs.append(one)
        if len(jobs) == most:
            break
    return jobs


async def list_unfinished_sync_jobs(client: Client) -> list[dict[str, Any]]:
    """Return the jobs of all connectors that run or wait, the running ones first."""
    statuses = (JobStatus.IN_PROGRESS, JobStatus.CANCELING, JobStatus.PENDING, JobStatus.SUSPENDED)
    return [
        one
        for status in statuses
        async for one in _pages(client, "/_connector/_sync_job", {"status": status.value})
    ]


async def post_connector(client: Client, members: Mapping[str, Any]) -> str:
    """Create a connector under an id that the server chooses, and return it. One attempt."""
    return await client.call("POST", "/_connector", answers.new_id, body=dict(members), budget_seconds=0)


async def update_configuration(client: Client, connector_id: str, values: Mapping[str, Any]) -> None:
    """Set values of configuration fields that are registered; the connector becomes `configured`."""
    await _put(client, connector_id, "_configuration", {"values": dict(values)})


async def update_scheduling(client: Client, connector_id: str, scheduling: Mapping[str, Any]) -> None:
    """Set the schedules of the job types that are given; the others stay."""
    await _put(client, connector_id, "_scheduling", {"scheduling": dict(scheduling)})


async def update_filtering(
    client: Client,
    connector_id: str,
    *,
    rules: Sequence[Mapping[str, Any]] | None,
    advanced_snippet: Any | None,
) -> None:
    """Edit the draft of the sync rules; the service validates it and makes it the active one."""
    members: dict[str, Any] = {}
    if rules is not None:
        members["rules"] = list(rules)
    if advanced_snippet is not None:
        members["advanced_snippet"] = {"value": advanced_snippet}
    await _put(client, connector_id, "_filtering", members)


async def delete_connector(client: Client, connector_id: str, *, delete_sync_jobs: bool) -> None:
    """Delete a connector and, if asked, the record of its sync jobs. Its index stays."""
    await client.call(
        "DELETE",
        f"/_connector/{segment(connector_id)}",
        answers.acknowledged,
        params={"delete_sync_jobs": delete_sync_jobs},
        budget_seconds=0,
    )


async def cancel_sync_job(client: Client, job_id: str) -> None:
    """Cancel a job: at once if it waits, otherwise as soon as its worker has seen it."""
    await client.call(
        "PUT",
        f"/_connector/_sync_job/{segment(job_id)}/_cancel",
        answers.result,
        budget_seconds=BUDGET_SECONDS,
    )


async def _put(client: Client, connector_id: str, endpoint: str, body: Mapping[str, Any]) -> None:
    path = f"/_connector/{segment(connector_id)}/{endpoint}"
    await client.call("PUT", path, answers.result, body=body, budget_seconds=BUDGET_SECONDS)


async def _pages(client: Client, path: str, params: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
    start = 0
    while True:
        page, total = await client.call(
            "GET",
            path,
            _page,
            params={**params, "from": start, "size": _PAGE_SIZE},
            budget_seconds=BUDGET_SECONDS,
        )
        for one in page:
            yield one
        start += len(page)
        if not page or start >= total:
            return


def _page(answer: Any) -> tuple[list[dict[str, Any]], int]:
    """Need a page of a listing, each entry with its id, and how many there are in all."""
    results = answers.need(answer, list, "results")
    for one in results:
        answers.need(one, str, "id")
    return results, answers.need(answer, int, "count")

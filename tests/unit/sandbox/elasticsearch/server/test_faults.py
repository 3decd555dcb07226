"""Scripted faults: what they do to an answer, which requests they meet."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from sandbox.elasticsearch import Server
from sandbox.elasticsearch.server.faults import Delay, Drop, Edit, FailItems, Hold, Reply, Reset, Truncate
from tests.support.history.events import Bulk, events_of

BULK = b'{"index":{"_index":"m","_id":"1"}}\n{"a":1}\n'
NDJSON = {"Content-Type": "application/x-ndjson"}


async def _bulk(server: Server) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.url}/_bulk", data=BULK, headers=NDJSON) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


def _version(server: Server) -> int:
    index = server.state.find("m")
    document = index.get("1") if index is not None else None
    return 0 if document is None else document.version


async def test_the_nth_request_alone_is_struck(elasticsearch: Server) -> None:
    elasticsearch.faults.add(Reply(429), method="POST", path="/_bulk", nth=2)

    statuses = [(await _bulk(elasticsearch))[0] for _ in range(3)]

    assert statuses == [200, 429, 200]
    assert _version(elasticsearch) == 2


async def test_a_fault_strikes_at_most_so_many_times(elasticsearch: Server) -> None:
    elasticsearch.faults.add(Reply(503, {"error": "no", "status": 503}, {"Retry-After": "1"}), times=2)

    statuses = [(await _bulk(elasticsearch))[0] for _ in range(3)]

    assert statuses == [503, 503, 200]


async def test_other_methods_and_paths_are_left_alone(elasticsearch: Server) -> None:
    elasticsearch.faults.add(Reply(500), method="GET", path="/_bulk")
    elasticsearch.faults.add(Reply(500), method="POST", path="/other/*")

    assert (await _bulk(elasticsearch))[0] == 200


async def test_a_condition_narrows_a_fault_to_some_bodies(elasticsearch: Server) -> None:
    elasticsearch.faults.add(Reply(500), when=lambda entry: b"never" in entry.body)

    assert (await _bulk(elasticsearch))[0] == 200


@pytest.mark.parametrize(("applied", "version"), [(True, 1), (False, 0)])
async def test_a_dropped_answer_was_or_was_not_carried_out(
    elasticsearch: Server, applied: bool, version: int
) -> None:
    elasticsearch.faults.add(Drop(), path="/_bulk", applied=applied)

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await _bulk(elasticsearch)

    assert _version(elasticsearch) == version
    assert elasticsearch.journal.entries[-1].status is None


async def test_a_reset_connection_is_reset(elasticsearch: Server) -> None:
    elasticsearch.faults.add(Reset(), path="/_bulk")

    with pytest.raises(aiohttp.ClientOSError, match="reset by peer"):
        await _bulk(elasticsearch)


async def test_a_truncated_answer_is_short_of_its_length(elasticsearch: Server) -> None:
    elasticsearch.faults.add(Truncate(20), path="/_bulk")

    with pytest.raises(aiohttp.ClientPayloadError):
        await _bulk(elasticsearch)

    assert _version(elasticsearch) == 1


async def test_a_held_request_waits_until_it_is_released(elasticsearch: Server) -> None:
    fault = elasticsearch.faults.add(Hold(), path="/_bulk")
    async with asyncio.TaskGroup() as group:
        request = group.create_task(_bulk(elasticsearch))
        await fault.struck()
        before = _version(elasticsearch)

        fault.release()

    assert before == 0
    assert request.result()[0] == 200


@pytest.mark.parametrize("applied", [False, True])
async def test_a_request_that_is_held_until_its_client_has_gone_is_one_whose_answer_nobody_read(
    elasticsearch: Server, applied: bool
) -> None:
    fault = elasticsearch.faults.add(Hold(), path="/_bulk", applied=applied)
    request = asyncio.create_task(_bulk(elasticsearch))
    await fault.struck()
    request.cancel()
    await asyncio.wait({request})
    # Once another request is answered the server has noticed, too, that this connection was closed before.
    async with aiohttp.ClientSession() as session, session.get(elasticsearch.url) as answer:
        assert answer.status == 200
    released = time.monotonic()
    fault.release()

    entry = await elasticsearch.journal.wait_for(lambda entry: entry.path == "/_bulk")
    (written,) = events_of([entry])

    assert entry.is_given_up
    assert isinstance(written, Bulk)
    assert [(action.was_applied, action.verdict) for action in written.actions] == [(True, None)]
    assert (written.until < released) is applied


async def test_a_request_whose_client_waits_is_answered(elasticsearch: Server) -> None:
    await _bulk(elasticsearch)

    assert [entry.is_given_up for entry in elasticsearch.journal] == [False]


async def test_a_delayed_request_is_answered_all_the_same(elasticsearch: Server) -> None:
    elasticsearch.faults.add(Delay(0.01), path="/_bulk")

    assert (await _bulk(elasticsearch))[0] == 200


async def test_items_of_a_bulk_answer_can_fail(elasticsearch: Server) -> None:
    elasticsearch.faults.add(FailItems(429, positions=(0,)), path="/_bulk")

    _, body = await _bulk(elasticsearch)

    assert body["errors"] is True
    assert body["items"][0]["index"]["status"] == 429
    assert body["items"][0]["index"]["error"]["type"] == "es_rejected_execution_exception"
    assert "result" not in body["items"][0]["index"]


async def test_an_answer_can_be_edited_at_will(elasticsearch: Server) -> None:
    elasticsearch.faults.add(Edit(lambda body: {**body, "items": body["items"] * 2}), path="/_bulk")

    _, body = await _bulk(elasticsearch)

    assert len(body["items"]) == 2


async def test_a_proxy_page_lacks_the_product_header(elasticsearch: Server) -> None:
    headers = {"X-elastic-product": None, "Content-Type": "text/html"}
    elasticsearch.faults.add(Reply(200, "<html>login</html>", headers))

    async with aiohttp.ClientSession() as session, session.get(elasticsearch.url) as answer:
        assert "X-elastic-product" not in answer.headers
        assert await answer.text() == "<html>login</html>"


async def test_a_cleared_fault_strikes_no_more(elasticsearch: Server) -> None:
    elasticsearch.faults.add(Reply(500))
    elasticsearch.faults.clear()

    assert (await _bulk(elasticsearch))[0] == 200


async def test_the_journal_names_the_fault(elasticsearch: Server) -> None:
    fault = elasticsearch.faults.add(Reply(500))

    await _bulk(elasticsearch)

    assert elasticsearch.journal.entries[-1].fault == f"Reply #{fault.number}"
    assert (fault.matches, fault.strikes) == (1, 1)

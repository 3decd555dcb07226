"""A scan ends when it has to, whatever becomes of its point in time."""

from contextlib import aclosing
from typing import Any

import pytest

from ingest.elasticsearch.client import Client
from ingest.elasticsearch.scan import GIVING_BACK_SECONDS, ScanLostError, ScanRequest, scan
from ingest.elasticsearch.transport import Response
from ingest.errors import ElasticsearchUnavailableError
from tests.support.fake_transport import AnsweringTransport, client_over, response


async def pages_of(client: Client) -> list[bytes]:
    async with aclosing(scan(client, "music", ScanRequest(query={"match_all": {}}))) as pages:
        return [page async for page in pages]


async def test_giving_the_point_in_time_back_is_tried_once_and_shortly() -> None:
    def answer(body: bytes) -> Response:
        if not body:
            return response(200, {"id": "p"})
        if b"query" in body:
            return response(
                200,
                {"pit_id": "p", "timed_out": False, "_shards": {"failed": 0}, "hits": {"max_score": None}},
            )
        raise ElasticsearchUnavailableError("it hangs")

    transport = AnsweringTransport(answer)
    client = client_over(transport)

    found = await pages_of(client)

    assert found == []
    assert transport.bodies[2:] == [b'{"id":"p"}']
    assert transport.requests[2].timeout_seconds == GIVING_BACK_SECONDS


@pytest.mark.parametrize("hits", [{}, {"hits": None}, {"hits": {}}, {"max_score": None, "hits": None}, []])
async def test_e18_a_page_without_a_list_of_hits_is_asked_for_again_and_not_the_end(hits: Any) -> None:
    whole = {"pit_id": "p", "timed_out": False, "_shards": {"failed": 0}}
    hit = {"_id": "a", "sort": [1]}
    pages = [{**whole, "hits": hits}, {**whole, "hits": {"max_score": None, "hits": [hit]}}]
    transport = AnsweringTransport(
        lambda body: response(
            200,
            {"id": "p"}
            if b"query" not in body
            else (pages.pop(0) if pages else {**whole, "hits": {"max_score": None}}),
        )
    )

    found = await pages_of(client_over(transport))

    assert [page.count(b'"_id":"a"') for page in found] == [1]
    assert pages == []


@pytest.mark.parametrize("trouble", [{"timed_out": True}, {"_shards": {"failed": 1}}])
async def test_e18_a_page_that_lacks_a_shard_or_timed_out_ends_the_scan_as_lost(trouble: Any) -> None:
    hit = {"_id": "a", "sort": [1]}
    page = {"pit_id": "p", "timed_out": False, "_shards": {"failed": 0}, "hits": {"hits": [hit]}, **trouble}
    transport = AnsweringTransport(lambda body: response(200, page if b"query" in body else {"id": "p"}))

    with pytest.raises(ScanLostError):
        await pages_of(client_over(transport))

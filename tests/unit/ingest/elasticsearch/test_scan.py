"""A scan ends when it has to, whatever becomes of its point in time."""

from contextlib import aclosing

from ingest.elasticsearch.client import Response
from ingest.elasticsearch.scan import GIVING_BACK_SECONDS, ScanRequest, scan
from ingest.errors import ElasticsearchUnavailableError
from tests.fakes.elasticsearch import AnsweringClient, FakeTime, response


async def test_giving_the_point_in_time_back_is_tried_once_and_shortly() -> None:
    def answer(body: bytes) -> Response:
        if not body:
            return response(200, {"id": "p"})
        if b"query" in body:
            return response(200, {"pit_id": "p", "timed_out": False, "_shards": {"failed": 0}})
        raise ElasticsearchUnavailableError("it hangs")

    client = AnsweringClient(answer, FakeTime())

    async with aclosing(scan(client, "music", ScanRequest(query={"match_all": {}}))) as pages:
        found = [page async for page in pages]

    assert found == []
    assert [body for body in client.bodies if body == b'{"id":"p"}'] == client.bodies[2:]
    assert client.timeouts[2:] == [GIVING_BACK_SECONDS]

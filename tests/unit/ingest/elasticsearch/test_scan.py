"""A scan ends when it has to, whatever becomes of its point in time."""

from contextlib import aclosing

from ingest.elasticsearch.scan import GIVING_BACK_SECONDS, ScanRequest, scan
from ingest.elasticsearch.transport import Response
from ingest.errors import ElasticsearchUnavailableError
from tests.support.fake_transport import AnsweringTransport, client_over, response


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

    async with aclosing(scan(client, "music", ScanRequest(query={"match_all": {}}))) as pages:
        found = [page async for page in pages]

    assert found == []
    assert transport.bodies[2:] == [b'{"id":"p"}']
    assert transport.requests[2].timeout_seconds == GIVING_BACK_SECONDS

"""A bulk request of which Elasticsearch carries out all but the first document, and says so.

The scripted faults of the embedded server change answers; here the document does not get there at all.
"""

from dataclasses import replace
from typing import Any

import orjson

from ingest.elasticsearch.transport import Request, Response, Transport
from tests.support.fake_transport import whole

BUSY = {"type": "es_rejected_execution_exception", "reason": "rejected execution of coordinating operation"}


async def without_the_first(request: Request, transport: Transport) -> Response:
    """Send a bulk request without its first document, and answer as if it had been turned away."""
    lines = whole(request.body).splitlines(keepends=True)
    first = next((n for n, line in enumerate(lines) if line.startswith(b'{"index"')), None)
    if first is None:
        return await transport(request)
    actions = [line for line in lines[:first] if line.startswith((b'{"update"', b'{"delete"'))]
    rest = b"".join(lines[:first] + lines[first + 2 :])
    refused = {"index": {"_index": "", "_id": _id_in(lines[first]), "status": 429, "error": BUSY}}
    if not rest:
        return Response(200, {}, orjson.dumps({"errors": True, "items": [_placed(refused, request)]}))
    response = await transport(replace(request, body=rest))
    if not response.is_success:
        return response
    answer = orjson.loads(response.body)
    answer["items"].insert(len(actions), _placed(refused, request))
    return replace(response, body=orjson.dumps(answer | {"errors": True}))


def _id_in(action: bytes) -> str:
    return str(orjson.loads(action)["index"]["_id"])


def _placed(item: dict[str, Any], request: Request) -> dict[str, Any]:
    """Name the index, which the path of the request says."""
    item["index"]["_index"] = request.path.split("/")[1]
    return item

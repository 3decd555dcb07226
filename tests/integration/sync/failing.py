"""Requests that fail from a given one on."""

from ingest.errors import ElasticsearchUnavailableError
from tests.support.sync_harness import Interference


def fail_from(number: int) -> Interference:
    """Let a request and all after it fail."""
    count = 0

    async def fail(_method: str, _path: str, _body: bytes) -> None:
        nonlocal count
        count += 1
        if count > number:
            raise ElasticsearchUnavailableError("It is gone.")

    return fail

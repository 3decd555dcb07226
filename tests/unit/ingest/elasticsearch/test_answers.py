"""What is said of an answer that is no success."""

from typing import Any

import pytest

from ingest.elasticsearch.answers import refusal
from tests.support.fake_transport import response

NO_KEYWORD = {"type": "illegal_argument_exception", "reason": "Fielddata is disabled on [connector.id]."}
MANY = {
    "type": "too_many_buckets_exception",
    "reason": "Trying to create too many buckets.",
    "max_buckets": 9,
}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            {"root_cause": [NO_KEYWORD], "reason": "all shards failed", "caused_by": MANY},
            NO_KEYWORD["reason"],
        ),
        ({"root_cause": [], "reason": "", "caused_by": MANY}, MANY["reason"]),
        ({"root_cause": [], "reason": "all shards failed"}, "all shards failed"),
        ({"root_cause": None, "reason": None, "caused_by": "no object"}, ""),
    ],
)
def test_a_search_that_failed_on_its_shards_says_why(error: dict[str, Any], reason: str) -> None:
    body = {"error": {"type": "search_phase_execution_exception", **error}, "status": 400}

    refused = refusal("POST /jobs/_search", response(400, body))

    assert (refused.error_type, refused.reason) == ("search_phase_execution_exception", reason)
    assert reason in str(refused)

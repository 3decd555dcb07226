"""Suggestions for an unknown name."""

import pytest

from sandbox.elasticsearch.connectors.parsing.suggestions import did_you_mean


@pytest.mark.parametrize(
    ("name", "candidates", "suggestion"),
    [
        ("featuresss", ["features"], " did you mean [features]?"),
        ("nmae", ["name", "description"], ""),
        ("nam", ["name", "names"], " did you mean any of [name, names]?"),
        ("completely", ["different"], ""),
        ("", ["name"], ""),
        ("ab", ["ac", "aab"], " did you mean [aab]?"),
    ],
)
def test_only_what_is_more_alike_than_not_is_suggested(
    name: str, candidates: list[str], suggestion: str
) -> None:
    assert did_you_mean(name, candidates) == suggestion

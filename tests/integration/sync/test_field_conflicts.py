"""Fields of an existing index that do not take a column's values are found before a row is read."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ingest.elasticsearch import mapping_compatibility, mappings
from ingest.elasticsearch.mapping_compatibility import Fit
from ingest.errors import ElasticsearchRefusedError
from sandbox.elasticsearch import Server
from tests.support.sweeps import sampled
from tests.support.sync_harness import SyncHarness, sync_harness

KEYWORD = {"type": "keyword", "ignore_above": 8191}
NUMERIC = KEYWORD | {"fields": {"number": {"type": "double", "ignore_malformed": True}}}
ANYTHING = {"type": "object", "enabled": False}
SAMPLES: list[tuple[dict[str, Any], list[Any]]] = [
    ({"type": "short"}, [0, 32767]),
    ({"type": "integer"}, [0, -(2**31), 2**31 - 1]),
    ({"type": "long"}, [0, -(2**63), 2**63 - 1]),
    ({"type": "double"}, [0.5, 1.5]),
    (NUMERIC, [1, 1.5]),
    ({"type": "boolean"}, [True, False]),
    (KEYWORD, ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "17", "true", "2024-01-01", "::1"]),
    ({"type": "text", "fields": {"keyword": KEYWORD}}, ["x", "", "17", ["a", "b"]]),
    ({"type": "date", "ignore_malformed": True}, ["2024-01-01", "2024-01-01T10:00:00.5"]),
    ({"type": "ip", "ignore_malformed": True}, ["10.0.0.1", "::1"]),
    ({"type": "integer_range"}, [{"gte": 1, "lt": 5}, {"gte": None, "lt": 3}]),
    ({"type": "date_range"}, [{"gte": "2024-01-01", "lt": "2024-02-01"}]),
    ({"type": "geo_point", "ignore_malformed": True}, [{"lat": 1.5, "lon": 2.5}]),
    ({"type": "dense_vector", "dims": 3, "similarity": "l2_norm"}, [[1.0, 2.5, 3.0]]),
    ({"properties": {"x": {"type": "integer"}}}, [{"x": 1}, {"x": None}, [{"x": 1}, {"x": 2}]]),
    (ANYTHING, [{"a": 1}, "off", [1, 2], True, 1.5]),
]
"""Derived mappings, and values of columns that have them."""
MAPPED: list[dict[str, Any]] = [
    *({"type": name} for name in ("keyword", "text", "byte", "short", "integer", "long", "unsigned_long")),
    *({"type": name} for name in ("half_float", "float", "double", "boolean", "date", "date_nanos", "ip")),
    *({"type": name} for name in ("integer_range", "double_range", "date_range", "ip_range", "flattened")),
    *({"type": name, "ignore_malformed": True} for name in ("long", "double", "boolean", "date", "ip")),
    {"type": "object"}, {"type": "nested"}, ANYTHING,
    {"properties": {"y": {"type": "keyword"}}},
]  # fmt: skip


@pytest.fixture
async def shop(elasticsearch: Server) -> AsyncIterator[SyncHarness]:
    async with sync_harness(elasticsearch) as opened:
        yield opened


@pytest.mark.parametrize("mapped", sampled(MAPPED, every=3), ids=str)
async def test_what_is_said_of_a_field_is_what_elasticsearch_does(shop: SyncHarness, mapped: Any) -> None:
    wrong = []
    for number, (derived, values) in enumerate(SAMPLES):
        index = f"fits-{number}"
        await shop.call("PUT", f"/{index}", {"mappings": {"properties": {"f": mapped}}})
        taken = [await is_taken(shop, index, value) for value in values]
        await shop.call("DELETE", f"/{index}")
        fit = mapping_compatibility.fit_of(derived, mapped, ignores_malformed=False)
        if (fit is Fit.ALL and not all(taken)) or (fit is Fit.NOTHING and any(taken)):
            wrong.append((derived, fit.name, list(zip(values, taken, strict=True))))
    assert wrong == []


async def is_taken(shop: SyncHarness, index: str, value: Any) -> bool:
    try:
        await shop.call("POST", f"/{index}/_doc", {"f": value})
    except ElasticsearchRefusedError:
        return False
    return True


def test_a_mapping_that_columns_share_takes_all_of_them() -> None:
    for (one, _), (other, _) in itertools.product(SAMPLES, repeat=2):
        shared = mappings.merged([{"f": one}, {"f": other}])["f"]

        found = [mapping_compatibility.fit_of(each, shared, ignores_malformed=False) for each in (one, other)]

        assert found == [Fit.ALL, Fit.ALL], (one, other, shared)

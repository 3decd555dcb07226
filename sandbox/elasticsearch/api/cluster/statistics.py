"""`_stats`: how many documents indices have, and how large they are."""

from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.api import targets
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Index
from sandbox.elasticsearch.security import IndexPrivilege

LEVELS = ("cluster", "indices", "shards")
COUNTED = ("docs", "store", "refresh")
NOT_COUNTED = frozenset(
    {
        "bulk",
        "completion",
        "dense_vector",
        "fielddata",
        "flush",
        "get",
        "indexing",
        "merge",
        "query_cache",
        "recovery",
        "request_cache",
        "search",
        "segments",
        "shard_stats",
        "sparse_vector",
        "translog",
        "warmer",
    }
)
"""Metrics a server counts and this one does not: asked for, they are left out of the answer."""


def stats(request: Request) -> Answer:
    """Document counts and sizes, of all indices together and of each."""
    level = request.query.get("level", "indices")
    if level not in LEVELS:
        raise errors.illegal_argument(
            f"level parameter must be one of [cluster] or [indices] or [shards] but was [{level}]"
        )
    metrics = _metrics(request)
    found = targets.named(request)
    for index in found:
        targets.check_open(index)
    counted = {index.name: _counted(index, metrics) for index in found}
    total = _sum(list(counted.values()))
    answer: dict[str, Any] = {
        "_shards": {"total": sum(map(targets.copies, found)), "successful": len(found), "failed": 0},
        "_all": {"primaries": total, "total": total},
    }
    if level != "cluster":
        answer["indices"] = {
            index.name: {
                "uuid": index.uuid,
                "health": "green",
                "status": "open",
                "primaries": counted[index.name],
                "total": counted[index.name],
                **(_shards(index, counted[index.name]) if level == "shards" else {}),
            }
            for index in found
        }
    return Answer(answer)


def _metrics(request: Request) -> tuple[str, ...]:
    wanted = [name for name in request.parameter("metric").split(",") if name]
    unknown = [name for name in wanted if name not in (*COUNTED, "_all") and name not in NOT_COUNTED]
    if unknown:
        raise errors.illegal_argument(
            f"request [{request.path}] contains unrecognized metric: [{unknown[0]}]"
        )
    return COUNTED if not wanted or "_all" in wanted else tuple(name for name in COUNTED if name in wanted)


def _counted(index: Index, metrics: tuple[str, ...]) -> dict[str, dict[str, int]]:
    size = index.stored_bytes() if {"docs", "store"} & set(metrics) else 0
    numbers = {
        "docs": {"count": len(index), "deleted": 0, "total_size_in_bytes": size},
        "store": {"size_in_bytes": size, "total_data_set_size_in_bytes": size, "reserved_in_bytes": 0},
        "refresh": {"total": index.refreshes},
    }
    return {metric: numbers[metric] for metric in metrics}


def _sum(each: list[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    if not each:
        return {}
    return {
        metric: {name: sum(counted[metric][name] for counted in each) for name in numbers}
        for metric, numbers in each[0].items()
    }


def _shards(index: Index, counted: dict[str, dict[str, int]]) -> dict[str, Any]:
    """What the one shard of an index says of itself, as far as anybody here asks."""
    latest = index.max_seq_no
    primary = {
        "routing": {"state": "STARTED", "primary": True, "relocating_node": None},
        **counted,
        "commit": {"user_data": {"history_uuid": index.history_uuid}},
        "seq_no": {"max_seq_no": latest, "local_checkpoint": latest, "global_checkpoint": latest},
    }
    return {"shards": {"0": [primary]}}


STATS = IndexPrivilege("monitor", "indices:monitor/stats")
PARAMETERS = targets.READ_PARAMETERS | {
    "completion_fields",
    "fielddata_fields",
    "fields",
    "forbid_closed_indices",
    "groups",
    "include_segment_file_sizes",
    "include_unloaded_segments",
    "level",
    "master_timeout",
    "timeout",
}

ROUTES = [
    Route("GET", path, stats, PARAMETERS, Body.NONE, STATS)
    for path in ("/_stats", "/_stats/{metric}", "/{index}/_stats", "/{index}/_stats/{metric}")
]

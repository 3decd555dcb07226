"""`_cluster/health`: how the cluster or some indices are, and waiting for a status.

Nothing changes here while a request waits, so waiting for a status that is not reached ends at once with 408.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Expansion, Index, duration_seconds
from sandbox.elasticsearch.security import ClusterPrivilege

STATUSES = ("green", "yellow", "red")
LEVELS = ("cluster", "indices", "shards")
PRIORITIES = ("immediate", "urgent", "high", "normal", "low", "languid")
NODES = re.compile(r"(?P<sign>>=|<=|>|<)?(?P<number>[^()]*)|(?P<word>ge|le|gt|lt)\((?P<count>[^()]*)\)")
COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "ge": operator.ge,
    "le": operator.le,
    "gt": operator.gt,
    "lt": operator.lt,
    "": operator.eq,
}
NODE_COUNT = 1
NO_SHARDS = {
    "relocating_shards": 0,
    "initializing_shards": 0,
    "unassigned_shards": 0,
    "unassigned_primary_shards": 0,
}


def health(request: Request) -> Answer:
    """The state of the cluster or of the named indices."""
    level = request.query.get("level", "cluster")
    if level not in LEVELS:
        raise errors.illegal_argument(
            f"level parameter must be one of [cluster] or [indices] or [shards] but was [{level}]"
        )
    if "timeout" in request.query:
        duration_seconds(request.query["timeout"], "timeout")
    state, expression = request.state, request.parameter("index")
    indices = state.resolve(
        expression, Expansion.of(request.query.get("expand_wildcards", "all"), ignore_unavailable=True)
    )
    is_complete = _are_there(request, expression)
    status = "green" if is_complete else "red"
    is_well = all([_reaches_status(request, status), _has_nodes(request), _has_shards(request, len(indices))])
    for name in ("wait_for_no_relocating_shards", "wait_for_no_initializing_shards"):
        request.flag(name)
    _check_priority(request)
    body = _described(request, status, len(indices), timed_out=not (is_complete and is_well))
    if level != "cluster":
        body["indices"] = {index.name: _of_index(index, with_shards=level == "shards") for index in indices}
    return Answer(body, 408 if body["timed_out"] else 200)


def _are_there(request: Request, expression: str) -> bool:
    """Whether all that is named is there; what a pattern stands for is."""
    try:
        request.state.resolve(expression, Expansion.of("all"))
    except errors.ElasticsearchError:
        return False
    return True


def _reaches_status(request: Request, status: str) -> bool:
    wanted = request.query.get("wait_for_status", "red").lower()
    if wanted not in STATUSES:
        kind = "org.elasticsearch.cluster.health.ClusterHealthStatus"
        raise errors.illegal_argument(f"No enum constant {kind}.{wanted.upper()}")
    return STATUSES.index(status) <= STATUSES.index(wanted)


def _has_nodes(request: Request) -> bool:
    wanted = request.query.get("wait_for_nodes", "")
    if not wanted:
        return True
    found = NODES.fullmatch(wanted)
    number = wanted if found is None else found["number"] if found["word"] is None else found["count"]
    if found is None or not number.isdigit():
        raise _no_number(number)
    return COMPARISONS[found["sign"] or found["word"] or ""](NODE_COUNT, int(number))


def _has_shards(request: Request, active: int) -> bool:
    wanted = request.query.get("wait_for_active_shards", "0")
    if wanted == "all":
        return True
    if not wanted.removeprefix("-").isdigit():
        reason = f"cannot parse ActiveShardCount[{wanted}]"
        raise errors.illegal_argument(reason, caused_by=_no_number(wanted))
    if int(wanted) < 0:
        raise errors.illegal_argument("shard count cannot be a negative value")
    return active >= int(wanted)


def _check_priority(request: Request) -> None:
    wanted = request.query.get("wait_for_events", "languid")
    if wanted.lower() not in PRIORITIES:
        raise errors.illegal_argument(f"No enum constant org.elasticsearch.common.Priority.{wanted.upper()}")


def _no_number(text: str) -> errors.ElasticsearchError:
    return errors.ElasticsearchError(400, "number_format_exception", f'For input string: "{text}"')


def _described(request: Request, status: str, shards: int, *, timed_out: bool) -> dict[str, Any]:
    return {
        "cluster_name": request.state.cluster_name,
        "status": status,
        "timed_out": timed_out,
        "number_of_nodes": NODE_COUNT,
        "number_of_data_nodes": NODE_COUNT,
        "active_primary_shards": shards,
        "active_shards": shards,
        **NO_SHARDS,
        "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0,
        "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": 100.0,
    }


def _of_index(index: Index, *, with_shards: bool) -> dict[str, Any]:
    described = {
        "status": "green",
        "number_of_shards": int(index.settings.values.get("number_of_shards", "1")),
        "number_of_replicas": int(index.settings.values.get("number_of_replicas", "1")),
        "active_primary_shards": 1,
        "active_shards": 1,
        **NO_SHARDS,
    }
    if with_shards:
        shard = {"status": "green", "primary_active": True, "active_shards": 1, **NO_SHARDS}
        described["shards"] = {"0": shard}
    return described


HEALTH = ClusterPrivilege("monitor", "cluster:monitor/health")
PARAMETERS = frozenset(
    {
        "expand_wildcards",
        "level",
        "local",
        "master_timeout",
        "timeout",
        "wait_for_active_shards",
        "wait_for_events",
        "wait_for_no_initializing_shards",
        "wait_for_no_relocating_shards",
        "wait_for_nodes",
        "wait_for_status",
    }
)

ROUTES = [
    Route("GET", "/_cluster/health", health, PARAMETERS, Body.NONE, HEALTH),
    Route("GET", "/_cluster/health/{index}", health, PARAMETERS, Body.NONE, HEALTH),
]

"""The content index: found or created, recognised again, refreshed and counted.

A job begins with one index and must end with the same: Elasticsearch creates a missing index by itself on
the first write, so an index that was deleted while a job ran would look complete and hold half of it. Hence
the UUID.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ingest.elasticsearch import answers
from ingest.elasticsearch.answers import ShapeError, need
from ingest.elasticsearch.client import Client, segment
from ingest.elasticsearch.mappings import (
    CONTENT_HASH,
    OWN_FIELDS,
    is_usable_content_hash,
    missing,
    with_analyzers,
)
from ingest.errors import ElasticsearchRefusedError, IndexChangedError, NotFoundError

DEFAULT_RESULT_WINDOW: Final = 10_000
DEFAULT_FIELD_LIMIT: Final = 1000
_STATES: Final = ",".join(
    f"indices.*.shards.*.{path}"
    for path in ("routing.primary", "commit.user_data.history_uuid", "seq_no.max_seq_no")
)
_NO_OPERATIONS: Final = -1
"""The greatest sequence number of a shard before its first write; deletes have numbers, too."""
FIELD_HEADROOM: Final = 200
"""Fields that a pipeline or a new column may add before the limit of an index we created is reached."""
_LACKING: Final = re.compile(
    r"mapper (type \[[^]]+\]) .*does not exist|(analyzer \[[^]]+\]) has not been configured"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentIndex:
    """The index behind the name of a connector's index, as it was when the job looked."""

    name: str
    """The name or alias all requests use: privileges are given for it."""
    concrete_name: str
    uuid: str
    mapping: Mapping[str, Any]
    """As the server says it: `properties`, and `dynamic` where it was set."""
    settings: Mapping[str, str]
    """By their dotted names."""
    is_data_stream: bool = False

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its fields."""
        properties: Mapping[str, Any] = self.mapping.get("properties", {})
        return properties

    @property
    def result_window(self) -> int:
        """The most hits a page may have."""
        return int(self.settings.get("index.max_result_window", DEFAULT_RESULT_WINDOW))

    @property
    def final_pipeline(self) -> str | None:
        """The pipeline that runs after the one of the request."""
        name = self.settings.get("index.final_pipeline", "_none")
        return None if name == "_none" else name


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardState:
    """How far the writes of one shard have come, and in which history: equal states mean no write between."""

    history: str
    max_seq_no: int

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was ever written to the shard."""
        return self.max_seq_no == _NO_OPERATIONS


async def find(client: Client, name: str) -> ContentIndex | None:
    """Look an index or alias up; None if there is none.

    Raises ElasticsearchRefusedError for what cannot be written to like an index: a data stream, an alias of
    several indices, a closed index, a write block.
    """
    _require_content_name(name)
    try:
        found = await client.call("GET", f"/{segment(name)}", _descriptions)
    except NotFoundError:
        return None
    if len(found) != 1:
        names = sorted(one.concrete_name for one in found)
        raise ElasticsearchRefusedError(
            f"{name} is an alias of {len(names)} indices ({', '.join(names[:3])}, ...); a connector "
            "needs exactly one index. Point the alias to one, or give the connector another index.",
            status=400,
        )
    index = replace(found[0], name=name)
    if index.is_data_stream:
        problem = "is a data stream, which cannot be kept in step with a source. Use an index."
        raise _unusable(name, problem)
    _require_content_name(index.concrete_name)
    for block in ("read_only", "write", "read"):
        if index.settings.get(f"index.blocks.{block}") == "true":
            raise _unusable(
                name, f"is blocked by index.blocks.{block}. Remove the block and start the job again."
            )
    return index


async def create(
    client: Client, name: str, *, properties: Mapping[str, Any], language: str | None
) -> ContentIndex:
    """Create an index with these properties beside our own fields; one that appeared meanwhile is taken."""
    properties = with_analyzers({**OWN_FIELDS, **properties}, language)
    limit = max(DEFAULT_FIELD_LIMIT, count_fields(properties) + FIELD_HEADROOM)
    body = {
        "settings": {"index.mapping.total_fields.limit": limit},
        "mappings": {"properties": properties},
    }
    try:
        await client.call("PUT", f"/{segment(name)}", answers.acknowledged, body=body)
    except ElasticsearchRefusedError as error:
        # Another replica was faster, or an earlier attempt of ours was applied and its answer lost.
        if error.error_type != "resource_already_exists_exception":
            _say_what_is_lacking(name, error)
            raise
    created = await find(client, name)
    if created is None:
        raise IndexChangedError(f"The index {name} was removed right after it was created.")
    return created


async def add_own_fields(client: Client, index: ContentIndex) -> None:
    """Map our content hash, and nothing else, in an index that we did not create."""
    present = index.properties.get(CONTENT_HASH)
    if present is None:
        await client.call(
            "PUT",
            f"/{segment(index.name)}/_mapping",
            answers.acknowledged,
            body={"properties": {CONTENT_HASH: OWN_FIELDS[CONTENT_HASH]}},
        )
    elif not is_usable_content_hash(present):
        raise ElasticsearchRefusedError(
            f"The index {index.name} maps {CONTENT_HASH} as {present.get('type')}, which cannot hold our "
            "content hashes. Give the connector another index, or reindex this one without that field.",
            status=400,
        )


async def add_fields(
    client: Client, index: ContentIndex, *, properties: Mapping[str, Any], language: str | None
) -> ContentIndex:
    """Map those of these fields that the index does not know yet, before a first value decides about them.

    Nothing that is mapped changes. Returns the index as it is then. Raises ElasticsearchRefusedError if the
    index takes no more fields.
    """
    added = missing(index.mapping, {**OWN_FIELDS, **properties})
    if not added:
        return index
    body = {"properties": with_analyzers(added, language)}
    try:
        await client.call("PUT", f"/{segment(index.name)}/_mapping", answers.acknowledged, body=body)
    except ElasticsearchRefusedError as error:
        _say_what_is_lacking(index.name, error)
        raise
    found = await find(client, index.name)
    if found is None or found.uuid != index.uuid:
        raise IndexChangedError(f"The index {index.name} was replaced or removed while the job began.")
    return found


def _say_what_is_lacking(name: str, error: ElasticsearchRefusedError) -> None:
    """Raise with the remedy if it is a field type or an analyzer that this Elasticsearch does not have."""
    lacking = _LACKING.search(error.reason)
    if lacking is not None:
        raise ElasticsearchRefusedError(
            f"This Elasticsearch has no {lacking[1] or lacking[2]}, with which {name} would be mapped. Set "
            "Mappings of the connector to dynamic, or use a distribution with all modules.",
            status=error.status,
            error_type=error.error_type,
            reason=error.reason,
        ) from error


async def require_same(client: Client, index: ContentIndex) -> None:
    """Raise IndexChangedError unless the name still leads to the index the job began with."""
    now = await find(client, index.name)
    if now is None:
        raise IndexChangedError(f"The index {index.name} was removed while the job ran.")
    if now.uuid != index.uuid:
        raise IndexChangedError(f"The index {index.name} was replaced by another while the job ran.")


async def require_present(client: Client, index: ContentIndex) -> None:
    """Raise IndexChangedError as `require_same` does, at less cost: right before each write."""
    path = f"/{segment(index.name)}/_settings"
    try:
        uuids = await client.call("GET", path, _uuids, params={"flat_settings": True})
    except NotFoundError as error:
        raise IndexChangedError(f"The index {index.name} was removed while the job ran.") from error
    if uuids != [index.uuid]:
        raise IndexChangedError(f"The index {index.name} was replaced by another while the job ran.")


def _uuids(answer: Any) -> list[str]:
    """Need at least one index with its UUID: an index that is gone is answered with 404."""
    if not (described := need(answer, dict)):
        raise ShapeError("it describes no index")
    return [need(one, str, "settings", "index.uuid") for one in described.values()]


async def shard_states(client: Client, index: ContentIndex) -> tuple[ShardState, ...] | None:
    """Return what each shard says of its writes, in order; None if we may not ask, or there is no such thing.

    Raises ElasticsearchUnavailableError if not every shard answered.
    """
    count = int(index.settings.get("index.number_of_shards", 1))
    try:
        return await client.call(
            "GET",
            f"/{segment(index.name)}/_stats/docs",
            lambda answer: _shard_states(answer, index.concrete_name, count),
            params={"level": "shards", "filter_path": _STATES},
        )
    except ElasticsearchRefusedError:  # serverless has no such route, a key may lack the privilege
        return None


async def refresh(client: Client, index_name: str) -> None:
    """Make everything that was acknowledged visible to searches. Says so if the index is closed."""
    try:
        await client.call("POST", f"/{segment(index_name)}/_refresh", answers.from_all_shards)
    except ElasticsearchRefusedError as error:
        if error.error_type != "index_closed_exception":
            raise
        raise _unusable(index_name, "is closed. Open it and start the job again.") from error


async def count(client: Client, index_name: str, query: Mapping[str, Any] | None = None) -> int | None:
    """Count the documents of an index, or those a query matches; None if a shard did not answer."""
    body = None if query is None else {"query": query}
    return await client.call("POST", f"/{segment(index_name)}/_count", _count, body=body)


def _shard_states(answer: Any, concrete_name: str, count: int) -> tuple[ShardState, ...]:
    """Need the state of every shard's primary copy."""
    shards = need(answer, dict, "indices", concrete_name, "shards")
    states = tuple(
        ShardState(
            history=need(copy, str, "commit", "user_data", "history_uuid"),
            max_seq_no=need(copy, int, "seq_no", "max_seq_no"),
        )
        for number in sorted(shards, key=lambda number: (len(number), number))
        for copy in need(shards, list, number)
        if need(copy, bool, "routing", "primary")
    )
    if len(states) != count:
        raise ShapeError(f"{len(states)} of {count} shards told their state")
    return states


def count_fields(properties: Mapping[str, Any]) -> int:
    """Count fields as Elasticsearch does for its limit: objects, their members and multi-fields."""
    total = 0
    for definition in properties.values():
        total += (
            1 + count_fields(definition.get("properties", {})) + count_fields(definition.get("fields", {}))
        )
    return total


def _descriptions(answer: Any) -> list[ContentIndex]:
    """Need at least one index with its settings, its UUID among them."""
    if not (described := need(answer, dict)):
        raise ShapeError("it describes no index")
    return [_description(name, need(one, dict)) for name, one in described.items()]


def _description(concrete_name: str, described: Mapping[str, Any]) -> ContentIndex:
    settings = _flat(need(described, dict, "settings"))
    mapping = need(described, dict, "mappings")
    if "properties" in mapping:
        need(mapping, dict, "properties")
    return ContentIndex(
        name=concrete_name,
        concrete_name=concrete_name,
        uuid=need(settings, str, "index.uuid"),
        mapping=mapping,
        settings=settings,
        is_data_stream="data_stream" in described,
    )


def _count(answer: Any) -> int | None:
    """Need a count; None for one that lacks a shard."""
    counted = need(answer, int, "count")
    return None if need(answer, int, "_shards", "failed") else counted


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = str(value)
    return flat


def _require_content_name(name: str) -> None:
    if not name or any(character in name for character in '*,?"<>| '):
        raise ElasticsearchRefusedError(f"{name!r} is not the name of one index.", status=400)
    if name.startswith("."):
        raise _unusable(
            name,
            "has a name that begins with a dot, as the indices have that belong to Elasticsearch and Kibana. "
            "Give the connector an index with another name.",
        )


def _unusable(index_name: str, problem: str) -> ElasticsearchRefusedError:
    return ElasticsearchRefusedError(f"The index {index_name} {problem}", status=400)

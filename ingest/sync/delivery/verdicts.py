"""What the answer to a bulk request says about each of its actions. No I/O.

Elasticsearch answers 200 whatever became of the documents; only the status of each item counts. An answer
that does not have one item for each action belongs to another request, or was cut: nothing in it is used.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, Self

import orjson

_REASON_LIMIT: Final = 500

_DEEPEST_CAUSE: Final = 3

_TRANSIENT_TYPES: Final = frozenset(
    {
        # too much at once
        "es_rejected_execution_exception", "circuit_breaking_exception",
        # a shard that moves, starts or has lost its primary
        "unavailable_shards_exception", "no_shard_available_action_exception", "shard_not_found_exception",
        "illegal_index_shard_state_exception", "index_shard_not_started_exception",
        "index_shard_not_recovering_exception", "shard_not_in_primary_mode_exception",
        "retry_on_primary_exception", "retry_on_replica_exception", "engine_closed_exception",
        "already_closed_exception", "index_shard_closed_exception",
        # a node that leaves, or a master that is being elected
        "node_closed_exception", "node_not_connected_exception", "node_disconnected_exception",
        "connect_transport_exception", "receive_timeout_transport_exception",
        "master_not_discovered_exception", "not_master_exception", "failed_to_commit_cluster_state_exception",
        "process_cluster_event_timeout_exception", "timeout_exception",
    }
)  # fmt: skip
"""Errors of an item after which the same action may succeed. Any other error would only come again."""
_TOO_MANY_REQUESTS, _UNAVAILABLE = 429, 503

_VALUES: Final = re.compile(
    r"(Preview of field's value: ).*|(For input string: ).*|(failed to parse date field ).*"
    r"|(the first immense term is: ).*|(Cannot parse value ).*|\s*(at \[Source: ).*",
    re.DOTALL,
)
"""Where Elasticsearch quotes the value it refused: what follows never leaves this module."""
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|\[[^\]]*\]|\([^)]*\)|(?<![\w.])-?\d[\w.+:-]*")
_NAMES_FIELDS_ONLY: Final = re.compile(
    r"object mapping for \[|Duplicate field '|Can't get text on a |mapper \[|Limit of |can't merge a non"
)
"""Causes that say where and not what. Of others, all that might be a value is cut."""


_GUARD_HELD: Final = b'{"update":{%b,"_id":"_","status":404,"error":{"type":"index_not_found_exception",'
"""How Elasticsearch writes what became of a guard (guard.py), up to the reason."""


class MismatchError(Exception):
    """An answer that does not belong to its request."""


class Verdict(Enum):
    """What became of one action."""

    CREATED = auto()
    UPDATED = auto()
    DROPPED = auto()
    """The ingest pipeline dropped the document."""
    DELETED = auto()
    NOT_DELETED = auto()
    """Gone already, or written by somebody since it was seen: not ours to delete."""
    TURNED_AWAY = auto()
    """For the moment; the same action may succeed later."""
    REJECTED = auto()
    """For good, because of the document itself."""
    FATAL = auto()
    """For good, for a reason all documents share: privileges, a block, a missing index or pipeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of an answer."""

    action: str
    status: int
    result: str
    id: str
    index: str
    error_type: str
    reason: str
    """Why, with what caused it, without the value of any field."""

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        """Read an item. Raises MismatchError unless it says what became of which document."""
        try:
            ((action, members),) = wire.items()
            error = members.get("error") or {}
            return cls(
                action=action,
                status=int(members["status"]),
                result=str(members.get("result") or ""),
                id=_text(members["_id"]),
                index=_text(members["_index"]),
                error_type=str(error.get("type") or ""),
                reason=reason_of(error),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise MismatchError("an item lacks its status, index or id") from error

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.status), self.error_type, self.reason) if part)

    @property
    def verdict(self) -> Verdict:
        """What became of the action."""
        match self.status:
            case 200 | 201 if self.result == "noop":
                return Verdict.DROPPED
            case 200 if self.action == "delete":
                return Verdict.DELETED
            case 404 | 409 if self.action == "delete" and self.error_type != "index_not_found_exception":
                return Verdict.NOT_DELETED
            case 201:
                return Verdict.CREATED
            case 200:
                return Verdict.UPDATED
            case _ if self._is_transient:
                return Verdict.TURNED_AWAY
            case 401 | 403 | 404:
                return Verdict.FATAL
            case _ if self.action == "delete" or self.says_pipeline_is_missing or self._says_index_is_closed:
                return Verdict.FATAL
            case _:
                return Verdict.REJECTED

    @property
    def says_pipeline_is_missing(self) -> bool:
        """Whether the ingest pipeline was removed while the job ran."""
        return "pipeline with id [" in self.reason and "does not exist" in self.reason

    @property
    def _says_index_is_closed(self) -> bool:
        return self.error_type == "index_closed_exception"

    @property
    def _is_transient(self) -> bool:
        if self.status == _TOO_MANY_REQUESTS or self.error_type in _TRANSIENT_TYPES:
            return True
        # The flood-stage block lifts itself when there is disk space again; its status differs between
        # versions.
        return self.error_type == "cluster_block_exception" and (
            self.status == _UNAVAILABLE or "/12/" in self.reason or "TOO_MANY_REQUESTS" in self.reason
        )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def items_of(answer: bytes, count: int) -> list[Item]:
    """Read the items of an answer, in order. Raises MismatchError unless there are `count`."""
    try:
        wire = orjson.loads(answer)["items"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise MismatchError(f"an answer of {len(answer)} bytes cannot be read") from error
    if not isinstance(wire, list) or len(wire) != count:
        found = len(wire) if isinstance(wire, list) else "no"
        raise MismatchError(f"{count} actions were answered with {found} items")
    return [Item.from_wire(one) for one in wire]


def count_successes(answer: bytes, count: int, index_name: str, guards: int = 0) -> tuple[int, int] | None:
    """Count what was created and updated in the bytes of an answer, if that is all that happened; else None.

    All of it in this index, beside guards that found no alias. Quotes inside JSON text are escaped, so the
    patterns cannot occur in a reason.
    """
    created = answer.count(b'"result":"created","status":201')
    updated = answer.count(b'"result":"updated","status":200') if created < count else 0
    if created + updated != count or answer.count(b'"status":') != count + guards:
        return None
    index = b'"_index":' + orjson.dumps(index_name)
    if answer.count(index) != count + guards:
        return None
    if guards and answer.count(_GUARD_HELD % index) != guards:
        return None
    return (created, updated) if answer.rstrip().endswith(b"]}") else None


def reason_of(error: Mapping[str, Any]) -> str:
    """Say why, and what caused it, without the value of any field."""
    said = [without_values(str(error.get("reason") or ""))]
    cause = error.get("caused_by")
    while isinstance(cause, Mapping) and len(said) <= _DEEPEST_CAUSE:
        text = without_values(str(cause.get("reason") or ""))
        if not _NAMES_FIELDS_ONLY.match(text):
            text = _QUOTED.sub("...", text)
        said.append(": ".join(part for part in (str(cause.get("type") or ""), text) if part))
        cause = cause.get("caused_by")
    return "; caused by ".join(part for part in said if part)[:_REASON_LIMIT]


def without_values(reason: str) -> str:
    """Cut from a reason whatever quotes a field's value."""
    return _VALUES.sub(lambda found: next(filter(None, found.groups())) + "...", reason)[:_REASON_LIMIT]

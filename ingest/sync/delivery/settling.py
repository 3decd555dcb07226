"""Settles the answer to a chunk: what is counted, sent again or refused, and what ends the job. No I/O."""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from ingest.elasticsearch.client import segment
from ingest.elasticsearch.indices import ContentIndex
from ingest.errors import (
    AuthorizationError,
    ElasticsearchRefusedError,
    IncompleteSyncError,
    IndexChangedError,
    IngestError,
)
from ingest.sync.blocks.chunks import Chunk
from ingest.sync.delivery.guard import GUARD_ACTION, broken
from ingest.sync.delivery.verdicts import Item, MismatchError, Verdict, count_successes, items_of
from ingest.sync.progress.stats import Rejection

_CONFLICT: Final = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where documents go: an index, by its name or an alias, and the pipeline they pass."""

    index: ContentIndex
    pipeline: str | None
    checks_ids: bool = False
    """Whether the pipeline might change ids, so that each item's id is compared."""

    @property
    def path(self) -> str:
        """The path of the request."""
        return f"/{segment(self.index.name)}/_bulk"

    @property
    def is_alias(self) -> bool:
        """Whether the index is known by an alias."""
        return self.index.name != self.index.concrete_name


@dataclass(slots=True, kw_only=True)
class Counts:
    """What became of actions for good."""

    created: int = 0
    updated: int = 0
    dropped: int = 0
    indexed_bytes: int = 0
    deleted: int = 0
    spared: int = 0
    """Not deleted, because somebody wrote them since they were seen."""


COUNTS_OF_TALLY: Final = ("created", "updated", "dropped", "indexed_bytes")
"""Those that belong to the reading of a slice."""


@dataclass(slots=True, kw_only=True)
class Settled:
    """What an answer says about the actions of a chunk."""

    counts: Counts = field(default_factory=Counts)
    outcomes: list[int | Rejection] = field(default_factory=list)
    """In the order of the answer: how many documents in a row were taken, or one that was refused."""
    retry: list[bytes] = field(default_factory=list)
    """Actions turned away for the moment."""
    why: str = ""
    """Why, of the last of them."""
    fatal: IngestError | None = None
    """What must end the job; everything else is counted all the same."""

    @property
    def rejected(self) -> list[Rejection]:
        """Documents that were refused for good."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, Rejection)]

    def taken(self, count: int = 1) -> None:
        """Note documents that were not refused."""
        if self.outcomes and isinstance(self.outcomes[-1], int):
            self.outcomes[-1] += count
        else:
            self.outcomes.append(count)


def settle(answer: bytes, chunk: Chunk, destination: Destination, *, guards: int = 0) -> Settled:
    """Say what became of each action. Raises MismatchError if the answer cannot be the one to this chunk.

    `guards` traveled with it and are answered beside it.
    """
    settled = Settled()
    if not destination.checks_ids:
        successes = count_successes(answer, chunk.count, destination.index.concrete_name, guards)
        if successes is not None and not chunk.is_of_deletes:
            settled.counts.created, settled.counts.updated = successes
            settled.counts.indexed_bytes = chunk.size
            settled.taken(chunk.count)
            return settled
    of_documents, of_guards = _told_apart(items_of(answer, chunk.count + guards), guards)
    for item, action in _matched(of_documents, chunk.actions, destination):
        _settle_item(item, action, destination, settled)
    settled.fatal = settled.fatal or broken(of_guards, destination.index)
    return settled


def _told_apart(items: Sequence[Item], guards: int) -> tuple[list[Item], list[Item]]:
    """Return the items of documents and those of guards."""
    of_documents = [item for item in items if item.action != GUARD_ACTION]
    of_guards = [item for item in items if item.action == GUARD_ACTION]
    if len(of_guards) != guards:
        raise MismatchError(f"{guards} guards were answered with {len(of_guards)} items")
    return of_documents, of_guards


def id_of(action: bytes) -> str:
    """Read the id from an action line."""
    (target,) = orjson.loads(action[: action.index(b"\n")]).values()
    return str(target["_id"])


def _matched(
    items: Sequence[Item], actions: Sequence[bytes], destination: Destination
) -> list[tuple[Item, bytes]]:
    """Give each item the action it answers: the one at its place, if it has its id, else the one with its id.

    A pipeline that changes ids leaves items whose place alone tells what they answer.
    """
    ids = [id_of(action) for action in actions]
    if [item.id for item in items] == ids or destination.checks_ids:
        return list(zip(items, actions, strict=True))
    waiting: dict[str, deque[bytes]] = defaultdict(deque)
    for id_, action in zip(ids, actions, strict=True):
        waiting[id_].append(action)
    matched = []
    for item in items:
        if not waiting[item.id]:
            raise MismatchError(f"an item is about {item.id}, which was not in the request")
        matched.append((item, waiting[item.id].popleft()))
    return matched


def _settle_item(item: Item, action: bytes, destination: Destination, settled: Settled) -> None:
    counts = settled.counts
    match item.verdict:
        case Verdict.CREATED | Verdict.UPDATED as verdict:
            settled.fatal = settled.fatal or _moved(item, action, destination)
            counts.created += verdict is Verdict.CREATED
            counts.updated += verdict is Verdict.UPDATED
            counts.indexed_bytes += len(action)
            settled.taken()
        case Verdict.DROPPED:
            counts.dropped += 1
            settled.taken()
        case Verdict.DELETED:
            counts.deleted += 1
        case Verdict.NOT_DELETED:
            counts.spared += item.status == _CONFLICT
        case Verdict.TURNED_AWAY:
            settled.retry.append(action)
            settled.why = str(item)
        case Verdict.REJECTED:
            refused = Rejection(id=id_of(action), error_type=item.error_type, reason=item.reason)
            settled.outcomes.append(refused)
        case Verdict.FATAL:
            settled.fatal = settled.fatal or _fatal(item, destination)


def _moved(item: Item, action: bytes, destination: Destination) -> IngestError | None:
    """Return the error for a document that was stored elsewhere than it was sent to."""
    if item.index != destination.index.concrete_name:
        return IncompleteSyncError(
            f"A document for index {destination.index.name} was stored in index {item.index}: the ingest "
            f"pipeline {destination.pipeline} sets _index, or the alias was changed while the job ran. "
            "Remove the processor that sets _index or reroutes."
        )
    if destination.checks_ids and item.id != id_of(action):
        return IncompleteSyncError(
            f"The ingest pipeline {destination.pipeline} changes the ids of documents "
            f"({id_of(action)} became {item.id}), so the index cannot be kept in step with the source. "
            "Remove the processor that sets _id."
        )
    return None


def _fatal(item: Item, destination: Destination) -> IngestError:
    """Return the error to end the job with: this item's status concerns more than its document."""
    name = destination.index.name
    if item.says_pipeline_is_missing:
        message = f"The ingest pipeline {destination.pipeline} was removed while the job ran."
        return ElasticsearchRefusedError(message, status=item.status)
    if item.status == 404 and item.error_type in ("", "index_not_found_exception"):
        return IndexChangedError(f"The index {name} was removed while the job ran.")
    message = f"Elasticsearch does not let us write to {name}: {item}."
    kind = AuthorizationError if item.error_type == "security_exception" else ElasticsearchRefusedError
    return kind(message, status=item.status, error_type=item.error_type, reason=item.reason)

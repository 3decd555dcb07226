"""What a sync has done so far: counted while it runs, read at any time, exact on every ending.

    Stats                 the job: sums over its slices, deletes, bytes on the wire, a sample of rejections
      └── SliceStats      one slice: estimate, rate, time left, and the tally of its current reading
            └── Tally     one reading of one slice, from its first row

A slice that is read again starts a new tally: its documents are the same ones, so they must not count twice.
What is shown is the larger of the abandoned and the current tally, so a count never falls while a job runs.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ingest.sync.progress.backpressure import Backpressure
from ingest.sync.progress.following import Following

MEBIBYTE: Final = 2**20
REFUSALS_SHOWN: Final = 3
REFUSALS_KEPT: Final = 100
"""How many refused documents of a slice are named, and how many are remembered."""
SLICES_SHOWN: Final = 50
"""How many slices the job's metadata lists one by one; a database may have ten thousand tables."""


class ComparedBy(StrEnum):
    """How a slice was compared with the index."""

    CONTENT = "content"
    """Every row, by the hash of its content."""
    CHANGES = "changes"
    """The rows that changed since an earlier job."""
    KEYS = "keys"
    """The rows whose keys the source told."""
    DIGEST = "digest"
    """All rows at once, by one sum."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts of one reading of one slice. Every row read ends in exactly one of the other counts."""

    read: int = 0
    unchanged: int = 0
    filtered: int = 0
    created: int = 0
    updated: int = 0
    dropped: int = 0
    """Documents the ingest pipeline dropped (`noop`)."""
    rejected: int = 0
    nulled: int = 0
    """Values, not documents, that were replaced by null."""
    skipped: int = 0
    """Rows that were not read: proven to be as they were when an earlier job completed."""
    indexed_bytes: int = 0
    overwriting: int = 0
    """Rows sent whose document was in the index already, in another state."""
    refusals: list["Rejection"] = field(default_factory=list)
    """The first of the refused documents."""

    def reject(self, refused: Sequence["Rejection"]) -> None:
        """Count refused documents, and keep the first ones."""
        self.rejected += len(refused)
        self.refusals += refused[: REFUSALS_KEPT - len(self.refusals)]

    @property
    def is_refused_whole(self) -> bool:
        """Whether documents were refused, and no row has one in the index as it is."""
        return self.rejected > 0 and self.rejected == self.read - self.filtered

    @property
    def stale(self) -> int:
        """Documents whose old version stays in the index, because the new one was refused or dropped."""
        return max(0, min(self.rejected + self.dropped, self.overwriting - self.updated))

    @property
    def lacking(self) -> int:
        """Rows without a document: it was refused or dropped, and there was none before."""
        return self.rejected + self.dropped - self.stale

    @property
    def indexed(self) -> int:
        """Documents Elasticsearch acknowledged."""
        return self.created + self.updated

    @property
    def settled(self) -> int:
        """Rows whose fate is known; equal to `read` once everything was acknowledged."""
        return self.unchanged + self.filtered + self.indexed + self.dropped + self.rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A document Elasticsearch refused. Holds no value of the row."""

    id: str
    error_type: str
    reason: str

    def to_wire(self) -> dict[str, str]:
        """Render for a job's metadata."""
        return {"id": self.id, "type": self.error_type, "reason": self.reason}


@dataclass(slots=True, kw_only=True)
class SliceStats:
    """Progress of one slice."""

    name: str
    estimated_rows: int | None = None
    started_at: float
    finished_at: float | None = None
    readings: int = 1
    compared_by: ComparedBy = ComparedBy.CONTENT
    reason: str = ""
    """Why the content is compared though an earlier job left a position."""
    tally: Tally = field(default_factory=Tally)
    abandoned: Tally = field(default_factory=Tally)
    """The best of the earlier readings, field by field."""

    def read_again(self) -> None:
        """Start counting from the first row; what was counted before stays as a floor."""
        self.abandoned = Tally(
            **{name: max(getattr(self.abandoned, name), getattr(self.tally, name)) for name in COUNTS}
        )
        self.tally = Tally()
        self.readings += 1

    def shown(self, count: str) -> int:
        """Return a count as it is reported: never less than an earlier reading reached."""
        current: int = getattr(self.tally, count)
        if self.finished_at is not None and self.tally.read == self.tally.settled:
            return current
        earlier: int = getattr(self.abandoned, count)
        return max(current, earlier)

    def rows_per_second(self, now: float) -> float:
        """Rows read a second since the slice started."""
        seconds = (self.finished_at or now) - self.started_at
        return self.tally.read / seconds if seconds > 0 else 0.0

    def seconds_left(self, now: float) -> float | None:
        """Estimate the time to the last row; None if there is no estimate or no speed yet."""
        rate = self.rows_per_second(now)
        if self.estimated_rows is None or rate == 0:
            return None
        return max(self.estimated_rows - self.tally.read, 0) / rate

    def to_wire(self, now: float) -> dict[str, Any]:
        """Render for a job's metadata."""
        left = self.seconds_left(now) if self.finished_at is None else 0.0
        return {
            "name": self.name,
            "rows": self.tally.read,
            "estimated_rows": self.estimated_rows,
            "rows_per_second": round(self.rows_per_second(now)),
            "seconds_left": None if left is None else round(left),
            "finished": self.finished_at is not None,
            "readings": self.readings,
            "compared_by": self.compared_by.value,
            **({"reason": self.reason} if self.reason else {}),
            **({"rows_skipped": self.tally.skipped} if self.tally.skipped else {}),
        }

    def refused_to_wire(self) -> dict[str, Any]:
        """Render what was refused of the slice: how many documents, a few of them and why."""
        first = self.tally.refusals[0] if self.tally.refusals else None
        return {
            "name": self.name,
            "count": self.tally.rejected,
            "stale": self.tally.stale,
            "ids": [one.id for one in self.tally.refusals[:REFUSALS_SHOWN]],
            "reason": "" if first is None else f"{first.error_type}: {first.reason}",
        }


COUNTS: Final = tuple(name for name in Tally.__dataclass_fields__ if name != "refusals")


@dataclass(slots=True, kw_only=True)
class Stats:
    """What one sync has done so far."""

    slices: list[SliceStats] = field(default_factory=list)
    earlier: dict[tuple[str, ComparedBy], SliceStats] = field(default_factory=dict)
    """What became of `slices` in the rounds before, of a job that goes over them again and again."""
    slices_total: int | None = None
    deleted: int = 0
    excluded: int = 0
    """Those of the deleted documents that the sync rules exclude."""
    spared: int = 0
    """Stale documents that were not deleted because somebody wrote them meanwhile."""
    backpressure: Backpressure = field(default_factory=Backpressure)
    written: int = 0
    """Writes Elasticsearch acknowledged, of documents that were sent again too."""
    reason: str = ""
    """Why every slice is compared by its content, where a job was to read less."""
    sent_bytes: int = 0
    """Bytes of all request bodies, as they went over the wire, repeated ones included."""
    requests: int = 0
    total_documents: int | None = None
    """How many documents the index holds; known at the end."""
    rejections: list[Rejection] = field(default_factory=list)
    """A bounded sample."""
    warnings: list[str] = field(default_factory=list)
    following: Following | None = None
    clock: Callable[[], float] = time.monotonic

    def start_slice(
        self,
        name: str,
        estimated_rows: int | None,
        *,
        compared_by: ComparedBy = ComparedBy.CONTENT,
        reason: str = "",
    ) -> SliceStats:
        """Begin to count a slice, which may be compared twice, in different ways."""
        started = SliceStats(
            name=name,
            estimated_rows=estimated_rows,
            started_at=self.clock(),
            compared_by=compared_by,
            reason=reason,
        )
        self.slices.append(started)
        return started

    def checkpoint(self) -> "Stats":
        """Remember how far the counts are, for `since`."""
        return Stats(slices=list(self.slices), spared=self.spared)

    def since(self, before: "Stats") -> "Stats":
        """Return what was counted after a checkpoint; warnings are added to both."""
        return Stats(
            slices=self.slices[len(before.slices) :],
            spared=self.spared - before.spared,
            warnings=self.warnings,
        )

    def forget_slices(self, compared_by: ComparedBy, names: Collection[str]) -> None:
        """Drop slices that could not be compared in this way, and of which nothing was read."""
        self.slices = [
            one for one in self.slices if one.compared_by is not compared_by or one.name not in names
        ]

    def finish_slice(self, finished: SliceStats) -> None:
        """Note that a slice was read to its end and acknowledged."""
        finished.finished_at = self.clock()

    @property
    def read(self) -> int:
        """Rows read."""
        return self._sum("read")

    @property
    def created(self) -> int:
        """Documents that were not in the index before."""
        return self._sum("created")

    @property
    def updated(self) -> int:
        """Documents that were overwritten."""
        return self._sum("updated")

    @property
    def indexed(self) -> int:
        """Documents created or updated, each acknowledged."""
        return self._sum("indexed")

    @property
    def indexed_bytes(self) -> int:
        """Serialized bytes of the indexed documents."""
        return self._sum("indexed_bytes")

    @property
    def unchanged(self) -> int:
        """Rows whose documents were in the index already."""
        return self._sum("unchanged")

    @property
    def filtered(self) -> int:
        """Rows the basic sync rules excluded."""
        return self._sum("filtered")

    @property
    def dropped(self) -> int:
        """Documents the ingest pipeline dropped."""
        return self._sum("dropped")

    @property
    def rejected(self) -> int:
        """Documents Elasticsearch refused."""
        return self._sum("rejected")

    @property
    def nulled(self) -> int:
        """Values replaced by null because JSON cannot hold them or they were over the size cap."""
        return self._sum("nulled")

    def counts(self) -> dict[str, int]:
        """Return the counts by name, for the log and the job's metadata."""
        names = (
            "read", "created", "updated", "unchanged", "filtered", "dropped", "rejected", "nulled", "skipped",
        )  # fmt: skip
        counts = {name: self._sum(name) for name in names}
        return counts | {
            "deleted": self.deleted,
            "excluded": self.excluded,
            "stale": sum(one.tally.stale for one in self.all_slices),
            "sent_bytes": self.sent_bytes,
        }

    def to_wire(self) -> dict[str, Any]:
        """Render as the body of a sync job's `_stats` request."""
        wire: dict[str, Any] = {
            "indexed_document_count": self.indexed,
            "indexed_document_volume": round(self.indexed_bytes / MEBIBYTE),
            "deleted_document_count": self.deleted,
            "metadata": self.metadata(),
        }
        if self.total_documents is not None:
            wire["total_document_count"] = self.total_documents
        return wire

    def metadata(self) -> dict[str, Any]:
        """Render what a job document says beyond the three counts of the protocol."""
        now = self.clock()
        return {
            "counts": self.counts(),
            "slices_total": self.slices_total,
            "slices_finished": len({one.name for one in self.all_slices if one.finished_at is not None}),
            **({"compared_in_full": self.reason} if self.reason else {}),
            **({"following": self.following.to_wire()} if self.following is not None else {}),
            "slices": [one.to_wire(now) for one in self.all_slices[-SLICES_SHOWN:]],
            "refused": [one.refused_to_wire() for one in self.all_slices if one.tally.rejected][
                :SLICES_SHOWN
            ],
            "rejections": [one.to_wire() for one in self.rejections],
            "warnings": list(self.warnings),
        }

    def _sum(self, count: str) -> int:
        return sum(one.shown(count) for one in self.all_slices)

    @property
    def all_slices(self) -> list[SliceStats]:
        """What was counted of each slice, in the rounds before too."""
        return [*self.earlier.values(), *self.slices]

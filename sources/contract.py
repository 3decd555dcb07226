"""The contract between the service and a source, as small as it can be.

A source is opened, checked and asked for its slices; a slice is read in batches:

    async with registry.find(SOURCES, service_type)(configuration) as source:
        await source.ping()
        for slice_ in await source.slices(advanced_rules, seed):
            async with aclosing(slice_.batches(is_unchanged)) as batches:
                async for batch in batches: ...

A batch is a block of bytes, because one Python object for each row would be too slow:

    line  = id  ID_END  hash  HASH_END  members  LF
    id      the document's id as a JSON string, quotes included
    hash    a signed 64-bit decimal; equal hashes of one id mean an equal document
    members the document's JSON object without its opening brace, so that a reader can put its own first

JSON text contains no raw control character, so none of ID_END, HASH_END and LF can occur inside a part; and
as they differ, one `bytes.replace` each turns a block into requests.
"""

from collections.abc import AsyncGenerator, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from sources.network import Network

if TYPE_CHECKING:  # takes longer to import than commands that read no row take to run
    import numpy as np
    from numpy.typing import NDArray

ID_END = b"\x01"
HASH_END = b"\x02"

ADDED_MEMBERS = frozenset(
    {"_timestamp", "_content_hash", "_extract_binary_content", "_reduce_whitespace", "_run_ml_inference"}
)
"""Members that the service adds to every document. A source gives no field one of these names."""

Key = Hashable
"""What identifies a row of a slice, as its source tells it (`sources.feed`) and nobody else reads it."""

IsUnchanged = Callable[[bytes], "NDArray[np.bool_]"]
"""Told a block of lines, says for each line whether its document is known as it is.

A line is as above, or only its start: `id ID_END hash LF`, or `id ID_END hash HASH_END anything LF` where a
source keeps what it needs to find the row again. The block is read with a few array operations, so it is
handed over as it came from the wire; the answer has one element a line. Blocks of 64 KiB to 1 MiB are
cheapest.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A block of rows read from one slice, in the line format of this module."""

    lines: bytes
    """Documents, one a line, the last one terminated too. May be empty."""
    count: int
    """How many lines there are."""
    unchanged: int = 0
    """How many further rows were read whose documents `is_unchanged` knew; they are not in `lines`."""
    nulled: int = 0
    """How many values were replaced by null because JSON cannot hold them or they were over the size cap."""
    absent: tuple[str, ...] = ()
    """Ids of documents for which there is no row: only where rows were asked for by their keys."""
    mapping: Mapping[str, Any] | None = None
    """`properties` that take the place of `Slice.mapping`: the first batch of a reading whose fields are not
    those the slice was discovered with says them, before any document that has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that would stop a sync, or that a person should know, with its remedy."""

    problem: str
    remedy: str
    is_fatal: bool = True
    subjects: tuple[str, ...] = ()
    """What it concerns, complete, where `problem` names only the first of many."""

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleProblem:
    """A rule that cannot be used: the ids of the rules it concerns and one sentence each."""

    ids: tuple[str, ...]
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTest:
    """One step of deciding which documents are wanted: the first test that matches decides, none keeps.

    Compares as a basic sync rule of the Connector protocol does, with what its value means said beside it.
    """

    field: str
    operator: str
    """`equals`, `starts_with`, `ends_with`, `contains`, `regex`, `>` or `<`."""
    text: str
    number: Decimal | None
    """What a number is compared with; None if the text is no number, which matches none."""
    boolean: bool | None
    """What a boolean is compared with; None if the text is neither true nor false."""
    is_instant: bool
    """Whether a text that is a date or time is compared as such."""
    keeps: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a connector's configuration asks of whoever syncs it."""

    rewrites: bool = False
    """Whether to send every document, changed or not."""
    derives_mappings: bool = True
    """Whether an index that is created for it gets the mappings of its slices."""
    readings: int = 3
    """How often a slice is read at most when the source is lost on the way."""
    max_deleted_share: float = 0.5
    """Which share of a slice's documents one job may delete at most; 1 for any."""
    rejected_index: str = ""
    """Where to keep what Elasticsearch refuses; empty for nowhere."""
    follows: bool = False
    """Whether to stay in step with the source, instead of syncing when somebody asks."""
    follow_seconds: float = 2.0
    """How often to look for changes where the source does not tell them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a source can do, in the protocol's words (`features` of a connector document)."""

    basic_sync_rules: bool = True
    advanced_sync_rules: bool = False
    incremental_sync: bool = False
    document_level_security: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """All rows of a slice in one number each: equal digests of one slice mean equal documents."""

    rows: int
    sums: str
    """Sums of row hashes in which the key, the seed and everything a document shows take part."""


class Snapshot(Protocol):
    """A slice at one moment: whatever is asked of it is answered by the same rows.

    A slice without a history answers `incompatibility` with the reason, and is compared in full.
    """

    @property
    def position(self) -> str | None:
        """This moment, for a later snapshot to tell what changed since; None if none will be able to."""

    def incompatibility(self, since: str | None) -> str | None:
        """Say in a sentence why what changed since a position cannot be told; None if it can.

        None as a position stands for never.
        """

    def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        """Read every row, as `Slice.batches` does."""

    def changes(self, since: str) -> AsyncGenerator[Batch, None]:
        """Read every row that is not the row it was at `since`, and perhaps some that are.

        `incompatibility` has returned None for the position. Deleted rows are not among them; `count` shows
        that there are some.
        """

    def rows(self, keys: Sequence[Key]) -> AsyncGenerator[Batch, None]:
        """Read the rows with these keys, which a feed told of this slice, and tell those that are absent.

        Absent is a row that `batches` would not read: it is gone, or not wanted. Each key leads to one line
        or one id in `Batch.absent`, and no id is in both.
        """

    async def count(self) -> int:
        """Count the rows that `batches` would read."""

    async def digest(self) -> Digest | None:
        """Sum up all rows without reading them; None if that is no cheaper than reading."""


class Slice(Protocol):
    """The unit that is read completely or not at all: for a database, a table or an advanced rule."""

    @property
    def name(self) -> str:
        """How a person calls it, e.g. `public.album`."""

    @property
    def estimated_rows(self) -> int | None:
        """About how many rows it has, for progress; None if unknown."""

    @property
    def mapping(self) -> Mapping[str, Any]:
        """Elasticsearch `properties` of its fields, derived from their types."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Its fields by name, each with the column it is made of, as a person calls it."""

    @property
    def scope(self) -> Mapping[str, str] | None:
        """Members which all documents of this slice carry and no other's do; None if there are none."""

    def narrowed(self, tests: Sequence[RowTest]) -> "Slice | None":
        """Return this slice without the documents the tests do not keep.

        None if it cannot leave out exactly those; the caller then looks at every document itself.
        """

    def batches(self, is_unchanged: IsUnchanged | None = None) -> AsyncGenerator[Batch, None]:
        """Read the whole slice under one snapshot.

        Ends normally only when every row was read; any doubt is an exception. Called again, it starts again
        from the first row on a new snapshot. With `is_unchanged`, every row read is asked about exactly once
        (the reader counts), and the rows it knows are counted in `Batch.unchanged` instead of being rendered
        into `Batch.lines`; a source that can read hashes cheaper than documents reads the hashes first, under
        the same snapshot.

        Raises SourceUnavailableError if reading again may succeed, SourceConfigurationError otherwise.
        """

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Open the slice at this moment.

        Leaving it in order proves that what was read was whole; any doubt is an exception then. Raises as
        `batches` does.
        """


class Source(Protocol):
    """One configured source. Built complete; opened with `async with`."""

    service_type: ClassVar[str]
    name: ClassVar[str]
    fields: ClassVar[Mapping[str, Mapping[str, Any]]]
    """The configuration schema, each field as `sources.fields` makes it."""
    features: ClassVar[Features]
    members: ClassVar[Mapping[str, Any]]
    """Elasticsearch `properties` of the members that every document has besides `id` and its row's fields."""

    network: ClassVar[Network]
    """Which addresses may not be connected to, whatever the configuration says; the registry replaces it."""

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        """Take plain values by field name. Raises SourceConfigurationError naming every problem at once."""

    @property
    def preferences(self) -> Preferences:
        """What the configuration asks of whoever syncs this source."""

    @property
    def scope(self) -> Mapping[str, str]:
        """Members which all documents of this source carry and no other source's do, e.g. `database`."""

    async def __aenter__(self) -> Self:
        """Acquire what reading needs. Connects lazily or at once, as suits the source."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release everything within seconds, whatever state the source is in."""

    async def ping(self) -> None:
        """Prove that the source answers with these credentials. Raises SourceError."""

    async def check(self, advanced_rules: Any) -> Sequence[Finding]:
        """Report everything that would stop a sync or surprise its owner, each finding with its remedy.

        With an advanced snippet's value, empty for none: what a sync by these rules does not read cannot stop
        it. What is wrong with the rules themselves `validate` says.
        """

    async def state(self) -> str | None:
        """Name the state that all rows are in; the same name later: nothing was changed in between.

        None if that cannot be told. Says nothing about slices without `Snapshot.position`.
        """

    async def validate(self, advanced_rules: Any) -> Sequence[RuleProblem]:
        """Say what is wrong with an advanced snippet's value; nothing if it can be used."""

    async def slices(self, advanced_rules: Any, seed: int) -> Sequence[Slice]:
        """Discover what this sync reads. What cannot be read is an error, never left out.

        `advanced_rules` is the snippet's value, empty for none. `seed` (signed 64-bit) enters every hash, so
        that a caller who sends documents differently gets different hashes.
        """

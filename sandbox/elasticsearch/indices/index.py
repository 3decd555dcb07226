"""One index: its documents as written, and its documents as searches see them.

    write  ->  _live (what GET by id sees at once)
           ->  _pending  --refresh-->  _searchable (what searches see)

A refresh happens when one is asked for, or by itself when a search comes a refresh interval after the
oldest write that no search has seen. A `Document` is immutable, so a point in time is no more than a list
of references.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.clock import Clock
from sandbox.elasticsearch.indices.settings import IndexSettings
from sandbox.elasticsearch.json import exact
from sandbox.elasticsearch.mapping import Mapping as IndexMapping

DROPPED_VERSION = -3


class Document(NamedTuple):
    """One version of one document. `source` is what was sent, byte for byte."""

    id: str
    source: bytes
    version: int
    seq_no: int
    primary_term: int

    def parsed(self) -> dict[str, Any]:
        """The source as a new dictionary."""
        value: dict[str, Any] = orjson.loads(self.source)
        return value


class Write(NamedTuple):
    """What a write did: `created`, `updated`, `deleted`, `not_found` or `noop`."""

    result: str
    id: str
    version: int
    seq_no: int
    primary_term: int

    @property
    def status(self) -> int:
        """The HTTP status that goes with the result."""
        return {"created": 201, "not_found": 404}.get(self.result, 200)


class Index:
    """An index with one shard and real versions."""

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        settings: IndexSettings | None = None,
        mapping: IndexMapping | None = None,
        aliases: Mapping[str, Mapping[str, Any]] | None = None,
        hidden: bool = False,
    ) -> None:
        self.name = name
        self.uuid = secrets.token_urlsafe(16)
        self.history_uuid = secrets.token_urlsafe(16)
        self.created_at_milliseconds = clock.milliseconds()
        self.settings = settings or IndexSettings()
        self.mapping = mapping or IndexMapping()
        self.aliases: dict[str, dict[str, Any]] = {name: dict(body) for name, body in (aliases or {}).items()}
        self.is_hidden = hidden
        self.is_closed = False
        self.keeps_sources = True
        self.primary_term = 1
        self.refreshes = 0
        self._clock = clock
        self._next_seq_no = 0
        self._live: dict[str, Document] = {}
        self._searchable: dict[str, Document] = {}
        self._pending: dict[str, Document | None] = {}
        self._pending_since = 0.0
        self._deleted_versions: dict[str, int] = {}
        self._frozen: Sequence[Document] | None = None

    # reading

    def __len__(self) -> int:
        """How many documents there are, refreshed or not."""
        return len(self._live)

    def get(self, document_id: str) -> Document | None:
        """The document as last written, whether refreshed or not."""
        return self._live.get(document_id)

    def searchable(self) -> Mapping[str, Document]:
        """The documents searches see now, by id."""
        self._refresh_if_due()
        return self._searchable

    def snapshot(self) -> Sequence[Document]:
        """The documents searches see now, oldest write first; never changes afterwards."""
        self._refresh_if_due()
        if self._frozen is None:
            self._frozen = list(self._searchable.values())
        return self._frozen

    def stored_bytes(self) -> int:
        """The size of all sources together."""
        return sum(len(document.source) for document in self._live.values())

    # writing

    def index(
        self,
        document_id: str | None,
        source: bytes | Mapping[str, Any],
        *,
        parsed: Mapping[str, Any] | None = None,
        op_type: str = "index",
        if_seq_no: int | None = None,
        if_primary_term: int | None = None,
        external_version: int | None = None,
        version_type: str = "internal",
    ) -> Write:
        """Write a whole document under this id, or under a generated one.

        Raises `version_conflict_engine_exception` if the guards do not hold or, with `op_type="create"`, if
        the document exists; and `document_parsing_exception` if the mapping does not take it. `parsed`
        spares reading `source` again.
        """
        if document_id is None:
            document_id = generated_id()
        previous = self._live.get(document_id)
        if op_type == "create" and previous is not None:
            raise self._conflict(
                document_id, f"document already exists (current version [{previous.version}])"
            )
        if if_seq_no is not None:
            self._check_guard(document_id, previous, if_seq_no, if_primary_term)
        if not isinstance(source, bytes):
            parsed = source
            source = exact.dumps(source)
        if self.keeps_sources:
            self.mapping.accept(document_id, source, parsed)
        else:
            source = b"{}"
        version = self._version_after(document_id, previous, external_version, version_type)
        document = Document(document_id, source, version, self._take_seq_no(), self.primary_term)
        self._put(document)
        return Write(
            "created" if previous is None else "updated",
            document_id,
            version,
            document.seq_no,
            document.primary_term,
        )

    def update(
        self,
        document_id: str,
        *,
        doc: Mapping[str, Any] | None = None,
        upsert: Mapping[str, Any] | None = None,
        doc_as_upsert: bool = False,
        detect_noop: bool = True,
        if_seq_no: int | None = None,
        if_primary_term: int | None = None,
        ingest: Callable[[Mapping[str, Any]], dict[str, Any] | None] | None = None,
    ) -> Write:
        """Merge `doc` into the document: objects recursively, everything else replaced.

        A merge that changes nothing is a `noop` and writes nothing. A missing document is created from
        `upsert`, or from `doc` with `doc_as_upsert`; otherwise `document_missing_exception`. What is to be
        written goes through `ingest`, where it may be dropped: a `noop`, too.
        """
        previous = self._live.get(document_id)
        if previous is None:
            created = doc if doc_as_upsert else upsert
            if created is None or if_seq_no is not None:
                raise errors.document_missing(document_id, index=self.name, index_uuid=self.uuid)
            source = created if ingest is None else ingest(created)
            if source is None:
                return Write("noop", document_id, DROPPED_VERSION, -1, 0)
            return self.index(document_id, source)
        if if_seq_no is not None:
            self._check_guard(document_id, previous, if_seq_no, if_primary_term)
        before = previous.parsed()
        after = merged(before, doc or {})
        if detect_noop and same_json(after, before):
            return Write("noop", document_id, previous.version, previous.seq_no, previous.primary_term)
        written = after if ingest is None else ingest(after)
        if written is None:
            return Write("noop", document_id, previous.version, previous.seq_no, previous.primary_term)
        return self.index(document_id, written)

    def delete(
        self,
        document_id: str,
        *,
        if_seq_no: int | None = None,
        if_primary_term: int | None = None,
        external_version: int | None = None,
        version_type: str = "internal",
    ) -> Write:
        """Remove the document; `not_found` if there is none (which takes a sequence number, too)."""
        previous = self._live.get(document_id)
        if if_seq_no is not None:
            self._check_guard(document_id, previous, if_seq_no, if_primary_term)
        version = self._version_after(document_id, previous, external_version, version_type)
        self._deleted_versions[document_id] = version
        seq_no = self._take_seq_no()
        if previous is None:
            return Write("not_found", document_id, version, seq_no, self.primary_term)
        del self._live[document_id]
        self._note_pending(document_id, None)
        return Write("deleted", document_id, version, seq_no, self.primary_term)

    def refresh(self) -> None:
        """Make every write so far visible to searches."""
        self.refreshes += 1
        if not self._pending:
            return
        searchable = self._searchable
        if not searchable and None not in self._pending.values():
            self._searchable = dict(self._pending)  # type: ignore[arg-type]  # no value is None
        else:
            for document_id, document in self._pending.items():
                # Taken out first: an updated document moves to the end, as it does on disk.
                searchable.pop(document_id, None)
                if document is not None:
                    searchable[document_id] = document
        self._pending = {}
        self._frozen = None

    def clear(self) -> None:
        """Forget every document, as if the index had just been created."""
        self._live, self._searchable, self._pending = {}, {}, {}
        self._deleted_versions = {}
        self._frozen = None

    # below: the steps of a write

    def _put(self, document: Document) -> None:
        self._live[document.id] = document
        self._note_pending(document.id, document)

    def _note_pending(self, document_id: str, document: Document | None) -> None:
        pending = self._pending
        if not pending:
            self._pending_since = self._clock.elapsed_seconds()
        elif document_id in pending:
            del pending[document_id]
        pending[document_id] = document

    @property
    def max_seq_no(self) -> int:
        """The number of the last write; -1 before the first."""
        return self._next_seq_no - 1

    def _take_seq_no(self) -> int:
        seq_no = self._next_seq_no
        self._next_seq_no = seq_no + 1
        return seq_no

    def _refresh_if_due(self) -> None:
        interval = self.settings.refresh_interval_seconds
        if (
            self._pending
            and interval >= 0
            and self._clock.elapsed_seconds() - self._pending_since >= interval
        ):
            self.refresh()

    def _version_after(
        self, document_id: str, previous: Document | None, external: int | None, version_type: str
    ) -> int:
        if previous is not None:
            current = previous.version
        elif self._deleted_versions:
            current = self._deleted_versions.get(document_id, 0)
        else:
            current = 0
        if external is None or version_type == "internal":
            return current + 1
        is_newer = external >= current if version_type == "external_gte" else external > current
        if current and not is_newer:
            sign = "higher than" if version_type == "external_gte" else "higher or equal to"
            raise self._conflict(
                document_id, f"current version [{current}] is {sign} the one provided [{external}]"
            )
        return external

    def _check_guard(
        self, document_id: str, previous: Document | None, seq_no: int, primary_term: int | None
    ) -> None:
        required = f"required seqNo [{seq_no}], primary term [{primary_term}]"
        if previous is None:
            raise self._conflict(document_id, f"{required}. but no document was found")
        if (previous.seq_no, previous.primary_term) != (seq_no, primary_term):
            raise self._conflict(
                document_id,
                f"{required}. current document has seqNo [{previous.seq_no}] "
                f"and primary term [{previous.primary_term}]",
            )

    def _conflict(self, document_id: str, explanation: str) -> errors.ElasticsearchError:
        return errors.version_conflict(document_id, explanation, index=self.name, index_uuid=self.uuid)


def generated_id() -> str:
    """An id as the server generates it: 20 URL-safe characters."""
    return secrets.token_urlsafe(15)


def merged(before: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A partial document merged into a document: objects recursively, arrays and scalars replaced."""
    result = dict(before)
    for name, value in change.items():
        present = result.get(name)
        if isinstance(present, dict) and isinstance(value, Mapping):
            result[name] = merged(present, value)
        else:
            result[name] = value
    return result


def same_json(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same; unlike `==`, true is not 1 and 1 is not 1.0."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_json(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_json, left, right))
    return type(left) is type(right) and bool(left == right)

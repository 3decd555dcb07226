"""The body of an update: a partial document, an upsert, or a script that the double can run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.documents import scripts
from sandbox.elasticsearch.documents.source_filter import SourceFilter
from sandbox.elasticsearch.indices import DROPPED_VERSION, Index, Write

MEMBERS = frozenset(
    {
        "doc",
        "upsert",
        "doc_as_upsert",
        "detect_noop",
        "script",
        "scripted_upsert",
        "_source",
        "if_seq_no",
        "if_primary_term",
    }
)
Ingest = Callable[[Mapping[str, Any]], dict[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateBody:
    """What an update asks for."""

    doc: Mapping[str, Any] | None = None
    upsert: Mapping[str, Any] | None = None
    script: scripts.Script | None = None
    doc_as_upsert: bool = False
    scripted_upsert: bool = False
    detect_noop: bool = True
    source: SourceFilter | None = None

    @classmethod
    def from_wire(cls, body: Any) -> "UpdateBody":
        """Read the body; refuses unknown members, and `script` together with `doc`."""
        if not isinstance(body, dict):
            raise errors.parsing("[UpdateRequest] Expected START_OBJECT")
        unknown = next((name for name in body if name not in MEMBERS), None)
        if unknown is not None:
            raise errors.parsing(f"[UpdateRequest] unknown field [{unknown}]", column=2)
        if body.get("script") is not None and body.get("doc") is not None:
            raise errors.validation("can't provide both script and doc")
        if body.get("script") is None and body.get("doc") is None:
            raise errors.validation("script or doc is missing")
        for name in ("doc", "upsert"):
            if body.get(name) is not None and not isinstance(body[name], dict):
                raise errors.parsing(f"[UpdateRequest] failed to parse field [{name}]", column=2)
        source = body.get("_source")
        return cls(
            doc=body.get("doc"),
            upsert=body.get("upsert"),
            script=scripts.Script.from_wire(body["script"]) if body.get("script") is not None else None,
            doc_as_upsert=_flag(body, "doc_as_upsert", default=False),
            scripted_upsert=_flag(body, "scripted_upsert", default=False),
            detect_noop=_flag(body, "detect_noop", default=True),
            source=SourceFilter.from_wire(source) if source is not None else None,
        )

    def ingested(self, ingest: Ingest | None) -> "UpdateBody | None":
        """Return the update with what pipelines make of the document it may write; None if they drop it.

        So does a bulk request, which does not know yet whether there is a document.
        """
        written = self.doc if self.doc_as_upsert else self.upsert
        if ingest is None or written is None:
            return self
        source = ingest(written)
        if source is None:
            return None
        return replace(self, doc=source) if self.doc_as_upsert else replace(self, upsert=source)

    def apply(
        self,
        index: Index,
        document_id: str,
        *,
        if_seq_no: int | None,
        if_primary_term: int | None,
        now_milliseconds: int,
        ingest: Ingest | None = None,
    ) -> Write:
        """Carry the update out on one document; what is then written goes through `ingest`."""
        if self.script is None:
            return index.update(
                document_id,
                doc=self.doc,
                upsert=self.upsert,
                doc_as_upsert=self.doc_as_upsert,
                detect_noop=self.detect_noop,
                if_seq_no=if_seq_no,
                if_primary_term=if_primary_term,
                ingest=ingest,
            )
        previous = index.get(document_id)
        if previous is None:
            return self._insert(self.script, index, document_id, now_milliseconds, ingest)
        source, operation = self.script.run(previous.parsed(), now_milliseconds)
        match operation:
            case "none" | "noop":
                return Write("noop", document_id, previous.version, previous.seq_no, previous.primary_term)
            case "delete":
                return index.delete(document_id, if_seq_no=if_seq_no, if_primary_term=if_primary_term)
            case _:
                written = source if ingest is None else ingest(source)
                if written is None:
                    return Write(
                        "noop", document_id, previous.version, previous.seq_no, previous.primary_term
                    )
                return index.index(document_id, written, if_seq_no=if_seq_no, if_primary_term=if_primary_term)

    def _insert(
        self,
        script: scripts.Script,
        index: Index,
        document_id: str,
        now_milliseconds: int,
        ingest: Ingest | None,
    ) -> Write:
        """Write the upsert where there is no document, as the script changes it if it is to."""
        if self.upsert is None:
            raise errors.document_missing(document_id, index=index.name, index_uuid=index.uuid)
        source = dict(self.upsert)
        if self.scripted_upsert:
            source, operation = script.run(source, now_milliseconds)
            if operation not in ("index", "create"):  # there is nothing to delete
                return Write("noop", document_id, -1, -2, 0)
        written = source if ingest is None else ingest(source)
        if written is None:
            return Write("noop", document_id, DROPPED_VERSION, -1, 0)
        return index.index(document_id, written)


def _flag(body: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = body.get(name, default)
    if value in ("true", "false"):
        return bool(value == "true")
    if not isinstance(value, bool):
        raise errors.parsing(f"[UpdateRequest] {name} doesn't support values of this type", column=2)
    return value

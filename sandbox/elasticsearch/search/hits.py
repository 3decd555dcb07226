"""A hit as the answer shows it: source, doc values, fields, sort values, sequence numbers."""

import fnmatch
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.indices import Index
from sandbox.elasticsearch.mapping import Field, dates
from sandbox.elasticsearch.mapping.fields import DATES
from sandbox.elasticsearch.search.candidates import Candidate, is_analyzed
from sandbox.elasticsearch.search.search_body import SearchBody
from sandbox.elasticsearch.search.sorting import fielddata_disabled
from sandbox.elasticsearch.search.views import Hit

SEQ_NO = Field("_seq_no", "long")


class Column(NamedTuple):
    """A field that hits show: as it was asked for, as it is mapped, and in which format."""

    path: str
    field: Field
    format: str | None


class Columns(NamedTuple):
    """The columns of the hits of one index."""

    doc_values: tuple[Column, ...]
    fields: tuple[Column, ...]


def to_wire(found: Sequence[Hit], search: SearchBody) -> list[dict[str, Any]]:
    """The entries of `hits.hits`."""
    columns: dict[int, Columns] = {}
    return [_entry(hit, search, columns) for hit in found]


def _entry(hit: Hit, search: SearchBody, columns: dict[int, Columns]) -> dict[str, Any]:
    candidate = hit.candidate
    document = candidate.document
    wire: dict[str, Any] = {"_index": candidate.index.name}
    if not search.without_stored_fields:
        wire["_id"] = document.id
    if search.with_version:
        wire["_version"] = document.version
    if search.with_seq_no:
        wire["_seq_no"] = document.seq_no
        wire["_primary_term"] = document.primary_term
    wire["_score"] = hit.score
    if search.source.wants_any and not search.without_stored_fields:
        wire["_source"] = search.source.apply(document)
    if search.docvalue_fields or search.fields:
        known = columns.get(id(candidate.index))
        if known is None:
            known = columns[id(candidate.index)] = _columns(candidate.index, search)
        fields = _doc_values(candidate, known.doc_values) | _fields(candidate, known.fields)
        if fields:
            wire["fields"] = fields
    if hit.sort is not None:
        wire["sort"] = hit.sort
    return wire


def _columns(index: Index, search: SearchBody) -> Columns:
    doc_values = tuple(_expanded(index, search.docvalue_fields))
    for column in doc_values:
        if is_analyzed(column.field):
            raise errors.search_failed(fielddata_disabled(column.field, index), index=index.name)
    return Columns(doc_values, tuple(_expanded(index, search.fields)))


def _expanded(index: Index, wanted: Sequence[Any]) -> Iterator[Column]:
    """The mapped fields that entries of a request name, also by patterns."""
    for entry in wanted:
        pattern = entry.get("field") if isinstance(entry, dict) else entry
        format_ = entry.get("format") if isinstance(entry, dict) else None
        if not isinstance(pattern, str):
            raise errors.query_parsing("[fields] expected a field name")
        for path in _matching(index, pattern):
            field = SEQ_NO if path == SEQ_NO.path else index.mapping.field(path)
            if field is not None and not field.is_object:
                yield Column(path, field, format_)


def _matching(index: Index, pattern: str) -> list[str]:
    if "*" not in pattern:
        return [pattern]
    leaves = index.mapping.leaves()
    paths = [path for leaf in leaves for path in (leaf.path, *(sub.path for sub in leaf.fields.values()))]
    return [path for path in paths if fnmatch.fnmatchcase(path, pattern)]


def _doc_values(candidate: Candidate, columns: Sequence[Column]) -> dict[str, list[Any]]:
    result: dict[str, list[Any]] = {}
    for path, field, format_ in columns:
        if field is SEQ_NO:
            result[path] = [candidate.document.seq_no]
        elif values := candidate.values(field):
            ordered = values if len(values) == 1 else sorted(_distinct(field, values))
            result[path] = [_formatted(field, value, format_) for value in ordered]
    return result


def _distinct(field: Field, values: list[Any]) -> list[Any]:
    # Doc values of terms are sets, those of numbers keep duplicates.
    return list(set(values)) if field.type in ("keyword", "ip", "version", "wildcard") else values


def _fields(candidate: Candidate, columns: Sequence[Column]) -> dict[str, list[Any]]:
    return {
        path: [_formatted(field, value, format_) for value in values]
        for path, field, format_ in columns
        if field is not SEQ_NO and (values := candidate.values(field))
    }


def _formatted(field: Field, value: Any, format_: str | None) -> Any:
    if field.type not in DATES:
        return value
    try:
        return dates.printed(value, format_ or field.format)
    except ValueError as error:
        raise errors.illegal_argument(f"Invalid format: [{format_}]: {error}") from None

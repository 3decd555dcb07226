"""A hit as the answer shows it: source, doc values, fields, sort values, sequence numbers."""

import fnmatch
from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.mapping import Field, dates
from sandbox.elasticsearch.mapping.fields import DATES
from sandbox.elasticsearch.search.candidates import Candidate, is_analyzed, shown
from sandbox.elasticsearch.search.search_body import SearchBody
from sandbox.elasticsearch.search.selection import Hit
from sandbox.elasticsearch.search.sorting import fielddata_disabled


def to_wire(hit: Hit, search: SearchBody) -> dict[str, Any]:
    """One entry of `hits.hits`."""
    candidate = hit.candidate
    document = candidate.document
    wire: dict[str, Any] = {"_index": candidate.index.name, "_id": document.id}
    if search.without_stored_fields:
        del wire["_id"]
    if search.with_version:
        wire["_version"] = document.version
    if search.with_seq_no:
        wire["_seq_no"] = document.seq_no
        wire["_primary_term"] = document.primary_term
    wire["_score"] = hit.score
    if search.source.wants_any and not search.without_stored_fields:
        wire["_source"] = search.source.apply(document)
    if search.docvalue_fields or search.fields:
        fields = {**_doc_values(candidate, search.docvalue_fields), **_fields(candidate, search.fields)}
        if fields:
            wire["fields"] = fields
    if hit.sort is not None:
        wire["sort"] = hit.sort
    return wire


def _doc_values(candidate: Candidate, wanted: Sequence[Any]) -> dict[str, list[Any]]:
    result: dict[str, list[Any]] = {}
    for entry in wanted:
        for path, format_ in _expanded(candidate, entry):
            if path == "_seq_no":
                result[path] = [candidate.document.seq_no]
                continue
            field = candidate.index.mapping.field(path)
            if field is None or field.is_object:
                continue
            if is_analyzed(field):
                raise errors.search_failed(
                    fielddata_disabled(field, candidate.index), index=candidate.index.name
                )
            values = candidate.values(field)
            if values:
                ordered = values if len(values) == 1 else sorted(_distinct(field, values))
                result[path] = [_formatted(field, value, format_) for value in ordered]
    return result


def _distinct(field: Field, values: list[Any]) -> list[Any]:
    # Doc values of terms are sets, those of numbers keep duplicates.
    return list(set(values)) if field.type in ("keyword", "ip", "version", "wildcard") else values


def _fields(candidate: Candidate, wanted: Sequence[Any]) -> dict[str, list[Any]]:
    result: dict[str, list[Any]] = {}
    for entry in wanted:
        for path, format_ in _expanded(candidate, entry):
            field = candidate.index.mapping.field(path)
            if field is None or field.is_object:
                continue
            values = candidate.values(field)
            if values:
                result[path] = [_formatted(field, value, format_) for value in values]
    return result


def _expanded(candidate: Candidate, entry: Any) -> Iterator[tuple[str, str | None]]:
    pattern = entry.get("field") if isinstance(entry, dict) else entry
    format_ = entry.get("format") if isinstance(entry, dict) else None
    if not isinstance(pattern, str):
        raise errors.query_parsing("[fields] expected a field name")
    if "*" not in pattern:
        yield pattern, format_
        return
    for leaf in candidate.index.mapping.leaves():
        for path in (leaf.path, *(sub.path for sub in leaf.fields.values())):
            if fnmatch.fnmatchcase(path, pattern):
                yield path, format_


def _formatted(field: Field, value: Any, format_: str | None) -> Any:
    if field.type in DATES and format_ == "epoch_millis":
        return str(int(value))
    if field.type in DATES and format_ is None and field.format.startswith("epoch_millis"):
        return str(int(value))
    return dates.iso(value) if field.type in DATES else shown(field, value)

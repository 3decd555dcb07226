"""Finds fields of an index that exists which do not take what is about to be written. No I/O.

An index keeps the mapping a field was given first: by an earlier job, by a person, by the first value that
came. A column whose values do not fit loses its rows one by one, so this is looked at before any is read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ingest.elasticsearch import mapping_compatibility, mappings
from ingest.elasticsearch.indices import ContentIndex
from ingest.elasticsearch.mapping_compatibility import Conflict, Fit, Kind
from ingest.elasticsearch.pipelines import PipelineDefinition
from sources.contract import Finding, Slice
from sources.errors import shortlist

_MOST_NAMED: Final = 5
_IGNORES_MALFORMED: Final = "index.mapping.ignore_malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One column, and what the index makes of its field."""

    column: str
    conflict: Conflict

    def __str__(self) -> str:
        conflict = self.conflict
        return f"{conflict.path} is {conflict.mapped}, {self.column} holds {conflict.holds}"


def findings(
    index: ContentIndex,
    slices: Sequence[Slice],
    pipelines: Sequence[PipelineDefinition],
    *,
    derives_mappings: bool,
) -> list[Finding]:
    """Say which columns the fields of an index do not take, and which it may not take whole.

    Fatal is a field that takes nothing of a column, and one that takes some and belongs to several columns:
    it was mapped for another of them. A mapping that takes some of what its only column holds may have been
    chosen, as one for JSON must be. What a pipeline may change is not judged.
    """
    derived = [(one, mappings.nested(one.mapping)) for one in slices]
    owners = Counter(name for _, properties in derived for name in properties)
    ignores = index.settings.get(_IGNORES_MALFORMED) == "true"
    fatal, doubtful = [], []
    for slice_, properties in derived:
        columns = {path: f"{slice_.name}.{column}" for path, column in slice_.columns.items()}
        for conflict in mapping_compatibility.conflicts(index.mapping, properties, ignores_malformed=ignores):
            if any(one.may_change(conflict.path) for one in pipelines):
                continue
            column = _column(columns, conflict.path)
            is_shared = column is None or owners[conflict.path.partition(".")[0]] > 1
            found = _Found(column=column or f"every document of {slice_.name}", conflict=conflict)
            if conflict.fit is Fit.NOTHING or (is_shared and derives_mappings):
                fatal.append(found)
            elif derives_mappings and conflict.holds is not Kind.ANYTHING:
                doubtful.append(found)
    return [*_fatal(index.name, fatal), *_doubtful(index.name, doubtful)]


def _column(columns: Mapping[str, str], path: str) -> str | None:
    """Return the column a field or a member of it is made of; None for what every document has."""
    steps = path.split(".")
    above = (".".join(steps[:length]) for length in range(len(steps), 0, -1))
    named = next((columns[one] for one in above if one in columns), None)
    # A field with a dot in its name is an object in the index, which is where they differ.
    return named or next((name for one, name in columns.items() if one.startswith(f"{path}.")), None)


def _fatal(index_name: str, found: Sequence[_Found]) -> list[Finding]:
    if not found:
        return []
    return [
        Finding(
            problem=f"The index {index_name} would refuse rows, for it maps {_listed(found)}.",
            remedy="Delete the index, and the next job creates it with mappings that take all columns; or "
            "leave out one of the tables, or give the connector an index that maps the fields otherwise.",
            subjects=tuple(map(str, found)),
        )
    ]


def _doubtful(index_name: str, found: Sequence[_Found]) -> list[Finding]:
    if not found:
        return []
    return [
        Finding(
            problem=f"The index {index_name} may refuse some rows, for it maps {_listed(found)}.",
            remedy="If rows are refused, delete the index, and the next job creates it with mappings that "
            "take all values.",
            is_fatal=False,
            subjects=tuple(map(str, found)),
        )
    ]


def _listed(found: Sequence[_Found]) -> str:
    count = "a field" if len(found) == 1 else f"{len(found):,} fields"
    return f"{count} otherwise than its column needs: {shortlist([*map(str, found)], _MOST_NAMED, '; ')}"

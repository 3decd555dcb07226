"""Which documents of an index are meant, told by members that they carry. Pure.

one part       database = shop, schema = public, table = album
many parts     database = shop, schema = public, table in (album, track, ...)
               database = shop, (schema = a, table in (...)) or (schema = b, table in (...)) or ...
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from ingest.elasticsearch.mappings import exact_field

MOST_PARTS: Final = 400
"""How many parts one query may have: each is two clauses at most, of which a small node allows 1,024."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Documents that carry all members of one of its parts."""

    parts: tuple[Mapping[str, str], ...]

    @classmethod
    def of(cls, *parts: Mapping[str, str] | None) -> Self:
        """Make the scope of these parts; None stands for every document there is."""
        return cls(tuple(part or {} for part in parts))

    @property
    def members(self) -> tuple[str, ...]:
        """The members that decide."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part))

    def includes(self, source: Mapping[str, Any]) -> bool:
        """Whether a document with these members is meant."""
        return any(all(source.get(name) == value for name, value in part.items()) for part in self.parts)

    def conditions(self, properties: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """Return the filters that select these documents exactly; None if the mapping allows none."""
        fields = {name: exact_field(properties, name) for name in self.members}
        exact = {name: field for name, field in fields.items() if field is not None}
        if len(exact) != len(fields):
            return None
        parts = [{exact[name]: value for name, value in part.items()} for part in self.parts]
        shared = dict(set.intersection(*(set(part.items()) for part in parts)))
        found = [_term(field, value) for field, value in parts[0].items() if field in shared]
        if all(len(part) == len(shared) for part in parts):
            return found
        return found + _alternatives([_without(part, shared) for part in parts])


def _alternatives(parts: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Select what has all members of one of the parts, with as few clauses as one member allows."""
    names = [name for name in parts[0] if all(name in part for part in parts)]
    fewest = min((_by_others(parts, name) for name in names), key=len, default=[_terms(one) for one in parts])
    return fewest[0] if len(fewest) == 1 else [{"bool": {"should": [_all_of(one) for one in fewest]}}]


def _by_others(parts: Iterable[Mapping[str, str]], name: str) -> list[list[dict[str, Any]]]:
    """Gather the values of one member by the values of the others; return the conditions of each."""
    gathered: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for part in parts:
        others = tuple(sorted(_without(part, (name,)).items()))
        gathered.setdefault(others, []).append(part[name])
    return [[*_terms(dict(others)), {"terms": {name: values}}] for others, values in gathered.items()]


def _without(part: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    left_out = frozenset(names)
    return {name: value for name, value in part.items() if name not in left_out}


def _terms(part: Mapping[str, str]) -> list[dict[str, Any]]:
    return [_term(name, value) for name, value in part.items()]


def _term(name: str, value: str) -> dict[str, Any]:
    return {"term": {name: value}}


def _all_of(conditions: list[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"filter": conditions}}

"""Which indices an expression stands for: names, aliases, patterns, `_all`, and what it excludes.

    music,album-*,-album-old

A pattern finds indices in the states that `expand_wildcards` names, and aliases whatever the state of their
indices: so does a server with security. An alias that is excluded may leave its index in by the index's own
name, and the other way round.
"""

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.indices import index_names
from sandbox.elasticsearch.indices.index import Index

STATES = {
    "open": {"open"},
    "closed": {"closed"},
    "hidden": {"hidden"},
    "all": {"open", "closed", "hidden"},
    "none": set[str](),
}
NOT_EXCLUDED = (
    " and if you intended to exclude this index, ensure that you use wildcards that include it before "
    "explicitly excluding it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """How to read an expression."""

    ignore_unavailable: bool = False
    allow_no_indices: bool = True
    states: frozenset[str] = frozenset({"open"})

    @classmethod
    def of(
        cls,
        expand_wildcards: str = "open",
        *,
        ignore_unavailable: bool = False,
        allow_no_indices: bool = True,
    ) -> "Expansion":
        """Read the parameters of a request; refuses a state that does not exist."""
        states: frozenset[str] = frozenset()
        for state in filter(None, expand_wildcards.split(",")):
            if state not in STATES:
                raise errors.illegal_argument(f"No valid expand wildcard value [{state}]")
            # Read from left to right: `none` takes back what stands before it.
            states = frozenset() if state == "none" else states | STATES[state]
        return cls(ignore_unavailable=ignore_unavailable, allow_no_indices=allow_no_indices, states=states)

    @property
    def expands(self) -> bool:
        """Whether patterns stand for anything; hidden indices are open or closed, too."""
        return bool(self.states & {"open", "closed"})

    def takes(self, index: Index, pattern: str) -> bool:
        """Whether a pattern that matches this index stands for it."""
        if index.is_hidden and "hidden" not in self.states and not pattern.startswith("."):
            return False
        return ("closed" if index.is_closed else "open") in self.states


def resolved(indices: Mapping[str, Index], expression: str, expansion: Expansion) -> list[Index]:
    """Return the indices of an expression in order; raises `index_not_found_exception`."""
    names = _names(indices, expression or "*", expansion)
    found = {index.name: index for name in names for index in named(indices, name)}
    if not found and expression and not expansion.allow_no_indices:
        raise errors.index_not_found(expression, is_resource=not has_wildcards(expression))
    return list(found.values())


def named(indices: Mapping[str, Index], name: str) -> list[Index]:
    """Return the index of this name, or those that have it as an alias."""
    if (index := indices.get(name)) is not None:
        return [index]
    return [index for index in indices.values() if name in index.aliases]


def has_wildcards(expression: str) -> bool:
    """Whether an expression stands for more than it names."""
    return any(part == "_all" or "*" in part for part in (expression or "*").split(","))


def check_plain(name: str) -> None:
    """Raise for date math in a name (`<logs-{now/d}>`), which this server does not do."""
    if name.startswith("<"):
        raise errors.illegal_argument(
            f"date math in index names, as in [{name}], is not supported by this server"
        )


def _names(indices: Mapping[str, Index], expression: str, expansion: Expansion) -> Iterable[str]:
    names: dict[str, None] = {}
    may_exclude = False
    for part in expression.split(","):
        check_plain(part)
        if part[:1] == "-" and may_exclude:
            for name in [name for name in names if fnmatch.fnmatchcase(name, part[1:])]:
                del names[name]
        elif has_wildcards(part):
            names.update(dict.fromkeys(_matching(indices, part, expansion)))
            may_exclude = True
        else:
            index_names.check_reading(part)
            if named(indices, part):
                names[part] = None
            elif not expansion.ignore_unavailable:
                raise errors.index_not_found(part, explanation=NOT_EXCLUDED if part[:1] == "-" else "")
    return names


def _matching(indices: Mapping[str, Index], part: str, expansion: Expansion) -> Iterable[str]:
    pattern = "*" if part == "_all" else part
    if not expansion.expands:
        if expansion.ignore_unavailable:
            return
        raise errors.index_not_found(pattern)
    for index in indices.values():
        if expansion.takes(index, pattern) and fnmatch.fnmatchcase(index.name, pattern):
            yield index.name
        for alias, body in index.aliases.items():
            if fnmatch.fnmatchcase(alias, pattern) and not _is_hidden(alias, body, pattern, expansion):
                yield alias


def _is_hidden(alias: str, body: Mapping[str, object], pattern: str, expansion: Expansion) -> bool:
    is_hidden = body.get("is_hidden") is True or alias.startswith(".")
    return is_hidden and "hidden" not in expansion.states and not pattern.startswith(".")

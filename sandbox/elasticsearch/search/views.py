"""What a search looks at, and what it finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.elasticsearch.indices import Document, Index
from sandbox.elasticsearch.search.candidates import Candidate


@dataclass(frozen=True, slots=True)
class View:
    """One index as a search sees it."""

    index: Index
    documents: Sequence[Document]
    is_live: bool = True


@dataclass(slots=True)
class Hit:
    """A candidate that matched."""

    candidate: Candidate
    score: float | None
    sort: list[Any] | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The hits of one page, the count of all, and all that matched, if it had to be gathered."""

    hits: list[Hit]
    total: int
    max_score: float | None
    matched: list[Hit] | None = None

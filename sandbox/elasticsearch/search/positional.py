"""Pages in the order of documents, as a scan asks for them one after the other.

Without a query a page is a slice of the frozen list of documents. With one it looks at documents from where
the page before it ended until it is full; so the pages of a scan together look at each document once. Only
as far as hits are counted (`track_total_hits`) it looks at those before, too.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.search.candidates import Candidate
from sandbox.elasticsearch.search.queries import Scorer
from sandbox.elasticsearch.search.search_body import SearchBody
from sandbox.elasticsearch.search.views import Hit, Selection, View

POSITION_BITS = 32


def is_positional(search: SearchBody) -> bool:
    """Whether the search goes through documents in their order, and through nothing else."""
    return (
        (
            not search.sorts
            or [sort.path for sort in search.sorts if not sort.is_descending][:1]
            in (["_doc"], ["_shard_doc"])
        )
        and len(search.sorts) <= 1
        and not search.aggregations
        and search.post_filter is None
        and search.min_score is None
    )


def page(views: Sequence[View], search: SearchBody, scorer: Scorer | None) -> Selection:
    """The page of a positional search, its hits in the order of documents."""
    start = 0 if search.after is None else position_of(search.after[0]) + 1
    counted = -1 if search.tracked_total is None else search.tracked_total
    wanted = search.offset + search.size
    found: list[Hit] = []
    total = 0
    for candidate in _candidates(views, search, start if counted < 0 else 0):
        if scorer is not None and scorer(candidate) is None:
            continue
        total += 1
        if len(found) < wanted and candidate.position >= start:
            found.append(Hit(candidate, None, [candidate.position]))
        if len(found) == wanted and total > counted:
            break
    return Selection(found[search.offset :], total, None)


def everything(views: Sequence[View], search: SearchBody) -> Selection:
    """A page of everything in document order."""
    start = 0
    if search.after is not None:
        start = position_of(search.after[0]) + 1
    remaining = search.size
    skipping = search.offset
    score = None if search.sorts else 1.0
    hits: list[Hit] = []
    for ordinal, view in enumerate(views):
        base = ordinal << POSITION_BITS
        first = max(start - base, 0) + skipping
        count = len(view.documents)
        if first >= count:
            skipping = max(first - count, 0) if start <= base else 0
            continue
        skipping = 0
        for number in range(first, min(first + remaining, count)):
            candidate = Candidate(view.index, view.documents[number], base + number)
            hits.append(Hit(candidate, score, [base + number] if search.sorts else None))
        remaining = search.size - len(hits)
        if not remaining:
            break
    total = sum(len(view.documents) for view in views)
    return Selection(hits, total, score if hits else None)


def position_of(value: Any) -> int:
    """The position that a value of `search_after` stands for."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise errors.search_failed(
            errors.illegal_argument("Failed to parse search_after value for field [_shard_doc].")
        )
    try:
        return int(value)
    except ValueError:
        raise errors.search_failed(errors.illegal_argument(f'For input string: "{value}"')) from None


def _candidates(views: Sequence[View], search: SearchBody, first: int) -> Iterator[Candidate]:
    for ordinal, view in enumerate(views):
        base = ordinal << POSITION_BITS
        for number in range(max(first - base, 0), len(view.documents)):
            if search.slice_count == 1 or number % search.slice_count == search.slice_id:
                yield Candidate(view.index, view.documents[number], base + number)

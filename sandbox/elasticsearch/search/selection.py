"""From a search and what it looks at to its hits: which documents match, in which order, and how many.

Asked for in document order (as a scan does), a page costs what it has to look at (`positional`). Anything
else looks at every document once.
"""

import heapq
from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.indices import Document
from sandbox.elasticsearch.mapping import Field
from sandbox.elasticsearch.search import positional, queries
from sandbox.elasticsearch.search.candidates import Candidate
from sandbox.elasticsearch.search.search_body import SearchBody
from sandbox.elasticsearch.search.sorting import POSITIONAL, Sort
from sandbox.elasticsearch.search.views import Hit, Selection, View


def select(views: Sequence[View], search: SearchBody, context: queries.Context) -> Selection:
    """The page a search asks for."""
    check_window(views, search)
    return select_all(views, search, context)


def select_all(views: Sequence[View], search: SearchBody, context: queries.Context) -> Selection:
    """Like `select`, for pages of any size."""
    scorer = queries.compiled(search.query, context) if search.query is not None else None
    if scorer is not None:
        _probe(views, scorer)
    if positional.is_positional(search) and not _finds_by_id(views, search):
        if (scorer is None or _is_match_all(search.query)) and search.slice_count == 1:
            return positional.everything(views, search)
        if search.sorts or not search.offset + search.size:
            return positional.page(views, search, scorer)
    matched = list(_matched(views, search, scorer))
    eligible = _after_post_filter(matched, search, context)
    hits, max_score = _ordered(views, eligible, search)
    return Selection(hits, len(eligible), max_score, matched)


def _is_match_all(body: Any) -> bool:
    return isinstance(body, dict) and list(body) == ["match_all"] and "boost" not in (body["match_all"] or {})


def _finds_by_id(views: Sequence[View], search: SearchBody) -> bool:
    """Whether documents are looked up by id instead of looked at one after the other."""
    return any(view.is_live for view in views) and _only_ids(search.query) is not None


def check_window(views: Sequence[View], search: SearchBody) -> None:
    """Refuse a page beyond the window of results, and a `search_after` that does not fit the sort."""
    if search.after is not None:
        if search.offset:
            raise errors.validation("`from` parameter must be set to 0 when `search_after` is used")
        if len(search.after) != len(search.sorts):
            if not search.sorts:
                raise errors.search_failed(errors.illegal_argument("Sort must contain at least one field."))
            raise errors.search_failed(
                errors.illegal_argument(
                    f"search_after has {len(search.after)} value(s) but sort has {len(search.sorts)}."
                )
            )
    wanted = search.offset + search.size
    for view in views:
        limit = view.index.settings.max_result_window
        if wanted > limit:
            raise errors.search_failed(
                errors.illegal_argument(
                    "Result window is too large, from + size must be less than or equal to: "
                    f"[{limit}] but was "
                    f"[{wanted}]. See the scroll api for a more efficient way to request large data "
                    "sets. This limit "
                    "can be set by changing the [index.max_result_window] index level setting."
                ),
                index=view.index.name,
            )


def _probe(views: Sequence[View], scorer: queries.Scorer) -> None:
    """Evaluate the query on an empty candidate: it has to fail on an index without documents, too."""
    for view in views:
        scorer(Candidate(view.index, Document("", b"{}", 0, 0, 0), 0))


def _matched(views: Sequence[View], search: SearchBody, scorer: queries.Scorer | None) -> Iterator[Hit]:
    for candidate in _candidates(views, search):
        score = 1.0 if scorer is None else scorer(candidate)
        if score is not None and (search.min_score is None or score >= search.min_score):
            yield Hit(candidate, score)


def _candidates(views: Sequence[View], search: SearchBody) -> Iterator[Candidate]:
    wanted = _only_ids(search.query)
    for ordinal, view in enumerate(views):
        base = ordinal << positional.POSITION_BITS
        if wanted is not None and view.is_live:
            by_id = view.index.searchable()
            found = (by_id[document_id] for document_id in wanted if document_id in by_id)
            for document in sorted(found, key=lambda document: document.seq_no):
                yield Candidate(view.index, document, base + document.seq_no)
            continue
        for number, document in enumerate(view.documents):
            if search.slice_count == 1 or number % search.slice_count == search.slice_id:
                yield Candidate(view.index, document, base + number)


def _only_ids(body: Any) -> set[str] | None:
    """The ids a query restricts itself to, if it does; looking those up beats looking at everything."""
    match body:
        case {"ids": {"values": [*values]}}:
            return {str(value) for value in values}
        case {"terms": {"_id": [*values]}}:
            return {str(value) for value in values}
        case {"term": {"_id": str(value)}}:
            return {value}
        case {"bool": {"must": clauses}} | {"bool": {"filter": clauses}}:
            entries = clauses if isinstance(clauses, list) else [clauses]
            found = [ids for entry in entries if (ids := _only_ids(entry)) is not None]
            return set.intersection(*found) if found else None
    return None


def _after_post_filter(matched: list[Hit], search: SearchBody, context: queries.Context) -> list[Hit]:
    if search.post_filter is None:
        return matched
    scorer = queries.compiled(search.post_filter, context)
    return [hit for hit in matched if scorer(hit.candidate) is not None]


def _ordered(views: Sequence[View], hits: list[Hit], search: SearchBody) -> tuple[list[Hit], float | None]:
    end = search.offset + search.size
    if not search.sorts:
        max_score = max((hit.score or 0.0 for hit in hits), default=None)
        best = heapq.nsmallest(end, hits, key=lambda hit: (-(hit.score or 0.0), hit.candidate.position))
        return best[search.offset :], max_score
    fields = {id(view.index): [sort.field(view.index) for sort in search.sorts] for view in views}
    after = _after_key(views, search, fields)
    keyed = []
    for hit in hits:
        own = fields[id(hit.candidate.index)]
        values = [
            sort.value(hit.candidate, field, hit.score) for sort, field in zip(search.sorts, own, strict=True)
        ]
        key = _key(search.sorts, values)
        if after is None or after < key:
            keyed.append((key, hit.candidate.position, hit, values))
    page = heapq.nsmallest(end, keyed, key=lambda entry: (entry[0], entry[1]))[search.offset :]
    for _, _, hit, values in page:
        own = fields[id(hit.candidate.index)]
        hit.sort = [
            sort.shown(value, field) for sort, value, field in zip(search.sorts, values, own, strict=True)
        ]
        if not any(sort.path == "_score" for sort in search.sorts):
            hit.score = None
    return [hit for _, _, hit, _ in page], None


def _key(sorts: Sequence[Sort], values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(sort.key(value) for sort, value in zip(sorts, values, strict=True))


def _after_key(
    views: Sequence[View], search: SearchBody, fields: dict[int, list[Field | None]]
) -> tuple[Any, ...] | None:
    if search.after is None or not views:
        return None
    own = fields[id(views[0].index)]
    values = []
    for sort, value, field in zip(search.sorts, search.after, own, strict=True):
        values.append(positional.position_of(value) if sort.path in POSITIONAL else sort.after(value, field))
    return _key(search.sorts, values)

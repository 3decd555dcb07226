"""Pages in the order of documents: nothing twice or missing, exact counts, each document looked at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.elasticsearch.clock import Clock
from sandbox.elasticsearch.indices import Document, Index
from sandbox.elasticsearch.search import SearchBody, View, queries, select

QUERIES: list[Any] = [
    None,
    {"match_all": {}},
    {"term": {"even": True}},
    {"bool": {"filter": [{"range": {"n": {"gte": 3}}}, {"exists": {"field": "tag"}}]}},
    {"bool": {"must_not": [{"exists": {"field": "tag"}}]}},
    {"match_none": {}},
]


class Watched(list[Document]):
    """Documents that count how often one of them is looked at."""

    looks = 0

    def __getitem__(self, number: Any) -> Any:
        self.looks += 1
        return super().__getitem__(number)


def make_index(count: int) -> Index:
    index = Index("music", clock=Clock())
    for n in range(count):
        index.index(str(n), {"n": n, "even": n % 2 == 0, **({"tag": "x"} if n % 3 else {})})
    index.refresh()
    return index


def pages_of(views: list[View], body: dict[str, Any], size: int) -> tuple[list[str], list[int]]:
    """Page to the end; every id that was found, and the total each page told."""
    found: list[str] = []
    totals = []
    search: dict[str, Any] = {"sort": [{"_shard_doc": "asc"}], "size": size, **body}
    context = queries.Context(Clock().now())
    while True:
        selection = select(views, SearchBody.from_wire(search), context)
        totals.append(selection.total)
        if not selection.hits:
            return found, totals
        found += [hit.candidate.document.id for hit in selection.hits]
        search["search_after"] = selection.hits[-1].sort


def everything(views: list[View], body: dict[str, Any]) -> list[str]:
    """What the search finds in one page, in an order of its own: the model."""
    search = SearchBody.from_wire({"sort": ["_seq_no", "_doc"], "size": 1_000, **body})
    selection = select(views, search, queries.Context(Clock().now()))
    return [hit.candidate.document.id for hit in selection.hits]


@given(
    count=st.integers(0, 40),
    size=st.integers(1, 12),
    query=st.sampled_from(QUERIES),
    slices=st.sampled_from([None, (0, 2), (1, 2), (2, 3)]),
)
def test_pages_hold_what_one_page_would(
    count: int, size: int, query: Any, slices: tuple[int, int] | None
) -> None:
    index = make_index(count)
    views = [View(index, index.snapshot(), is_live=False)]
    body: dict[str, Any] = {"track_total_hits": True}
    if query is not None:
        body["query"] = query
    if slices is not None:
        body["slice"] = {"id": slices[0], "max": slices[1]}

    found, totals = pages_of(views, body, size)

    assert found == everything(views, body)
    assert set(totals) == {len(found)}


@pytest.mark.parametrize("query", QUERIES)
def test_a_scan_looks_at_each_document_once(query: Any) -> None:
    documents = Watched(make_index(300).snapshot())
    views = [View(make_index(300), documents, is_live=False)]
    body = {"track_total_hits": False, **({} if query is None else {"query": query})}

    pages_of(views, body, size=10)

    assert documents.looks <= 300


def test_counting_stops_where_the_limit_is_passed() -> None:
    index = make_index(300)
    documents = Watched(index.snapshot())
    body = {"query": {"exists": {"field": "n"}}, "size": 0, "track_total_hits": 50}

    selection = select([View(index, documents)], SearchBody.from_wire(body), queries.Context(Clock().now()))

    assert (selection.total, documents.looks) == (51, 51)


def test_pages_go_on_in_the_next_index() -> None:
    first, second = make_index(7), make_index(5)
    views = [View(index, index.snapshot(), is_live=False) for index in (first, second)]

    found, _ = pages_of(views, {"query": {"term": {"even": False}}, "track_total_hits": False}, size=2)

    assert found == ["1", "3", "5", "1", "3"]

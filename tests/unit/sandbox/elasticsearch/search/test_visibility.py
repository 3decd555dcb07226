"""When writes become visible to searches, and how long points in time live: by the clock, not by waiting."""

from collections.abc import Callable

import pytest

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.clock import Clock
from sandbox.elasticsearch.indices import Index, IndexSettings
from sandbox.elasticsearch.search import Contexts, View


class Seconds:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def make_index(seconds: Seconds) -> Callable[..., Index]:
    def make(**settings: str) -> Index:
        return Index("music", clock=Clock(monotonic=seconds), settings=IndexSettings(dict(settings)))

    return make


def _seen(index: Index) -> list[str]:
    return [document.id for document in index.snapshot()]


def test_a_write_is_seen_a_second_later(make_index: Callable[..., Index], seconds: Seconds) -> None:
    index = make_index()
    index.index("1", {"a": 1})

    seconds.now = 0.9
    before = _seen(index)
    seconds.now = 1.0

    assert (before, _seen(index)) == ([], ["1"])


def test_the_interval_counts_from_the_oldest_unseen_write(
    make_index: Callable[..., Index], seconds: Seconds
) -> None:
    index = make_index()
    index.index("1", {"a": 1})
    seconds.now = 0.9
    index.index("2", {"a": 1})

    seconds.now = 1.0

    assert _seen(index) == ["1", "2"]


def test_an_index_without_interval_waits_for_a_refresh(
    make_index: Callable[..., Index], seconds: Seconds
) -> None:
    index = make_index(refresh_interval="-1")
    index.index("1", {"a": 1})
    seconds.now = 3600

    before = _seen(index)
    index.refresh()

    assert (before, _seen(index)) == ([], ["1"])


def test_an_updated_document_moves_to_the_end(make_index: Callable[..., Index]) -> None:
    index = make_index()
    for document_id in "123":
        index.index(document_id, {"a": 1})
    index.refresh()
    index.index("1", {"a": 2})
    index.delete("2")
    index.refresh()

    assert _seen(index) == ["3", "1"]


def test_a_snapshot_never_changes(make_index: Callable[..., Index]) -> None:
    index = make_index()
    index.index("1", {"a": 1})
    index.refresh()
    snapshot = index.snapshot()

    index.index("1", {"a": 2})
    index.index("2", {"a": 2})
    index.refresh()

    assert [document.parsed() for document in snapshot] == [{"a": 1}]


def test_a_point_in_time_ends_when_it_is_not_used(make_index: Callable[..., Index], seconds: Seconds) -> None:
    index = make_index()
    contexts = Contexts(Clock(monotonic=seconds))
    point = contexts.open_point([View(index, index.snapshot())], 60)

    seconds.now = 59
    contexts.point(point.id, 60)
    seconds.now = 100
    contexts.point(point.id, None)
    seconds.now = 120

    with pytest.raises(errors.ElasticsearchError) as gone:
        contexts.point(point.id, 60)
    assert gone.value.status == 404


def test_a_deleted_document_keeps_counting_versions(make_index: Callable[..., Index]) -> None:
    index = make_index()
    index.index("1", {"a": 1})
    index.delete("1")

    again = index.index("1", {"a": 1})

    assert (again.result, again.version, again.seq_no) == ("created", 3, 2)

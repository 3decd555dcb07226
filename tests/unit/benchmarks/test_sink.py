"""The sink answers as Elasticsearch would, and counts what it was sent."""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from benchmarks import sink
from benchmarks.sink import Sink

DOCUMENT = '{"index":{"_id":"a_%d"}}\n{"name":"a line\\\\n","_content_hash":%d}\n'
DELETE = '{"delete":{"_id":"a_%d"}}\n'
FILTERED = "?filter_path=errors,items.*.status,items.*.error"


@pytest.fixture(scope="module")
def running() -> Iterator[Sink]:
    """One sink for all tests of the module."""
    with sink.running() as started:
        yield started


@pytest.fixture
def server(running: Sink) -> Sink:
    """The sink as if it had just been started."""
    running.configure(forget=True)
    return running


def ask(server: Sink, method: str, path: str, body: str | None = None) -> Any:
    """Send a request; return the decoded answer."""
    request = Request(server.url + path, data=None if body is None else body.encode(), method=method)
    with urlopen(request, timeout=10) as answer:
        assert answer.headers["X-elastic-product"] == "Elasticsearch"
        return json.loads(answer.read() or "null")


def documents(count: int) -> str:
    return "".join(DOCUMENT % (number, -number) for number in range(count))


def scan(server: Sink, size: int) -> list[tuple[str, int]]:
    """Read the whole index through a point in time."""
    found: list[tuple[str, int]] = []
    search: dict[str, Any] = {"pit": {"id": "any"}, "size": size, "sort": ["_shard_doc"]}
    while hits := ask(server, "POST", "/_search?filter_path=hits.hits", json.dumps(search))["hits"]["hits"]:
        found += [(hit["_id"], hit["fields"]["_content_hash"][0]) for hit in hits]
        search["search_after"] = hits[-1]["sort"]
    return found


def test_a_bulk_is_answered_item_by_item(server: Sink) -> None:
    answer = ask(server, "POST", "/benchmark/_bulk", documents(2) + DELETE % 1)

    assert answer["errors"] is False
    assert [next(iter(item)) for item in answer["items"]] == ["index", "index", "delete"]
    assert answer["items"][0]["index"]["result"] == "created"
    assert answer["items"][0]["index"]["status"] == 201


def test_a_bulk_answer_holds_only_what_the_filter_names(server: Sink) -> None:
    answer = ask(server, "POST", "/benchmark/_bulk" + FILTERED, documents(1))

    assert answer == {"errors": False, "items": [{"index": {"status": 201}}]}


def test_documents_deletes_and_bytes_are_counted(server: Sink) -> None:
    bodies = [documents(3), DELETE % 1 + documents(1), DELETE % 1 + DELETE % 2]
    for body in bodies:
        ask(server, "POST", "/benchmark/_bulk" + FILTERED, body)

    counters = server.counters()

    assert (counters["indexed"], counters["deleted"], counters["bulks"]) == (4, 3, 3)
    assert counters["bulk_bytes"] == sum(map(len, bodies))
    assert counters["biggest_bulk_bytes"] == max(map(len, bodies))


def test_a_body_larger_than_the_buffer_is_read_whole(server: Sink) -> None:
    body = documents(200_000)

    answer = ask(server, "POST", "/benchmark/_bulk?filter_path=errors", body)

    assert answer == {"errors": False}
    assert len(body) > sink.START_BYTES
    assert server.counters()["indexed"] == 200_000


def test_the_index_exists_once_it_was_created(server: Sink) -> None:
    with pytest.raises(HTTPError, match="404"):
        ask(server, "HEAD", "/benchmark")
    ask(server, "PUT", "/benchmark", '{"mappings": {"dynamic": false}}')

    described = ask(server, "GET", "/benchmark")["benchmark"]

    assert described["mappings"] == {"dynamic": False}
    assert described["settings"]["index"]["uuid"]


def test_what_was_remembered_is_found_by_a_scan_of_any_page_size(server: Sink) -> None:
    server.configure(remember=True, forget=True)
    ask(server, "POST", "/benchmark/_bulk", documents(5))
    server.configure(exists=True)

    expected = [(f"a_{number}", -number) for number in range(5)]

    assert scan(server, size=2) == expected
    assert scan(server, size=5) == expected
    assert ask(server, "GET", "/benchmark/_count")["count"] == 5


def test_every_nth_remembered_document_can_have_another_hash(server: Sink) -> None:
    server.configure(remember=True, forget=True)
    ask(server, "POST", "/benchmark/_bulk", documents(5))
    server.configure(exists=True, change_every=2)

    hashes = [hash_ for _, hash_ in scan(server, size=10)]

    assert [hash_ != -number for number, hash_ in enumerate(hashes)] == [True, False, True, False, True]


def test_a_remembered_document_is_updated_not_created(server: Sink) -> None:
    server.configure(remember=True, forget=True)
    ask(server, "POST", "/benchmark/_bulk", documents(1))
    server.configure(exists=True)

    answer = ask(server, "POST", "/benchmark/_bulk" + FILTERED, documents(1))

    assert answer["items"] == [{"index": {"status": 200}}]


def test_a_document_that_is_kept_is_new_once_until_it_is_deleted(server: Sink) -> None:
    server.configure(keep=True, forget=True)

    def statuses(body: str) -> list[int]:
        items = ask(server, "POST", "/benchmark/_bulk" + FILTERED, body)["items"]
        return sorted(next(iter(item.values()))["status"] for item in items)

    assert statuses(documents(2)) == [201, 201]
    assert statuses(documents(3)) == [200, 200, 201]
    assert statuses(DELETE % 1) == [200]
    assert ask(server, "GET", "/benchmark/_count")["count"] == 2
    assert statuses(documents(2)) == [200, 201]


def test_a_kept_document_is_found_by_its_id(server: Sink) -> None:
    server.configure(keep=True, forget=True)
    ask(server, "POST", "/benchmark/_bulk", documents(2))

    found = ask(server, "POST", "/benchmark/_mget", '{"ids":["a_1","a_7"]}')["docs"]

    assert found == [
        {"_id": "a_1", "found": True, "_source": {"_content_hash": -1}},
        {"_id": "a_7", "found": False},
    ]


def test_the_age_of_each_kept_change_is_counted(server: Sink) -> None:
    server.configure(keep=True, forget=True)
    then = int((time.time() - 100) * 1e6)
    bodies = [
        f'{{"index":{{"_id":"a"}}}}\n{{"_content_hash":1,"t_change":{n},"t_changed_us":{then}}}\n'
        for n in (0, 8, 7)
    ]
    ask(server, "POST", "/benchmark/_bulk", "".join(bodies))

    counters = server.counters()

    assert counters["newest_change"] == 8
    assert sum(counters["ages_ms"].values()) == 2
    assert all(int(age) >= 100_000 for age in counters["ages_ms"])


def test_a_request_without_an_answer_is_noted(server: Sink) -> None:
    with pytest.raises(HTTPError, match="400"):
        ask(server, "POST", "/benchmark/_reindex", "{}")

    assert server.counters()["unknown"] == ["POST /benchmark/_reindex"]


def test_held_bulks_do_not_hold_other_requests(server: Sink) -> None:
    server.configure(forget=True, hold_seconds=0.2)
    ask(server, "POST", "/benchmark/_bulk", documents(1))

    assert ask(server, "PUT", "/_connector/benchmark/_check_in") == {"result": "updated"}
    assert server.counters()["heartbeats"] == 1

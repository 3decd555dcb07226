"""The answers of the sink: those of Elasticsearch that a sync depends on, canned.

Nothing is stored but, if asked for, the ids and hashes of the documents received: in pages, so that a later
sync finds them in the index (remembered.py), or by id, for one that follows (kept.py).
"""

import gzip
import time
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import orjson

from benchmarks.kept import Kept
from benchmarks.remembered import Remembered

UUID = "sinkSinkSinkSinkSinkSi"
PIT_ID = "c2luaw=="
SHARDS = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
_ITEM_MEMBERS: dict[str, Any] = {
    "_index": "benchmark",
    "_id": "benchmark_public_narrow_0000001",
    "_version": 1,
    "result": "",
    "_shards": {"total": 2, "successful": 1, "failed": 0},
    "_seq_no": 1,
    "_primary_term": 1,
    "status": 0,
}
"""What Elasticsearch says of one document, in its order."""
_GUARD_MEMBERS: dict[str, Any] = {"_index": "benchmark", "_id": "_", "status": 404}
_GUARD_ERROR: dict[str, Any] = {
    "type": "index_not_found_exception",
    "reason": "no such index [benchmark] and [require_alias] request flag is [true] "
    "and [benchmark] is not an alias",
    "index_uuid": "_na_",
    "index": "benchmark",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose body lies between `start` and `end` of a buffer that is only lent."""

    method: str
    path: str
    query: str
    buffer: bytearray
    start: int
    end: int
    is_gzip: bool = False

    @property
    def body(self) -> bytes:
        """A copy of the body, decompressed."""
        body = bytes(self.buffer[self.start : self.end])
        return gzip.decompress(body) if self.is_gzip else body

    @property
    def filters(self) -> tuple[str, ...]:
        """The patterns of `filter_path`; empty for everything."""
        return tuple(",".join(parse_qs(self.query).get("filter_path", [])).split(",")) if self.query else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is sent back, and when."""

    status: int = 200
    body: bytes = b"{}"
    is_head: bool = False
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the sink behaves."""

    exists: bool = False
    """The content index is there before the sync."""
    remember: bool = False
    """Keep ids and hashes of the documents received, as the content of the index from now on."""
    forget: bool = False
    """Drop what was remembered or kept before."""
    keep: bool = False
    """Keep ids and hashes as an index does, and say of each document whether it is new."""
    change_every: int = 0
    """Give every n-th remembered document another hash, as if it had been indexed with other content."""
    hold_seconds: float = 0.0
    """Keep the answers of all bulks for so long after the first one came."""


@dataclass(slots=True, kw_only=True)
class Counters:
    """What came in."""

    indexed: int = 0
    deleted: int = 0
    bulks: int = 0
    bulk_bytes: int = 0
    biggest_bulk_bytes: int = 0
    heartbeats: int = 0
    newest_change: int = 0
    """The highest number of a change that was kept."""
    ages_ms: dict[str, int] = field(default_factory=dict)
    """How many changes were so old when they were kept."""
    requests: dict[str, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    """Requests the sink has no answer for; there should be none."""


class Answers:
    """Answers requests and counts them."""

    def __init__(self) -> None:
        self._options = Options()
        self._counters = Counters()
        self._remembered = Remembered()
        self._kept = Kept()
        self._exists = False
        self._mapping: dict[str, Any] = {}
        self._released_at = 0.0
        self._written = 0
        self._cpu_at_start = time.process_time()

    def to(self, request: Request) -> Reply:
        """Return the answer to a request."""
        if request.path == "/_sink":
            return self._control(request)
        if request.path.endswith("/_bulk"):
            return self._bulk(request)
        name, requests = f"{request.method} {request.path}", self._counters.requests
        requests[name] = requests.get(name, 0) + 1
        if request.path.endswith("/_search"):
            return self._search(request)
        if request.path.endswith("/_mget"):
            return _json({"docs": self._kept.documents(orjson.loads(request.body)["ids"])})
        if request.path.endswith("/_stats/docs"):
            return self._stats(request)
        return self._index(request)

    def _control(self, request: Request) -> Reply:
        if request.method == "POST":
            self._options = Options(**orjson.loads(request.body))
            self._counters = Counters()
            self._exists = self._options.exists
            self._released_at = 0.0
            self._cpu_at_start = time.process_time()
            if self._options.forget:
                self._remembered, self._kept = Remembered(), Kept()
            self._kept.ages.clear()
            self._remembered.change_every = self._options.change_every
        self._counters.newest_change, self._counters.ages_ms = self._kept.newest, self._kept.ages_ms
        cpu_seconds = time.process_time() - self._cpu_at_start
        return _json(
            {**asdict(self._counters), "cpu_seconds": cpu_seconds, "remembered": len(self._remembered)}
        )

    def _bulk(self, request: Request) -> Reply:
        buffer, start, end = request.buffer, request.start, request.end
        if request.is_gzip:
            buffer, start = bytearray(request.body), 0
            end = len(buffer)
        deleted = buffer.count(b'\n{"delete"', start, end) + buffer.startswith(b'{"delete"', start, end)
        guards = buffer.count(b'{"update":{"_id":"_","require_alias":true}}\n', start, end)
        indexed = (buffer.count(b"\n", start, end) - deleted) // 2 - guards
        self._count_bulk(indexed, deleted, request.end - request.start)
        if self._options.remember:
            self._remembered.take(bytes(buffer[start:end]))
        created = indexed if self._options.remember or not len(self._remembered) else 0
        if self._options.keep:
            created = self._kept.take(bytes(buffer[start:end]))
        filters = request.filters
        items = [_item("index", "created", 201, filters)] * created
        items += [_item("index", "updated", 200, filters)] * (indexed - created)
        items += [_item("delete", "deleted", 200, filters)] * deleted
        items += [_guard(filters)] * guards
        return Reply(body=_bulk_answer(items, filters), after_seconds=self._seconds_held())

    def _count_bulk(self, indexed: int, deleted: int, size: int) -> None:
        counters = self._counters
        counters.indexed += indexed
        counters.deleted += deleted
        counters.bulks += 1
        self._written += indexed + deleted
        counters.bulk_bytes += size
        counters.biggest_bulk_bytes = max(counters.biggest_bulk_bytes, size)

    def _seconds_held(self) -> float:
        now = time.monotonic()
        self._released_at = self._released_at or now + self._options.hold_seconds
        return max(self._released_at - now, 0.0)

    def _search(self, request: Request) -> Reply:
        """Answer a page of a point in time; a search for documents without our hash finds nothing."""
        asked = orjson.loads(request.body)
        is_ours = "must_not" not in asked.get("query", {}).get("bool", {})
        if "pit" not in asked or not is_ours:
            return _json(
                {"took": 1, "timed_out": False, "_shards": SHARDS, "hits": {"total": _total(0), "hits": []}}
            )
        after = asked.get("search_after")
        first = 0 if after is None else int(after[-1]) + 1
        if int(asked.get("slice", {}).get("id", 0)) > 0:
            first = len(self._remembered)
        page = self._remembered.page(first, int(asked.get("size", 10)), request.filters)
        head = orjson.dumps({"pit_id": PIT_ID, "took": 1, "timed_out": False, "_shards": SHARDS})[:-1]
        return Reply(body=head + b',"hits":{"hits":[' + page + b"]}}")

    def _index(self, request: Request) -> Reply:
        name, _, rest = request.path.removeprefix("/").partition("/")
        is_head = request.method == "HEAD"
        match request.method, rest:
            case _, _ if name == "_connector":
                self._counters.heartbeats += 1
                return _json({"result": "updated"})
            case "GET", _ if name == "_ingest":
                return _json({rest.rpartition("/")[2]: {"processors": []}})
            case "GET" | "HEAD", "" if not name:
                return _json(
                    {"name": "sink", "version": {"number": "9.1.0"}, "tagline": "You Know, for Search"}
                )
            case "GET" | "HEAD", "" if not self._exists:
                reason = {"type": "index_not_found_exception", "reason": f"no such index [{name}]"}
                return _json({"error": reason, "status": 404}, status=404, is_head=is_head)
            case "GET" | "HEAD", "" | "_mapping" | "_settings":
                is_flat = "flat_settings=true" in request.query
                return _json({name: self._described(name, is_flat=is_flat)}, is_head=is_head)
            case "PUT", "":
                self._exists = True
                self._mapping = orjson.loads(request.body or b"{}").get("mappings", {})
                return _json({"acknowledged": True, "shards_acknowledged": True, "index": name})
            case "PUT", "_mapping" | "_settings":
                return _json({"acknowledged": True})
            case "POST", "_refresh":
                return _json({"_shards": {"total": 1, "successful": 1, "failed": 0}})
            case "POST" | "GET", "_count":
                return _json({"count": self._count, "_shards": SHARDS})
            case "POST", "_pit":
                return _json({"id": PIT_ID, "_shards": SHARDS})
            case "DELETE", "" if name == "_pit":
                return _json({"succeeded": True, "num_freed": 1})
        self._counters.unknown.append(f"{request.method} {request.path}")
        return _json(
            {"error": {"type": "illegal_argument_exception", "reason": "not canned"}, "status": 400}, 400
        )

    @property
    def _count(self) -> int:
        if self._options.keep:
            return len(self._kept)
        return len(self._remembered) or self._counters.indexed

    def _stats(self, request: Request) -> Reply:
        shard = {
            "routing": {"primary": True},
            "commit": {"user_data": {"history_uuid": UUID}},
            "seq_no": {"max_seq_no": self._written - 1},
        }
        name = request.path.split("/")[1]
        return _json({"indices": {name: {"shards": {"0": [shard]}}}})

    def _described(self, name: str, *, is_flat: bool) -> dict[str, Any]:
        settings: dict[str, Any] = {"uuid": UUID, "number_of_shards": "1", "provided_name": name}
        if is_flat:
            settings = {f"index.{setting}": value for setting, value in settings.items()}
        else:
            settings = {"index": settings}
        return {"aliases": {}, "mappings": self._mapping, "settings": settings}


def _json(body: Any, status: int = 200, *, is_head: bool = False) -> Reply:
    return Reply(status=status, body=orjson.dumps(body), is_head=is_head)


def _total(count: int) -> dict[str, Any]:
    return {"value": count, "relation": "eq"}


@cache
def _item(action: str, result: str, status: int, filters: tuple[str, ...]) -> bytes:
    members = {**_ITEM_MEMBERS, "result": result, "status": status}
    asked = {name: value for name, value in members.items() if _is_asked(f"items.{action}.{name}", filters)}
    return orjson.dumps({action: asked}) if asked else b""


@cache
def _guard(filters: tuple[str, ...]) -> bytes:
    """Answer a guard, which requires an alias where there is an index."""
    members = {
        name: value for name, value in _GUARD_MEMBERS.items() if _is_asked(f"items.update.{name}", filters)
    }
    error = {
        name: value
        for name, value in _GUARD_ERROR.items()
        if _is_asked(f"items.update.error.{name}", filters)
    }
    if error:
        members["error"] = error
    return orjson.dumps({"update": members}) if members else b""


def _bulk_answer(items: list[bytes], filters: tuple[str, ...]) -> bytes:
    parts = []
    if _is_asked("errors", filters):
        parts.append(b'"errors":false')
    if _is_asked("took", filters):
        parts.append(b'"took":1')
    if items and items[0]:
        parts.append(b'"items":[' + b",".join(items) + b"]")
    return b"{" + b",".join(parts) + b"}"


@cache
def _is_asked(path: str, filters: tuple[str, ...]) -> bool:
    """Whether `filter_path` lets a leaf through: a pattern names it or what it is in."""
    parts = path.split(".")
    return not filters or any(_covers(pattern.split("."), parts) for pattern in filters)


def _covers(pattern: list[str], parts: list[str]) -> bool:
    if pattern[0] == "**":
        return len(pattern) == 1 or any(_covers(pattern[1:], parts[start:]) for start in range(len(parts)))
    if len(pattern) > len(parts):
        return False
    return all(fnmatchcase(part, wanted) for wanted, part in zip(pattern, parts, strict=False))

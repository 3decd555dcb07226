"""What happened: every request with its answer and effect, in order.

In process it is `server.journal`; tests ask it what was sent, or wait until something was.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.elasticsearch.http import Effect
from sandbox.elasticsearch.json.exact import trimmed

ENTRY_BYTES = 2_000
NAME_BYTES = 64
SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "es-secondary-authorization"})


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request. `body` and `answer` are cut at the journal's limit; the byte counts are not."""

    number: int
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    body_bytes: int
    began_at: str
    began_monotonic: float
    principal: str | None = None
    opaque_id: str | None = None
    status: int | None = None
    answer: bytes = b""
    answer_bytes: int = 0
    ended_monotonic: float | None = None
    applied_monotonic: float | None = None
    """When it was carried out, which may be long before it was answered."""
    is_given_up: bool = False
    """Whether the client had gone before the answer was there."""
    fault: str | None = None
    effect: Effect = field(default_factory=Effect)

    @property
    def held_bytes(self) -> int:
        """About how much memory an answered entry holds."""
        if self.ended_monotonic is None:
            return 0
        effect = self.effect
        names = len(effect.indexed) + len(effect.deleted) + len(effect.failed)
        return ENTRY_BYTES + len(self.body) + len(self.answer) + NAME_BYTES * names

    def json(self) -> Any:
        """The body as JSON; None if it was empty."""
        return orjson.loads(self.body) if self.body else None

    def lines(self) -> list[Any]:
        """The body as newline-delimited JSON."""
        return [orjson.loads(line) for line in self.body.splitlines() if line]

    def answer_json(self) -> Any:
        """The answer as JSON; None if it was empty."""
        return orjson.loads(self.answer) if self.answer else None

    def to_wire(self) -> dict[str, Any]:
        """The entry as the admin route shows it."""
        return {
            "number": self.number,
            "method": self.method,
            "path": self.path,
            "query": dict(self.query),
            "headers": dict(self.headers),
            "body": self.body.decode("utf-8", "replace"),
            "body_bytes": self.body_bytes,
            "began_at": self.began_at,
            "began_monotonic": self.began_monotonic,
            "ended_monotonic": self.ended_monotonic,
            "applied_monotonic": self.applied_monotonic,
            "is_given_up": self.is_given_up,
            "principal": self.principal,
            "opaque_id": self.opaque_id,
            "status": self.status,
            "answer": self.answer.decode("utf-8", "replace"),
            "answer_bytes": self.answer_bytes,
            "fault": self.fault,
            "effect": {
                "indexed": self.effect.indexed,
                "deleted": self.effect.deleted,
                "failed": self.effect.failed,
                "notes": self.effect.notes,
            },
        }


class Journal:
    """The entries in the order the requests arrived.

    The oldest fall out beyond `entries` of them or `total_bytes` kept by them together, so that a server may
    run for days; of each body and answer `kept_bytes` are kept.
    """

    def __init__(
        self, *, entries: int = 100_000, kept_bytes: int = 64 * 1024, total_bytes: int = 128 * 1024 * 1024
    ) -> None:
        self.kept_bytes = kept_bytes
        self._total_bytes = total_bytes
        self._held_bytes = 0
        self._entries: deque[Entry] = deque(maxlen=entries)
        self._count = 0
        self._waiting: list[tuple[Callable[[Entry], bool], asyncio.Future[Entry]]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    @property
    def entries(self) -> list[Entry]:
        """All entries, oldest first."""
        return list(self._entries)

    def begin(
        self,
        *,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        effect: Effect,
        began_at: str,
        began_monotonic: float,
    ) -> Entry:
        """Note a request before anything is done about it."""
        entry = Entry(
            number=self._count,
            method=method,
            path=path,
            query=query,
            headers={name: value for name, value in headers.items() if name.lower() not in SECRET_HEADERS},
            body=body[: self.kept_bytes],
            body_bytes=len(body),
            began_at=began_at,
            began_monotonic=began_monotonic,
            effect=effect,
            opaque_id=headers.get("X-Opaque-Id"),
        )
        self._count += 1
        if len(self._entries) == self._entries.maxlen:
            self._held_bytes -= self._entries[0].held_bytes
        self._entries.append(entry)
        return entry

    def end(self, entry: Entry, *, status: int | None, answer: bytes, ended_monotonic: float) -> None:
        """Note what the request was answered with (status None: nothing), and wake those that wait for it."""
        entry.status = status
        entry.answer = trimmed(answer[: self.kept_bytes])
        entry.answer_bytes = len(answer)
        entry.ended_monotonic = ended_monotonic
        if self._entries and entry.number >= self._entries[0].number:  # not fallen out while under way
            self._held_bytes += entry.held_bytes
        while self._held_bytes > self._total_bytes and self._entries[0] is not entry:
            self._held_bytes -= self._entries.popleft().held_bytes
        for predicate, future in self._waiting:
            if not future.done() and predicate(entry):
                future.set_result(entry)

    def requests(
        self, *, method: str | None = None, path: str | None = None, status: int | None = None
    ) -> list[Entry]:
        """The entries with this method, path and status; a path may end in `*`."""
        return [
            entry
            for entry in self._entries
            if (method is None or entry.method == method)
            and (path is None or _path_matches(entry.path, path))
            and (status is None or entry.status == status)
        ]

    async def wait_for(
        self, predicate: Callable[[Entry], bool], *, timeout_seconds: float = 120, past: bool = True
    ) -> Entry:
        """The first answered request the predicate holds for, past (unless told not to look) or to come."""
        if past:
            for entry in self._entries:
                if entry.ended_monotonic is not None and predicate(entry):
                    return entry
        future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        waiting = (predicate, future)
        self._waiting.append(waiting)
        try:
            return await asyncio.wait_for(future, timeout_seconds)
        finally:
            self._waiting.remove(waiting)

    def clear(self) -> None:
        """Forget all entries."""
        self._entries.clear()
        self._held_bytes = 0


def _path_matches(path: str, pattern: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern

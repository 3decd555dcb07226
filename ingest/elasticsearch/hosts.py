"""Which host the next request goes to: one after the other, those that failed lately left out. No I/O."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

FIRST_REST_SECONDS: Final = 1.0
LONGEST_REST_SECONDS: Final = 60.0


@dataclass(slots=True)
class _Host:
    url: str
    failures: int = 0
    """How often it failed in a row."""
    rests_until: float = 0.0


@dataclass(slots=True)
class Hosts:
    """The hosts of `elasticsearch.host`, asked in turns.

    A host that failed is left out for a time that doubles with each failure in a row; then one request tries
    it again. While all are left out, the one whose time ends first is asked: a request never waits here.
    """

    urls: tuple[str, ...]
    clock: Callable[[], float] = time.monotonic
    _hosts: dict[str, _Host] = field(init=False)
    _turn: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._hosts = {url: _Host(url) for url in self.urls}

    def __len__(self) -> int:
        return len(self._hosts)

    def choose(self) -> str:
        """Return the URL the next request goes to."""
        now = self.clock()
        hosts = list(self._hosts.values())
        in_turn = hosts[self._turn :] + hosts[: self._turn]
        chosen = next(
            (host for host in in_turn if host.rests_until <= now),
            min(in_turn, key=lambda host: host.rests_until),
        )
        self._turn = (hosts.index(chosen) + 1) % len(hosts)
        return chosen.url

    def answered(self, url: str) -> None:
        """Note that a host answered like one that works."""
        host = self._hosts[url]
        host.failures, host.rests_until = 0, 0.0

    def failed(self, url: str) -> None:
        """Note that a host was not reached, or did not answer like one that works."""
        host = self._hosts[url]
        rest_seconds = min(FIRST_REST_SECONDS * 2**host.failures, LONGEST_REST_SECONDS)
        host.failures = min(host.failures + 1, 64)
        host.rests_until = self.clock() + rest_seconds

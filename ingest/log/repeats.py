"""Keeps a warning that says the same again and again from drowning the rest.

The first one is logged. Those that follow within a minute are counted; the next one after that says how many.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from structlog.typing import EventDict, WrappedLogger

QUIET_SECONDS: Final = 60.0
MOST_REMEMBERED: Final = 1_000
LIMITED: Final = frozenset({"warning", "warn"})
"""Levels: an error is worth every line it takes."""
_WHAT: Final = ("event", "connector_id", "sync_job_id", "index_name", "slice", "status", "logger")
"""Facts that make two lines different, beside what went wrong."""
_WHY: Final = ("reason", "error", "problem", "finding")
_NUMBER: Final = re.compile(r"\d+")


@dataclass(slots=True)
class _Seen:
    logged_at: float
    left_out: int = 0


@dataclass(slots=True)
class Repeats:
    """A processor of structlog that drops lines."""

    clock: Callable[[], float] = time.monotonic
    _seen: "OrderedDict[tuple[str, ...], _Seen]" = field(default_factory=OrderedDict)

    def __call__(self, logger: WrappedLogger, method: str, facts: EventDict) -> EventDict:
        """Let a line pass, with `repeated` beside it if some were left out, or drop it."""
        if method not in LIMITED or (key := _key(facts)) is None:
            return facts
        now = self.clock()
        seen = self._seen.get(key)
        if seen is not None and now - seen.logged_at < QUIET_SECONDS:
            seen.left_out += 1
            raise structlog.DropEvent
        if seen is not None and seen.left_out:
            facts["repeated"] = seen.left_out
        self._seen[key] = _Seen(now)
        self._seen.move_to_end(key)
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return facts


def _key(facts: EventDict) -> tuple[str, ...] | None:
    """Return what two lines have in common that say the same, whatever numbers are in their reasons.

    None for a line that cannot be compared, since a value's own code fails.
    """
    try:
        what = [str(facts.get(name)) for name in _WHAT]
        return (*what, *(_NUMBER.sub("", str(facts.get(name) or "")) for name in _WHY))
    except Exception:
        return None

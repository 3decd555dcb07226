"""Backpressure of Elasticsearch on one job: retries by their cause, and the limit on concurrent requests."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class RetryCause(StrEnum):
    """Why documents are sent again."""

    BUSY = "busy"
    """429, for the request or for some of its documents."""
    FAILURE = "failure"
    """Another answer after which the same request may work."""
    NO_ANSWER = "no_answer"
    """The connection broke, or the time was over."""
    MISMATCH = "mismatch"
    """The answer does not belong to the request."""


class Concurrency(Protocol):
    """How many requests there are and may be."""

    @property
    def in_use(self) -> int:
        """How many are under way."""

    @property
    def limit(self) -> int:
        """How many may be under way right now."""


@dataclass(slots=True)
class Backpressure:
    """Of one job."""

    retries: Counter[RetryCause] = field(default_factory=Counter)
    concurrency: Concurrency | None = None
    """None before the first request."""

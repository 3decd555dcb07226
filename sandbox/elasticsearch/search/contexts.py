"""Searches that outlive a request: points in time and scrolls, which hold frozen views until they expire."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.clock import Clock
from sandbox.elasticsearch.search.search_body import SearchBody
from sandbox.elasticsearch.search.views import Hit, View


@dataclass(slots=True)
class PointInTime:
    """Indices as they were when it was opened."""

    id: str
    views: Sequence[View]
    expires_at: float


@dataclass(slots=True)
class Scroll:
    """A search under way: the hits still to come, or the position the next page starts at."""

    id: str
    views: Sequence[View]
    search: SearchBody
    expires_at: float
    total: int
    max_score: float | None
    position: int = 0
    remaining: list[Hit] | None = None


@dataclass(slots=True)
class Contexts:
    """The points in time and scrolls of a server."""

    clock: Clock
    points: dict[str, PointInTime] = field(default_factory=dict)
    scrolls: dict[str, Scroll] = field(default_factory=dict)

    def open_point(self, views: Sequence[View], keep_alive_seconds: float) -> PointInTime:
        """Keep these views under a new id."""
        point = PointInTime(secrets.token_urlsafe(48), views, self._deadline(keep_alive_seconds))
        self._forget_expired()
        self.points[point.id] = point
        return point

    def point(self, point_id: str, keep_alive_seconds: float | None) -> PointInTime:
        """The point in time of this id, kept for longer; raises `search_context_missing_exception`."""
        self._forget_expired()
        point = self.points.get(point_id)
        if point is None:
            raise _missing(point_id)
        if keep_alive_seconds is not None:
            point.expires_at = max(point.expires_at, self._deadline(keep_alive_seconds))
        return point

    def open_scroll(self, scroll: Scroll) -> None:
        """Keep a scroll under a new id."""
        self._forget_expired()
        self.scrolls[scroll.id] = scroll

    def scroll(self, scroll_id: str, keep_alive_seconds: float | None) -> Scroll:
        """The scroll of this id, kept for longer; raises `search_context_missing_exception`."""
        self._forget_expired()
        scroll = self.scrolls.get(scroll_id)
        if scroll is None:
            raise _missing(scroll_id)
        if keep_alive_seconds is not None:
            scroll.expires_at = self._deadline(keep_alive_seconds)
        return scroll

    def deadline(self, keep_alive_seconds: float) -> float:
        """When something kept for this long from now ends."""
        return self._deadline(keep_alive_seconds)

    def close_index(self, name: str) -> None:
        """Drop the points in time and scrolls over a deleted index."""
        self.points = {
            key: point
            for key, point in self.points.items()
            if all(view.index.name != name for view in point.views)
        }
        self.scrolls = {
            key: scroll
            for key, scroll in self.scrolls.items()
            if all(view.index.name != name for view in scroll.views)
        }

    def _deadline(self, keep_alive_seconds: float) -> float:
        return self.clock.elapsed_seconds() + keep_alive_seconds

    def _forget_expired(self) -> None:
        now = self.clock.elapsed_seconds()
        self.points = {key: point for key, point in self.points.items() if point.expires_at > now}
        self.scrolls = {key: scroll for key, scroll in self.scrolls.items() if scroll.expires_at > now}


def _missing(context_id: str) -> errors.ElasticsearchError:
    cause = errors.ElasticsearchError(
        404, "search_context_missing_exception", f"No search context found for id [{context_id[:12]}]"
    )
    return errors.search_failed(cause)

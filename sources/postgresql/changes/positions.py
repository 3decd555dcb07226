"""A position: what has to be known of a snapshot to say later what changed since. Pure.

    1 7712878845859888271 1 5f0c.. 9a31.. 73402 c04e..
    | system identifier   |   |      |      |     +-- fingerprint: how rows become documents, and which files
    |                     |   |      |      |         hold them
    |                     |   |      |      +-------- horizon: the oldest transaction the snapshot saw running
    |                     |   |      +--------------- when statistics began: they are thrown away in a crash
    |                     |   +---------------------- when the server was started
    |                     +-------------------------- timeline
    +------------------------------------------------ form of this text

A row version that the snapshot did not see was written by a transaction at or above the horizon. That holds
while transaction numbers go on from where they were: on the same server, without a crash between, which may
hand out numbers again that were never flushed. Why that is enough stands in decision 0014.
"""

from dataclasses import dataclass
from typing import Final, Self

FORM: Final = "1"
OLDEST: Final = 2**30
"""How many transactions ago a horizon may be; twice as many and the server's 32-bit numbers mislead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One life of one server: within it, transaction numbers never repeat and no commit is lost."""

    system: str
    """The system identifier, which copies share."""
    timeline: str
    started: str
    """A digest of the moment the server was started."""
    undisturbed: str
    """A digest of the moments at which its statistics began, the latest a crash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A snapshot of one relation, as far as row versions go."""

    server: Server
    horizon: int
    """64 bits, so that it never wraps."""
    fingerprint: str

    @classmethod
    def parsed(cls, text: str) -> Self | None:
        """Read what `str` wrote; None if another version of this service wrote it."""
        parts = text.split(" ")
        if len(parts) != 7 or parts[0] != FORM or not parts[5].isdecimal():
            return None
        _, system, timeline, started, undisturbed, horizon, fingerprint = parts
        server = Server(system=system, timeline=timeline, started=started, undisturbed=undisturbed)
        return cls(server=server, horizon=int(horizon), fingerprint=fingerprint)

    def __str__(self) -> str:
        server = self.server
        parts = [FORM, server.system, server.timeline, server.started, server.undisturbed]
        return " ".join([*parts, str(self.horizon), self.fingerprint])


def incompatibility(now: Position, since: str | None) -> str | None:
    """Say why row versions seen now do not tell what changed since a position; None if they do."""
    if since is None:
        return "No job that completed has left a position for it yet."
    if (then := Position.parsed(since)) is None:
        return "Its position was written by another version of this service."
    if (reason := _other_life(now.server, then.server)) is not None:
        return reason
    if then.horizon > now.horizon:
        return "The server is behind the position: it has been reset, or a standby lags behind another."
    if now.horizon - then.horizon > OLDEST:
        return "The position is more than a billion transactions old."
    if now.fingerprint != then.fingerprint:
        return "It was altered, rewritten or emptied since, or documents are made of it in another way."
    return None


def _other_life(now: Server, then: Server) -> str | None:
    if now.system != then.system:
        return "It is another database server now."
    if now.timeline != then.timeline:
        return "The server is on another timeline now: it was restored, or a standby took over."
    if now.started != then.started:
        return "The server was started since, or this is a standby of it."
    if now.undisturbed != then.undisturbed:
        return "The server recovered from a crash since, or its statistics were reset."
    return None

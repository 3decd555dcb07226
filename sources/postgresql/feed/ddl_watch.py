"""Polls for what the log does not contain while a feed is open: DDL, publications, the size of the slot.

A table can change without a row being written: a column added or dropped, a partition attached or emptied, an
enum's label renamed. Its slice is doubted then; one whose replica identity tells its key no more becomes
silent. A publication that was changed ends the feed: what it left out for a moment was not told, and another
feed begins by looking at everything. And the server must not keep more of its log for us than it may.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sources.errors import SourceError
from sources.feed import FeedLostError
from sources.postgresql.catalog.discovery import effective_key
from sources.postgresql.connection import Database
from sources.postgresql.failures import translated
from sources.postgresql.feed import coverage, queries
from sources.postgresql.feed.coverage import Table
from sources.postgresql.feed.coverage_query import Observation, ancestors, observe
from sources.postgresql.feed.pending_keys import Followed, PendingKeys

_ALTERED: Final = "It was altered, rewritten or emptied, or parts of it were attached or detached."
_REPLACED: Final = "Rows were written to a table that has become a part of it, or has taken its name."
_UNSEEN: Final = "Transactions were open when the log began to be told."
_MIB: Final = 1024 * 1024


class Watched(Protocol):
    """What a watch reports to."""

    @property
    def silent(self) -> Mapping[str, str]: ...

    def become_silent(self, name: str, reason: str) -> None: ...

    def doubt(self, name: str, reason: str) -> None: ...


@dataclass(slots=True, kw_only=True)
class Watch:
    """Looks again, and compares with what it saw last."""

    database: Database
    slot: str
    pending: PendingKeys
    seen: Observation
    unseen: frozenset[int] = field(default_factory=frozenset)
    """Transactions that were running when the slot began; some may have been committed before it, unseen."""

    async def look(self, feed: Watched) -> None:
        """Look once.

        Raises FeedLostError if the publication is not what it was or the server keeps too much for us, and
        SourceError.
        """
        with translated("Asking about the server's log"):
            async with self.database.transaction() as connection:
                timeout = self.database.limits.command_seconds
                targets = [table.target for table in self.seen.tables]
                now = await observe(connection, self.database.settings, targets, timeout)
                held = await connection.fetchval(queries.HELD, self.slot, timeout=timeout)
                running = await connection.fetchval(queries.RUNNING, timeout=timeout)
        self._require_same_publication(now)
        self._require_little(held)
        self._compare(feed, now)
        self._see(feed, frozenset(running))
        self.seen = now

    async def place(self, feed: Watched) -> None:
        """Find out what relations are that the log tells of and nobody knew."""
        unknown = dict(self.pending.unknown)
        with translated("Asking about the server's log"):
            async with self.database.transaction() as connection:
                found = await ancestors(connection, list(unknown), self.database.limits.command_seconds)
        for oid, relation in unknown.items():
            parts_of = found.get(oid, set())
            slices = [
                table
                for table in self._told(feed)
                if parts_of & {member.oid for member in table.members}
                or (relation.schema, relation.name) == _name(table)
            ]
            self.pending.place(oid, [followed(table) for table in slices])
            for table in slices:
                feed.doubt(table.label, _REPLACED)

    def _compare(self, feed: Watched, now: Observation) -> None:
        reasons = silences(now, self.database.settings.follow_publication)
        before, after = self.seen.structures(), now.structures()
        for table in self._told(feed, now.tables):
            name = table.label
            if (reason := reasons.get(name)) is not None:
                feed.become_silent(name, reason)
            elif before[name] != after[name]:
                feed.doubt(name, _ALTERED)
        for oid, slices in relations_of(self._told(feed, now.tables)).items():
            self.pending.place(oid, slices)

    def _see(self, feed: Watched, running: frozenset[int]) -> None:
        """Once all that was running at the beginning has ended, let what it may have done be looked for."""
        if self.unseen and not self.unseen & running:
            self.unseen = frozenset()
            for table in self._told(feed):
                feed.doubt(table.label, _UNSEEN)

    def _told(self, feed: Watched, tables: Iterable[Table] | None = None) -> list[Table]:
        return [
            table
            for table in (self.seen.tables if tables is None else tables)
            if table.label not in feed.silent
        ]

    def _require_same_publication(self, now: Observation) -> None:
        if now.server.publication != self.seen.server.publication:
            name = self.database.settings.follow_publication
            raise FeedLostError(f"Publication {name!r} was changed, so the log may have left something out.")

    def _require_little(self, held: int | None) -> None:
        most = self.database.settings.follow_max_wal_bytes
        if held is not None and held > most:
            raise FeedLostError(
                f"The server kept {held // _MIB} MiB of its log for us, more than {most // _MIB} MiB"
                " (follow_max_wal): Elasticsearch is slower than the database, or a transaction is long."
            )


def silences(observation: Observation, publication: str) -> Mapping[str, str]:
    """Return of which tables the log tells nothing, and why."""
    return coverage.silences(observation.tables, publication, tells_roots=observation.server.tells_roots)


def relations_of(tables: Iterable[Table]) -> dict[int, list[Followed]]:
    """Return which slices show rows of each relation that the log may tell of.

    A change of a part may be told as one of what it is a part of, so that a row of another part may be meant;
    reading by key finds that out.
    """
    found: dict[int, list[Followed]] = {}
    for table in tables:
        oids = dict.fromkeys(oid for member in table.members for oid in (member.oid, *member.ancestors))
        for oid in oids:
            found.setdefault(oid, []).append(followed(table))
    return found


def followed(table: Table) -> Followed:
    """Return a table as `PendingKeys` needs it."""
    return Followed(table.label, effective_key(table.target))


async def watch(watch: Watch, feed: Any, seconds: float) -> None:
    """Look every so many seconds, until the feed fails."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await watch.look(feed)
        except SourceError as error:
            feed.fail(error)
            return


def _name(table: Table) -> tuple[str, str]:
    return table.target.relation.schema, table.target.relation.name

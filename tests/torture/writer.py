"""Random transactions of random statements, some rolled back, some held open, some large, some with DDL."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import asyncpg

from sandbox.postgresql import Cluster
from tests.torture import tables
from tests.torture.history import Transaction

MOST_ROWS = 2_500
"""In one table; beyond, half of them go."""
COLUMNS = {"remark": "text DEFAULT 'none'", "length": "integer DEFAULT 7", "is_open": "boolean"}
ALTERED = ("track", "note")
BROKEN_OFF = (
    asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError
)  # fmt: skip
"""Errors that end a transaction: a conflict with another one, or a server that stops in the middle of it."""


def _insert(random: Random) -> str:
    first, many = random.randrange(1_000, 5_000), random.choice((1, 1, 1, 20, 400))
    series = f"FROM generate_series({first}, {first + many}) n ON CONFLICT DO NOTHING"
    return random.choice(
        (
            f"INSERT INTO note SELECT n, 'new ' || n {series}",
            f"INSERT INTO track SELECT n % 100, n, 'new' {series}",
            f"INSERT INTO album SELECT {first}, 'new', {first % 60} ON CONFLICT DO NOTHING",
        )
    )


def _update(random: Random) -> str:
    text, modulus = f"changed {random.randrange(10**6)}", random.choice((1, 7, 50, 50, 50))
    rest = random.randrange(modulus)
    assignment, key = random.choice(
        (
            (f"note SET body = '{text}'", "id"),
            (f"track SET title = '{text}'", "number"),
            (f"artist SET name = '{text}'", "id"),
            (f"album SET title = '{text}', details = jsonb_build_object('shelf', {rest})", "id"),
        )
    )
    return f"UPDATE {assignment} WHERE {key} % {modulus} = {rest}"


def _delete(random: Random) -> str:
    modulus = random.choice((2, 30, 100, 100))
    table, column = random.choice((("note", "id"), ("track", "number"), ("album", "id"), ("artist", "id")))
    modulus = modulus if table in ("note", "track") else 100
    return f"DELETE FROM {table} WHERE {column} % {modulus} = {random.randrange(modulus)}"


def _change_keys(random: Random) -> str:
    offset = random.randrange(10_000, 90_000)
    return random.choice(
        (
            f"UPDATE note SET id = id + {offset} WHERE id % 40 = {random.randrange(40)}",
            f"UPDATE track SET album_id = (album_id + 1) % 100 WHERE number % 30 = {random.randrange(30)}",
            f"UPDATE album SET id = id + {offset} WHERE id % 60 = {random.randrange(60)}",
        )
    )


def _refill(random: Random) -> str:
    """Empty a table, or bring back what was deleted."""
    back = "ON CONFLICT DO NOTHING"
    return random.choice(
        (
            "TRUNCATE note; INSERT INTO note SELECT n, 'again' FROM generate_series(1, 150) n",
            "TRUNCATE track",
            f"INSERT INTO album SELECT n, 'back', n % 60 FROM generate_series(1, 300) n {back}",
            f"INSERT INTO artist SELECT n, 'back ' || n FROM generate_series(1, 60) n {back}",
        )
    )


def _alter(random: Random) -> str:
    table, column = random.choice(ALTERED), random.choice(list(COLUMNS))
    if random.random() < 0.5:
        return f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} {COLUMNS[column]}"
    return f"ALTER TABLE {table} DROP COLUMN IF EXISTS {column}"


def _pass(random: Random) -> str:
    """Create a table or drop it."""
    table = random.choice(tables.PASSING)
    if random.random() < 0.5:
        return f"{tables.creating(table)} INSERT INTO {table} SELECT n, 'here' FROM generate_series(1, 40) n"
    noted = f"VALUES (current_setting('audit.transaction')::bigint, '{table}', '*')"
    return f"DROP TABLE {table}; INSERT INTO audit.change (transaction, tab, key) {noted}"


def _shrink(_random: Random) -> str:
    parts = []
    for table, column in (("note", "id"), ("track", "number"), ("album", "id")):
        many = f"(SELECT count(*) FROM {table}) > {MOST_ROWS}"
        parts.append(f"DELETE FROM {table} WHERE {column} % 2 = 0 AND {many}")
    return "; ".join(parts)


STATEMENTS: list[tuple[Callable[[Random], str], int]] = [
    (_insert, 30), (_update, 40), (_delete, 12), (_change_keys, 6), (_refill, 5), (_alter, 3), (_pass, 3),
    (_shrink, 4),
]  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Writer:
    """One session that writes until it is told to stop."""

    cluster: Cluster
    random: Random
    numbers: Iterator[int]
    sent: dict[int, tuple[float, float]] = field(default_factory=dict)
    """When each commit was sent, and when its outcome was known at the latest."""
    deeds: Counter[str] = field(default_factory=Counter)

    async def write(self, rested: asyncio.Event) -> None:
        """Run transactions until told to stop, with a new connection whenever one is lost."""
        while not rested.is_set():
            try:
                connection = await tables.connect(self.cluster)
            except BROKEN_OFF:
                await asyncio.sleep(0.3)
                continue
            try:
                await connection.execute("SET lock_timeout = '3s'")
                while not rested.is_set() and not connection.is_closed():
                    await self._transaction(connection)
                    await asyncio.sleep(self.random.choice((0.01, 0.05, 0.2, 0.5)))
            except BROKEN_OFF:
                self.deeds["transactions broken off"] += 1
            finally:
                connection.terminate()

    async def _transaction(self, connection: Any) -> None:
        number = next(self.numbers)
        try:
            await connection.execute(
                f"BEGIN; SET LOCAL audit.transaction = {number};"
                f"INSERT INTO audit.transaction VALUES ({number})"
            )
            for _ in range(self.random.choice((1, 1, 2, 5))):
                kinds, weights = zip(*STATEMENTS, strict=True)
                (kind,) = self.random.choices(kinds, weights)
                await connection.execute(kind(self.random))
                if self.random.random() < 0.1:
                    await asyncio.sleep(self.random.uniform(0.1, 3))
            is_kept = self.random.random() > 0.15
            self.sent[number] = (time.monotonic(), float("inf"))
            await connection.execute("COMMIT" if is_kept else "ROLLBACK")
            self.deeds["transactions" if is_kept else "transactions rolled back"] += 1
        except asyncpg.PostgresError:
            self.deeds["transactions refused"] += 1
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
        finally:
            if number in self.sent:
                self.sent[number] = (self.sent[number][0], time.monotonic())


def numbers() -> Iterator[int]:
    """Number transactions; 0 has filled the tables."""
    return count(1)


def transactions(writers: list[Writer], committed: set[int]) -> dict[int, Transaction]:
    """Return when each transaction that was committed was."""
    times = {0: (0.0, 0.0)}
    for writer in writers:
        times |= writer.sent
    return {
        number: Transaction(number=number, sent_at=times[number][0], settled_at=times[number][1])
        for number in committed
    }

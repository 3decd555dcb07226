"""A database of its own for a test, what a source reads from it, and the documents as they would be sent."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import asyncpg
import numpy as np
import orjson
from numpy.typing import NDArray

from sandbox.postgresql import Cluster
from sources.contract import HASH_END, ID_END, Batch, IsUnchanged, Slice
from sources.postgresql import PostgreSQL
from sources.postgresql.connection import Limits
from tests.support import pgbouncer
from tests.support.postgresql import NEWEST

FIRST_WITH_STRATEGY = 15
"""The major version since which one can say how CREATE DATABASE copies."""

BRISK = Limits(connect_seconds=5, command_seconds=10, lock_seconds=5, stall_seconds=10, close_seconds=1)


@dataclass(frozen=True, slots=True)
class Database:
    """One database on a cluster, with an administrator's connection to it."""

    cluster: Cluster
    name: str
    connection: Any

    async def execute(self, sql: str) -> None:
        """Run a script as the administrator."""
        await self.connection.execute(sql)

    async def value(self, sql: str, *arguments: Any) -> Any:
        """Return the first value of a query."""
        return await self.connection.fetchval(sql, *arguments)

    async def has(self, expression: str) -> bool:
        """Whether the server knows the types, and takes the values, of an SQL expression.

        The newest version has to: what an older one lacks is left out of a test, not what is mistyped. With
        `vector` not every installation comes.
        """
        try:
            await self.connection.execute(f"SELECT {expression}")
        except asyncpg.PostgresError as error:
            if self.cluster.version >= NEWEST and 'type "vector" does not exist' not in str(error):
                raise
            return False
        return True

    async def add_vector(self) -> bool:
        """Create the extension `vector` if the server comes with it, as the wheel's does; say whether."""
        there = await self.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
        if there:
            await self.execute("CREATE EXTENSION vector")
        return bool(there)

    def configuration(self, **overrides: Any) -> dict[str, Any]:
        """Return values for the connector's fields, reading every table of `public`."""
        values = {
            "host": self.cluster.host,
            "port": pgbouncer.port_of(self.cluster),
            "username": self.cluster.user,
            "password": self.cluster.password,
            "database": self.name,
            "schema": "public",
            "tables": "*",
        }
        return values | overrides

    def source(self, limits: Limits = BRISK, **overrides: Any) -> PostgreSQL:
        """Return a source on this database."""
        return PostgreSQL(self.configuration(**overrides), limits)


async def disconnect_all(administrator: Any, name: str) -> None:
    """End all sessions of a database, so that it can be dropped: version 12 does not know WITH (FORCE)."""
    ending = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1"
    while await administrator.fetchval(ending, name):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


@asynccontextmanager
async def _connected(cluster: Cluster, name: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect to a database of a server as its administrator; whatever happens, nothing is left open."""
    connection = await asyncpg.connect(
        host=cluster.host, port=cluster.port, user=cluster.user, password=cluster.password, database=name
    )
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def database_on(cluster: Cluster, *, options: str = "") -> AsyncIterator[Database]:
    """Create a database and drop it afterwards, whoever is still connected."""
    name = f"test{uuid.uuid4().hex[:12]}"
    # A copy of the files costs half of what a copy through the log does.
    copied = "STRATEGY file_copy" if cluster.version >= FIRST_WITH_STRATEGY else ""
    async with _connected(cluster, "postgres") as administrator:
        await administrator.execute(f"CREATE DATABASE {name} {options} {copied}")
    try:
        async with _connected(cluster, name) as connection:
            yield Database(cluster, name, connection)
    finally:
        # Another session: the server may have crashed meanwhile, if that is what the test is about.
        async with _connected(cluster, "postgres") as administrator:
            await disconnect_all(administrator, name)
            await administrator.execute(f"DROP DATABASE {name}")


@dataclass(slots=True)
class Reading:
    """What a slice gave: documents and hashes by id, and the counts of its batches."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    hashes: dict[str, int] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)
    unchanged: int = 0
    nulled: int = 0

    def add(self, batch: Batch) -> None:
        """Take a batch apart, checking its form."""
        lines = batch.lines.splitlines()
        assert batch.count == batch.lines.count(b"\n") == len(lines)
        assert not batch.lines or batch.lines.endswith(b"\n")
        self.unchanged += batch.unchanged
        self.nulled += batch.nulled
        self.lines += lines
        for line in lines:
            json_id, _, rest = line.partition(ID_END)
            row_hash, _, members = rest.partition(HASH_END)
            document = exact(b"{" + members)
            identifier = orjson.loads(json_id)
            assert identifier not in self.documents
            assert identifier == document["id"]
            assert len(identifier.encode()) <= 512
            self.documents[identifier] = document
            self.hashes[identifier] = int(row_hash)
            assert -(2**63) <= self.hashes[identifier] < 2**63


def exact(text: bytes | str) -> Any:
    """Parse JSON without losing a digit; a number beyond a double's range is valid JSON and beyond orjson."""
    return json.loads(text, parse_float=Decimal)


async def read(slice_: Slice, is_unchanged: IsUnchanged | None = None) -> Reading:
    """Read a slice to its end."""
    reading = Reading()
    async with aclosing(slice_.batches(is_unchanged)) as batches:
        async for batch in batches:
            reading.add(batch)
    return reading


async def read_all(
    source: PostgreSQL, advanced_rules: Any = None, seed: int = 0, is_unchanged: IsUnchanged | None = None
) -> Reading:
    """Read every slice of a source to its end."""
    reading = Reading()
    async with source:
        for slice_ in await source.slices(advanced_rules, seed):
            async with aclosing(slice_.batches(is_unchanged)) as batches:
                async for batch in batches:
                    reading.add(batch)
    return reading


@dataclass(slots=True)
class Known:
    """An `is_unchanged` that knows these hashes, and remembers which ids it was asked about."""

    hashes: Mapping[str, int]
    asked: list[str] = field(default_factory=list)

    def __call__(self, block: bytes) -> NDArray[np.bool_]:
        answers = []
        for line in block.splitlines():
            json_id, _, rest = line.partition(ID_END)
            identifier = orjson.loads(json_id)
            self.asked.append(identifier)
            answers.append(self.hashes.get(identifier) == int(rest.partition(HASH_END)[0]))
        return np.array(answers, dtype=np.bool_)

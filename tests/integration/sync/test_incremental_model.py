"""Random statements, transactions, alterations and interference, and jobs of both kinds between them.

After every job that completes the index is the tables. Whatever PostgreSQL refuses, such as an alteration of
a table that an open transaction has written to, is simply not done.
"""

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from ingest.errors import ElasticsearchUnavailableError
from ingest.sync.kinds.full import full_sync
from ingest.sync.kinds.incremental import incremental_sync
from ingest.sync.rules import BasicRules
from sandbox.elasticsearch import Server
from sandbox.postgresql import Cluster
from tests.integration.sync.failing import fail_from
from tests.integration.sync.synced_database import SyncedDatabase, compared
from tests.support.database import Database, database_on
from tests.support.postgresql import OF_THE_WHEEL, server
from tests.support.sweeps import parts
from tests.support.sync_harness import INDEX, nothing, sync_harness

SCRIPT = """
CREATE TYPE mood AS ENUM ('glad', 'sad', 'calm');
CREATE TABLE plain (id int PRIMARY KEY, v text, m mood DEFAULT 'glad');
CREATE TABLE divided (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE divided_a PARTITION OF divided FOR VALUES FROM (0) TO (10);
CREATE TABLE divided_b PARTITION OF divided FOR VALUES FROM (10) TO (20);
CREATE TABLE spare (LIKE divided INCLUDING ALL);
INSERT INTO plain SELECT n, 'v' || n FROM generate_series(0, 14) n;
INSERT INTO divided SELECT n, 'v' || n FROM generate_series(0, 14) n;
INSERT INTO spare SELECT n, 'v' || n FROM generate_series(20, 25) n;
"""
TABLES = "plain,divided"
RULE = {
    "id": "1",
    "policy": "exclude",
    "rule": "equals",
    "field": "public_plain_v",
    "value": "w3",
    "order": 1,
}
MOVED = """
WITH gone AS (DELETE FROM {table} WHERE id = {key} RETURNING 1)
INSERT INTO {table} SELECT {other}, '{value}' FROM gone ON CONFLICT DO NOTHING
"""
ALTERATIONS = (
    "ALTER TABLE plain ADD COLUMN w int DEFAULT {number}",
    "ALTER TABLE plain DROP COLUMN w",
    "ALTER TABLE plain DROP COLUMN w; ALTER TABLE plain ADD COLUMN w int DEFAULT {number}",
    "ALTER TABLE plain ALTER COLUMN v TYPE varchar(50)",
    "ALTER TABLE plain ALTER COLUMN v TYPE text USING v || '!'",
    "ALTER TYPE mood RENAME VALUE 'glad' TO 'mad'",
    "ALTER TYPE mood RENAME VALUE 'mad' TO 'glad'",
    "TRUNCATE plain",
    "TRUNCATE plain; INSERT INTO plain SELECT n, 'v' || n FROM generate_series(0, 14) n",
    "ALTER TABLE divided DETACH PARTITION divided_b",
    "ALTER TABLE divided ATTACH PARTITION divided_b FOR VALUES FROM (10) TO (20)",
    "ALTER TABLE divided ATTACH PARTITION spare FOR VALUES FROM (20) TO (30)",
    "ALTER TABLE divided DETACH PARTITION spare",
    "VACUUM plain",
    "VACUUM FREEZE plain",
    "VACUUM FULL plain",
    "CLUSTER plain USING plain_pkey",
    "VACUUM FULL divided_a",
)


@dataclass(slots=True, kw_only=True)
class Model:
    """One harness and the random choices of what happens to it."""

    synced: SyncedDatabase
    dice: random.Random
    sessions: dict[int, Any] = field(default_factory=dict)
    prepared: int = 0
    happened: list[str] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.synced.database

    def row_statement(self) -> str:
        """Return a statement that changes a few rows."""
        dice = self.dice
        table, key, value = dice.choice(("plain", "divided")), dice.randrange(20), f"w{dice.randrange(9)}"
        statements = {
            f"INSERT INTO {table} VALUES ({key}, '{value}') ON CONFLICT DO NOTHING": 2,
            f"UPDATE {table} SET v = '{value}' WHERE id = {key}": 8,
            f"UPDATE {table} SET v = v WHERE id < {key}": 1,
            f"DELETE FROM {table} WHERE id = {key}": 0.5,
            f"UPDATE {table} SET id = {dice.randrange(20)} WHERE id = {key}": 0.5,
            f"DELETE FROM {table} WHERE id = {key}; INSERT INTO {table} VALUES ({key}, '{value}')": 1,
            MOVED.format(table=table, key=key, other=dice.randrange(20), value=value): 0.5,
        }
        return dice.choices(list(statements), weights=list(statements.values()))[0]

    async def execute(self, sql: str, connection: Any = None) -> bool:
        """Run statements; what PostgreSQL refuses does not happen."""
        self.happened.append(sql)
        try:
            await (connection or self.database.connection).execute(sql)
        except asyncpg.PostgresError as error:
            self.happened[-1] += f"  -- {type(error).__name__}"
            return False
        return True

    async def change_rows(self) -> None:
        for _ in range(self.dice.randrange(1, 4)):
            await self.execute(self.row_statement())

    async def alter(self) -> None:
        for statement in self.dice.choice(ALTERATIONS).format(number=self.dice.randrange(9)).split("; "):
            if not await self.execute(statement):
                return

    async def work_in_transaction(self) -> None:
        """Begin a transaction beside, or go on with one, or end it in one of the ways there are."""
        number = self.dice.randrange(2)
        if number not in self.sessions:
            self.sessions[number] = session = await connected(self.database)
            await self.execute("BEGIN", session)
        session = self.sessions[number]
        way = self.dice.randrange(8)
        if way < 4:
            await self.execute("SAVEPOINT s", session)
            kept = await self.execute(self.row_statement(), session)
            undo = not kept or self.dice.random() < 0.3
            await self.execute("ROLLBACK TO s" if undo else "RELEASE s", session)
            return
        if way < 7:
            await self.execute(("COMMIT", "ROLLBACK", "COMMIT")[way - 4], session)
        else:
            self.prepared += 1
            name = f"{self.database.name}_{self.prepared}"
            await self.execute(f"PREPARE TRANSACTION '{name}'", session)
        await session.close()
        del self.sessions[number]

    async def end_prepared(self) -> None:
        rows = await self.database.connection.fetch(
            "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
        )
        for row in rows:
            await self.execute(f"{self.dice.choice(('COMMIT', 'ROLLBACK'))} PREPARED '{row['gid']}'")

    async def interfere(self) -> None:
        """Write to the index as somebody else."""
        documents = await self.synced.index.documents()
        if not documents:
            return
        id_ = self.dice.choice(sorted(documents))
        self.happened.append(f"somebody else and {id_}")
        path = f"/{INDEX}/_doc/{id_}"
        if self.dice.random() < 0.5:
            await self.synced.index.call("DELETE", path)
        else:
            await self.synced.index.call("PUT", f"{path}_copy", documents[id_])

    async def change_rules(self) -> None:
        rules = [RULE] if self.synced.index.rules.is_default else []
        self.happened.append(f"rules {rules}")
        self.synced.index.rules = BasicRules.from_wire(rules)

    async def run_job(self) -> None:
        """Run a job; now and then Elasticsearch is gone from some request on."""
        kind = self.dice.choice((incremental_sync, incremental_sync, incremental_sync, full_sync))
        fails_at = self.dice.randrange(25) if self.dice.random() < 0.1 else None
        self.happened.append(f"job {kind.__name__}, fails at {fails_at}")
        wire = self.synced.index.wire
        if fails_at is not None:
            wire.before = fail_from(fails_at)
        try:
            stats = await self.synced.attempt(kind)
            self.happened[-1] += f"  -- {compared(stats)} {stats.reason}"
        except ElasticsearchUnavailableError:
            self.happened[-1] += "  -- failed"
            return
        finally:
            wire.before = nothing
        await self.synced.require_equal()

    async def crash(self) -> None:
        """Kill a session so that the server recovers; what was not flushed is lost."""
        self.happened.append("crash")
        victim = await connected(self.database)
        os.kill(victim.get_server_pid(), signal.SIGKILL)
        victim.terminate()
        for session in self.sessions.values():
            session.terminate()
        self.sessions.clear()
        self.database.connection.terminate()
        object.__setattr__(self.database, "connection", await reconnected(self.database))

    async def step(self, *, crashes: bool) -> None:
        """Do one thing at random."""
        what = self.dice.choices(
            (
                self.change_rows, self.work_in_transaction, self.alter, self.end_prepared, self.interfere,
                self.change_rules, self.run_job, self.crash,
            ),
            weights=(6, 9, 2, 2, 0.3, 0.2, 9, 0.3 if crashes else 0),
        )[0]  # fmt: skip
        await what()


async def connected(database: Database) -> Any:
    cluster = database.cluster
    return await asyncpg.connect(
        host=cluster.host,
        port=cluster.port,
        user=cluster.user,
        password=cluster.password,
        database=database.name,
        server_settings={"lock_timeout": "50ms"},
    )


async def reconnected(database: Database) -> Any:
    for _ in range(600):
        try:
            return await connected(database)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(0.1)
    raise TimeoutError("The server does not recover.")


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    with server(OF_THE_WHEEL[-1]) as cluster:
        yield cluster


async def play(cluster: Cluster, elasticsearch: Server, seed: int, steps: int, *, crashes: bool) -> None:
    async with database_on(cluster) as database, sync_harness(elasticsearch) as index:
        await database.execute(SCRIPT)
        await database.execute("SET lock_timeout = '50ms'")
        synced = SyncedDatabase(database=database, index=index, configuration={"tables": TABLES})
        model = Model(synced=synced, dice=random.Random(seed))
        try:
            await synced.full()
            for _ in range(steps):
                await model.step(crashes=crashes)
            await synced.incremental()
        except BaseException as error:
            error.add_note("\n".join(model.happened))
            raise
        finally:
            for session in model.sessions.values():
                await session.close()
            await model.end_prepared()


@pytest.mark.parametrize("seed", parts(2))
async def test_after_every_completed_job_the_index_is_the_tables(
    own_cluster: Cluster, elasticsearch: Server, seed: int
) -> None:
    await play(own_cluster, elasticsearch, seed, 60, crashes=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(1_000, 1_012))
async def test_it_is_in_long_runs_with_crashes_too(
    own_cluster: Cluster, elasticsearch: Server, seed: int
) -> None:
    await play(own_cluster, elasticsearch, seed, 250, crashes=True)

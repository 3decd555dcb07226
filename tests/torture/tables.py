"""The tables, what notes every change of them in the same transaction, and the documents they should be."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from sandbox.postgresql import Cluster
from tests.torture.connectors import DATABASE, RULE_QUERY, SCHEMA, Connector, fields_of
from tests.torture.history import Change

READER, PASSWORD = "torture_reader", "torture"
PUBLICATION = "elastic_ingest"
PASSING = ("passing_1", "passing_2", "passing_3")
"""Tables that come and go."""
KEYS: Mapping[str, tuple[str, ...]] = {
    "artist": ("id",),
    "album": ("id",),
    "track": ("album_id", "number"),
    "note": ("id",),
    **dict.fromkeys(PASSING, ("id",)),
}
_COLUMNS: Mapping[str, str] = {
    "artist": "id int PRIMARY KEY, name text",
    "album": "id int PRIMARY KEY, title text, artist_id int, details jsonb",
    "track": "album_id int, number int, title text, PRIMARY KEY (album_id, number)",
    "note": "id int PRIMARY KEY, body text",
    **dict.fromkeys(PASSING, "id int PRIMARY KEY, body text"),
}
SETTINGS: Mapping[str, str] = {
    "wal_level": "logical",
    "synchronous_commit": "on",  # what is committed stays so when the server is stopped at once
    "full_page_writes": "on",
    "max_wal_senders": "8",
    "max_replication_slots": "8",
}
_AUDIT = f"""
CREATE SCHEMA audit;
CREATE SEQUENCE audit.versions;
CREATE TABLE audit.transaction (number bigint PRIMARY KEY);
CREATE TABLE audit.change (
    id bigserial PRIMARY KEY, transaction bigint, tab text, key text, version bigint
);
CREATE FUNCTION audit.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := nextval('audit.versions');
    RETURN NEW;
END $$;
CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    number bigint := current_setting('audit.transaction');
    was text;
    now text;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO audit.change (transaction, tab, key) VALUES (number, TG_TABLE_NAME, '*');
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        SELECT string_agg(to_jsonb(OLD) ->> name, ',') INTO was FROM unnest(TG_ARGV) AS name;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT string_agg(to_jsonb(NEW) ->> name, ',') INTO now FROM unnest(TG_ARGV) AS name;
    END IF;
    IF was IS DISTINCT FROM now AND was IS NOT NULL THEN
        INSERT INTO audit.change (transaction, tab, key) VALUES (number, TG_TABLE_NAME, was);
    END IF;
    IF now IS NOT NULL THEN
        INSERT INTO audit.change (transaction, tab, key, version)
        VALUES (number, TG_TABLE_NAME, now, NEW.version);
    END IF;
    RETURN NULL;
END $$;
CREATE ROLE {READER} LOGIN REPLICATION PASSWORD '{PASSWORD}';
GRANT USAGE ON SCHEMA {SCHEMA} TO {READER};
ALTER DEFAULT PRIVILEGES IN SCHEMA {SCHEMA} GRANT SELECT ON TABLES TO {READER};
CREATE PUBLICATION {PUBLICATION} FOR TABLES IN SCHEMA {SCHEMA};
"""
_FIRST = """
SET audit.transaction = 0;
INSERT INTO audit.transaction VALUES (0);
INSERT INTO artist SELECT n, 'artist ' || n FROM generate_series(1, 60) n;
INSERT INTO album SELECT n, 'album ' || n, n % 60, jsonb_build_object('shelf', n % 7)
FROM generate_series(1, 300) n;
INSERT INTO track SELECT n % 100, n, 'track ' || n FROM generate_series(1, 500) n;
INSERT INTO note SELECT n, repeat('note ', n % 20) FROM generate_series(1, 200) n;
"""
_OURS = "application_name = 'elastic-ingest' AND datname = current_database()"


def creating(table: str) -> str:
    """Return the statements that make a table whose changes are noted."""
    arguments = ", ".join(f"'{name}'" for name in KEYS[table])
    return f"""
CREATE TABLE {table} ({_COLUMNS[table]}, version bigint NOT NULL);
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION audit.stamp();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION audit.note({arguments});
CREATE TRIGGER note_truncate AFTER TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION audit.note();
"""


def create(cluster: Cluster) -> None:
    """Make database, role and tables."""
    cluster.execute(f"CREATE DATABASE {DATABASE}")
    tables = "".join(creating(table) for table in ("artist", "album", "track", "note"))
    cluster.execute(_AUDIT + tables + _FIRST, database=DATABASE)


async def connect(cluster: Cluster) -> Any:
    """Connect as the administrator."""
    return await asyncpg.connect(
        host=cluster.host, port=cluster.port, user=cluster.user, password=cluster.password,
        database=DATABASE, timeout=10,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tables:
    """The database as its administrator sees it, by a connection of its own for each question."""

    cluster: Cluster

    async def query(self, sql: str) -> Sequence[Mapping[str, Any]]:
        """Return rows."""
        connection = await connect(self.cluster)
        try:
            return list(await connection.fetch(sql))
        finally:
            await connection.close()

    async def changes(self) -> list[Change]:
        """Return every change that was committed, in the order they were made."""
        rows = await self.query("SELECT transaction, tab, key, version FROM audit.change ORDER BY id")
        return [
            Change(transaction=row["transaction"], table=row["tab"], key=row["key"], version=row["version"])
            for row in rows
        ]

    async def committed(self) -> set[int]:
        """Return the transactions that were committed."""
        return {row["number"] for row in await self.query("SELECT number FROM audit.transaction")}

    async def documents(self, connector: Connector) -> dict[str, dict[str, Any]]:
        """Return the documents that the rows should be, by the documented rules."""
        if connector.has_rule:
            rows = await self.query(RULE_QUERY)
            return dict(_document(connector, "album", row, "album_artist") for row in rows)
        found: dict[str, dict[str, Any]] = {}
        names = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        for table in [row["relname"] for row in await self.query(names)]:
            rows = await self.query(f"SELECT * FROM {table}")
            found |= dict(_document(connector, table, row, table) for row in rows)
        return found

    async def end_backends(self) -> int:
        """Terminate every connection of the service; return how many there were."""
        rows = await self.query(
            f"SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity WHERE {_OURS}"
        )
        return int(rows[0]["n"])

    async def backends(self) -> int:
        """Return how many connections the service has."""
        return int((await self.query(f"SELECT count(*) AS n FROM pg_stat_activity WHERE {_OURS}"))[0]["n"])

    async def slots(self) -> int:
        """Return how many replication slots there are."""
        return int((await self.query("SELECT count(*) AS n FROM pg_replication_slots"))[0]["n"])

    def configuration(self, connector: Connector) -> dict[str, Any]:
        """Return the values of a connector's configuration."""
        return {
            "host": self.cluster.host,
            "port": str(self.cluster.port),
            "username": READER,
            "password": PASSWORD,
            "database": DATABASE,
            "schema": SCHEMA,
            "tables": "*",
            "max_deleted_share": 100,
            **connector.values,
        }


def digest(document: Mapping[str, Any]) -> str:
    """Return a short text that two documents share only if they are alike."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


def _document(
    connector: Connector, table: str, row: Mapping[str, Any], prefix: str
) -> tuple[str, dict[str, Any]]:
    key = ",".join(str(row[name]) for name in KEYS[table])
    id_ = connector.document_id(table, key)
    assert id_ is not None
    values = {**row, "details": json.loads(row["details"])} if row.get("details") else row
    named: Any = ["album", "artist"] if connector.has_rule else table
    members = fields_of(prefix, values)
    return id_, {"id": id_, "database": DATABASE, "schema": SCHEMA, "table": named, **members}

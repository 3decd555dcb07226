"""The table that is followed, and the procedures that change it: what makes the load costs little itself."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psutil

from benchmarks.machine import cpu_seconds
from benchmarks.tasks import DATABASE
from sandbox.postgresql import Cluster

TABLE = "followed"
PUBLICATION = "elastic_ingest"
SETTINGS = {"wal_level": "logical", "shared_buffers": "512MB", "max_wal_size": "8GB"}
TICKS_PER_SECOND = 50

_SCRIPT = f"""
CREATE TABLE {TABLE} (
    id int PRIMARY KEY, change int8 NOT NULL DEFAULT 0, changed_us int8 NOT NULL DEFAULT 0,
    name text, quantity int
) WITH (fillfactor = 50);
CREATE PUBLICATION {PUBLICATION} FOR TABLE {TABLE};
CREATE FUNCTION now_us() RETURNS int8 LANGUAGE sql AS
    $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8 $$;
CREATE PROCEDURE change(first int8, last int8, rows int) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN first..last LOOP
        UPDATE {TABLE} SET change = i, changed_us = now_us() WHERE id = 1 + i % rows;
        COMMIT;
    END LOOP;
END $$;
CREATE PROCEDURE change_steadily(first int8, per_second int, seconds float8, rows int) LANGUAGE plpgsql AS $$
DECLARE
    began CONSTANT timestamptz := clock_timestamp();
    per_tick CONSTANT int := per_second / {TICKS_PER_SECOND};
BEGIN
    FOR tick IN 0..(seconds * {TICKS_PER_SECOND})::int - 1 LOOP
        FOR i IN first + tick * per_tick..first + (tick + 1) * per_tick - 1 LOOP
            UPDATE {TABLE} SET change = i, changed_us = now_us() WHERE id = 1 + i % rows;
            COMMIT;
        END LOOP;
        PERFORM pg_sleep(greatest(0, extract(epoch FROM
            began + (tick + 1) * interval '1 second' / {TICKS_PER_SECOND} - clock_timestamp())));
        COMMIT;
    END LOOP;
END $$;
"""
"""Every change is a transaction of its own. Its number is in the row, and when it was made."""


class Load:
    """A server with the table; changes are numbered, and made in the background."""

    def __init__(self, cluster: Cluster, threads: ThreadPoolExecutor) -> None:
        self.cluster = cluster
        self.rows = 0
        self.newest = 0
        self._threads = threads
        cluster.execute(f"CREATE DATABASE {DATABASE}")
        self.execute(_SCRIPT)

    def fill(self, rows: int) -> None:
        """Fill the table with so many rows, none of them changed."""
        self.execute(
            f"TRUNCATE {TABLE}; INSERT INTO {TABLE} SELECT n, 0, 0, 'Article number ' || n, n % 100"
            f" FROM generate_series(1, {rows}) n; VACUUM ANALYZE {TABLE}"
        )
        self.rows = rows

    def change(self, count: int) -> "Future[str]":
        """Change so many rows, one after the other, as fast as the server can."""
        first, self.newest = self.newest + 1, self.newest + count
        return self._begin(f"CALL change({first}, {self.newest}, {self.rows})")

    def change_steadily(self, per_second: int, seconds: float) -> "Future[str]":
        """Change so many rows a second, one after the other."""
        ticks = round(seconds * TICKS_PER_SECOND)
        first, self.newest = self.newest + 1, self.newest + ticks * (per_second // TICKS_PER_SECOND)
        return self._begin(f"CALL change_steadily({first}, {per_second}, {seconds}, {self.rows})")

    def change_at_once(self) -> "Future[str]":
        """Change every row, in one transaction."""
        self.newest += 1
        return self._begin(f"UPDATE {TABLE} SET change = {self.newest}, changed_us = now_us()")

    def execute(self, sql: str) -> str:
        """Run a script and return what it printed."""
        return self.cluster.execute(sql, database=DATABASE)

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the server with all its processes, those that ended included."""
        pid = int((self.cluster.data_folder / "postmaster.pid").read_text().split()[0])
        return cpu_seconds(psutil.Process(pid))

    def _begin(self, sql: str) -> "Future[str]":
        return self._threads.submit(self.execute, sql)


@contextmanager
def load() -> Iterator[Load]:
    """Run a server whose log can be followed."""
    with Cluster(settings=SETTINGS) as cluster, ThreadPoolExecutor(max_workers=1) as threads:
        yield Load(cluster, threads)

"""What a service holds under load: waiting jobs, many tables, many syncs, wide rows, huge values.

A real process over a real PostgreSQL and the embedded Elasticsearch, watched from outside. Elapsed time is
not a figure here; memory, descriptors, connections and processor time are.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import psutil

from benchmarks.arena import Arena, Run
from benchmarks.datasets import TABLES_AT_ONCE, one_row
from benchmarks.figures import Check, Report, Row
from benchmarks.idle import INDEX_PREFIX, serving
from benchmarks.tasks import MEBIBYTE
from sandbox.calls import Call
from sandbox.postgresql import Cluster
from sandbox.world import DATABASE, READER, World, until, world

WAITING_CONNECTORS = 200
WAITING_JOBS = 50
LIVE_TABLES = 10_000
_STEPS = (
    ("full, first", "full", "", 0),
    ("incremental, unchanged", "incremental", "", 0),
    ("incremental, a row changed", "incremental", "UPDATE one_row_7 SET name = 'new'", 0),
    ("incremental, a row deleted", "incremental", "DELETE FROM one_row_8", -1),
    ("full, unchanged since", "full", "", -1),
    ("full, unchanged, with sums", "full", "", -1),
)
"""Jobs over many tables: name, type, what is changed before, how many documents there are less."""
SYNCS = 1_000
AHEAD = 5
"""How many jobs wait while one runs."""
COLUMNS = 1_600
COLUMN_ROWS = 2_000
MOST_GROWTH_MIB = 8.0
MOST_VALUE_GROWTH_MIB = 32.0
SAMPLE_SECONDS = 0.25
REST_SECONDS = 60.0
PATIENCE_SECONDS = 7_200.0
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the service holds at one moment."""

    resident_bytes: int
    descriptors: int
    threads: int
    backends: int

    def figures(self) -> dict[str, float]:
        """Return it as figures."""
        return {
            "resident MiB": self.resident_bytes / MEBIBYTE,
            "descriptors": self.descriptors,
            "threads": self.threads,
            "backends": self.backends,
        }


class Watch:
    """Looks at a service and its connections to PostgreSQL, now and while something is done."""

    def __init__(self, created: World, pid: int) -> None:
        self._service = psutil.Process(pid)
        postmaster = (created.cluster.data_folder / "postmaster.pid").read_text().split()[0]
        self._postmaster = psutil.Process(int(postmaster))

    def now(self) -> Held:
        """Count what it holds."""
        with self._service.oneshot():
            return Held(
                resident_bytes=self._service.memory_info().rss,
                descriptors=self._service.num_fds(),
                threads=self._service.num_threads(),
                backends=sum(map(_is_of_the_service, self._postmaster.children())),
            )

    def resting(self) -> Held:
        """Count what it holds once its last connections to PostgreSQL are gone, if they ever are."""
        deadline = time.monotonic() + REST_SECONDS
        while (held := self.now()).backends and time.monotonic() < deadline:
            time.sleep(SAMPLE_SECONDS)
        return held

    def cpu_seconds(self) -> float:
        """Return the processor time the service has used."""
        spent = self._service.cpu_times()
        return float(spent.user + spent.system)

    @contextmanager
    def most(self) -> Iterator[dict[str, float]]:
        """Give the most of each figure while the context lasts, filled in at its end."""
        figures: dict[str, float] = {}
        over = threading.Event()

        def look() -> None:
            while not over.wait(SAMPLE_SECONDS):
                for name, value in self.now().figures().items():
                    figures[name] = max(value, figures.get(name, 0))

        looking = threading.Thread(target=look)
        looking.start()
        try:
            yield figures
        finally:
            over.set()
            looking.join()


def waiting(jobs: int = WAITING_JOBS) -> Report:
    """Let so many jobs wait at once for a service with many connectors, and be done."""
    with world() as created, serving(created, WAITING_CONNECTORS) as service:
        watch = Watch(created, service.pid)
        for number in range(WAITING_CONNECTORS):
            path = f"/_connector/{INDEX_PREFIX}{number}"
            until(partial(_is_connected, created, path), f"{path} is connected", watching=service)
        before, cpu_before = watch.now(), watch.cpu_seconds()
        with watch.most() as most:
            asked = [_ask(created, number) for number in range(jobs)]
            ended = [_ended(created, job, service.check) for job in asked]
        after = watch.resting()
        spent = watch.cpu_seconds() - cpu_before
    completed = sum(job["status"] == "completed" for job in ended)
    rows = [
        Row(name="before", figures=before.figures()),
        Row(name="most", figures=most),
        Row(name="after", figures=after.figures()),
    ]
    checks = [
        Check(name="completed", value=completed, target=jobs),
        Check(name="connections afterwards", value=after.backends, target=0, is_ceiling=True),
    ]
    name = f"waiting, {jobs} jobs, {WAITING_CONNECTORS} connectors"
    return Report(name=name, rows=rows, checks=checks, notes=[f"{spent:.1f} s of processor time"])


def syncs(count: int = SYNCS) -> Report:
    """Run one full sync after another in one process."""
    marks = {max(count // 10, 1), count // 4, count // 2, count}
    rows: dict[int, Held] = {}
    with world() as created, serving(created, 1) as service:
        watch = Watch(created, service.pid)
        asked = deque(_ask(created, 0) for _ in range(AHEAD))
        for number in range(1, count + 1):
            job = _ended(created, asked.popleft(), service.check)
            if number + AHEAD <= count:
                asked.append(_ask(created, 0))
            if job["status"] != "completed":
                raise ValueError(f"sync {number} ended as {job['status']}: {job['error']}")
            if number in marks:
                rows[number] = watch.now()
        spent = watch.cpu_seconds()
        backends = watch.resting().backends
    checks = [
        *_flat(rows[min(rows)], rows[count]),
        Check(name="connections afterwards", value=backends, target=0, is_ceiling=True),
    ]
    return Report(
        name=f"syncs, {count:,} in one process",
        rows=[Row(name=f"after {number:,}", figures=held.figures()) for number, held in rows.items()],
        checks=checks,
        notes=[f"{1000 * spent / count:.0f} ms of processor time a sync"],
    )


def live_tables(count: int = LIVE_TABLES) -> Report:
    """Sync a database of so many tables by a running service: all of it, then the little that changed."""
    values = {"tables": "*"}
    rows = []
    with (
        world(fill=partial(_fill_with_tables, count)) as created,
        serving(created, 1, values=values) as service,
    ):
        watch = Watch(created, service.pid)
        before = watch.now()
        rows.append(Row(name="before", figures=before.figures()))
        for name, job_type, change, left in _STEPS:
            if change:
                created.sql(change)
            cpu_before, began = watch.cpu_seconds(), time.monotonic()
            with watch.most() as most:
                job = _ended(created, _ask(created, 0, job_type), service.check)
            if job["status"] != "completed" or job["total_document_count"] != count + left:
                raise ValueError(f"{name}: {job['status']}, {job['total_document_count']}: {job['error']}")
            spent, seconds = watch.cpu_seconds() - cpu_before, time.monotonic() - began
            figures = {**most, "CPU ms a table": 1000 * spent / count, "seconds": seconds}
            rows.append(Row(name=name, figures=figures))
        after = watch.resting()
        rows.append(Row(name="after", figures=after.figures()))
    checks = [Check(name="connections afterwards", value=after.backends, target=0, is_ceiling=True)]
    return Report(name=f"live_tables, {count:,}", rows=rows, checks=checks)


def columns(arena: Arena, rows: int = COLUMN_ROWS) -> Report:
    """Sync rows of as many columns as PostgreSQL allows."""
    names = [f"c{number}" for number in range(COLUMNS - 1)]
    listed = ", ".join(f"{name} smallint" for name in names)
    filled = ", ".join(["n % 1000"] * len(names))
    arena.execute(
        f"DROP TABLE IF EXISTS broad; CREATE TABLE broad (id integer PRIMARY KEY, {listed});"
        f"INSERT INTO broad SELECT n, {filled} FROM generate_series(1, {rows}) n;"
    )
    runs = {
        "first sync": arena.run("engine", "broad", rows, remember=True, forget=True),
        "second sync": arena.run("engine", "broad", rows, exists=True),
    }
    found = [Row(name=name, figures=_of_run(run)) for name, run in runs.items()]
    return Report(name=f"columns, {rows:,} rows of {COLUMNS:,} columns", rows=found)


VALUES: Mapping[str, str] = {
    "text": "repeat('0123456789', {bytes} / 10)",
    "bytea": "convert_to(repeat('0123456789', {bytes} / 10), 'UTF8')",
    "jsonb": "jsonb_build_array({strings})",
}
_STRING = "repeat('0123456789', 5000000)"
SIZES: Mapping[str, int] = {"300 MB": 300 * MEGABYTE, "1 GB": 1_000 * MEGABYTE}
"""A field holds a GiB at most; an element of jsonb less than 256 MB, so that it needs several."""


def values(arena: Arena) -> Report:
    """Sync a table with one value as large as PostgreSQL stores, of each type that can hold one."""
    rows = [Row(name="none", figures=_of_run(_one_value(arena, "text", "''")))]
    for kind, expression in VALUES.items():
        for size, count in SIZES.items():
            if (kind, size) == ("jsonb", "1 GB"):
                continue  # its containers end at 256 MB of elements
            strings = ", ".join([_STRING] * 5)
            value = expression.format(bytes=count, strings=strings)
            name = "jsonb, 250 MB" if kind == "jsonb" else f"{kind}, {size}"
            rows.append(Row(name=name, figures=_of_run(_one_value(arena, kind, value))))
    growth = max(row.figures["peak MiB"] for row in rows) - rows[0].figures["peak MiB"]
    nulled = min(row.figures["nulled"] for row in rows[1:])
    checks = [
        Check(name="more memory", value=growth, target=MOST_VALUE_GROWTH_MIB, is_ceiling=True, unit=" MiB"),
        Check(name="counted as left out, each", value=nulled, target=1),
    ]
    return Report(name="values, one of so many bytes", rows=rows, checks=checks)


def _one_value(arena: Arena, kind: str, value: str) -> Run:
    arena.execute(
        f"DROP TABLE IF EXISTS large; CREATE TABLE large (id integer PRIMARY KEY, value {kind});"
        "INSERT INTO large (id) SELECT n FROM generate_series(1, 100) n;"
        f"UPDATE large SET value = {value} WHERE id = 50"
    )
    return arena.run("engine", "large", 100, forget=True)


def _of_run(run: Run) -> dict[str, float]:
    return {
        "CPU s": run.outcome.cpu_seconds,
        "PostgreSQL CPU s": run.postgresql_cpu_seconds,
        "peak MiB": run.outcome.peak_bytes / MEBIBYTE,
        "sent MB": run.sink["bulk_bytes"] / 1e6,
        "biggest bulk MiB": run.sink["biggest_bulk_bytes"] / MEBIBYTE,
        "nulled": run.outcome.counts.get("nulled", 0),
    }


def _flat(first: Held, last: Held) -> list[Check]:
    growth = (last.resident_bytes - first.resident_bytes) / MEBIBYTE
    descriptors, threads = last.descriptors - first.descriptors, last.threads - first.threads
    return [
        Check(name="memory grows by", value=growth, target=MOST_GROWTH_MIB, is_ceiling=True, unit=" MiB"),
        Check(name="descriptors grow by", value=descriptors, target=0, is_ceiling=True),
        Check(name="threads grow by", value=threads, target=0, is_ceiling=True),
    ]


def _fill_with_tables(count: int, cluster: Cluster) -> None:
    cluster.execute(f"CREATE DATABASE {DATABASE}")
    names = [f"one_row_{number}" for number in range(count)]
    for first in range(0, count, TABLES_AT_ONCE):
        script = "".join(map(one_row, names[first : first + TABLES_AT_ONCE]))
        cluster.execute(script, database=DATABASE)


def _is_connected(created: World, path: str) -> bool:
    return bool(created.elasticsearch.send(Call("Look", "GET", path))["status"] == "connected")


def _ask(created: World, connector: int, job_type: str = "full") -> str:
    body = {"id": f"{INDEX_PREFIX}{connector}", "job_type": job_type}
    call = Call("Ask for a sync", "POST", "/_connector/_sync_job", body)
    return str(created.elasticsearch.send(call)["id"])


def _ended(created: World, job: str, check: Callable[[], None]) -> Mapping[str, Any]:
    call = Call("Look at it", "GET", f"/_connector/_sync_job/{job}")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found: Mapping[str, Any] = created.elasticsearch.send(call)
        if found["status"] in ("completed", "error", "canceled"):
            return found
        check()
        if time.monotonic() > deadline:
            raise ValueError(f"not within {PATIENCE_SECONDS:.0f} s: {found}")
        time.sleep(SAMPLE_SECONDS)


def _is_of_the_service(process: psutil.Process) -> bool:
    try:
        return " ".join(process.cmdline()).startswith(f"postgres: {READER} ")
    except psutil.NoSuchProcess:
        return False

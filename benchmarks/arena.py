"""What all runs of a benchmark share: one PostgreSQL server, one sink, tables made once; a process a run."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from benchmarks import sink
from benchmarks.datasets import TABLES_AT_ONCE, Shape, one_row
from benchmarks.machine import Machine, cpu_seconds, this_machine
from benchmarks.tasks import DATABASE, Outcome, Server, Task
from sandbox.postgresql import Cluster

SETTINGS: Mapping[str, str] = {
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
    "max_wal_senders": "0",
    "max_wal_size": "16GB",
    "shared_buffers": "2GB",
    "wal_level": "minimal",
}
"""Everything in memory and nothing in the background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one contestant: what it reports, and what was measured from outside."""

    rows: int
    outcome: Outcome
    postgresql_cpu_seconds: float
    sink: Mapping[str, Any]

    @property
    def rows_per_second(self) -> float:
        """Rows of the table by the seconds the whole run took."""
        return self.rows / self.outcome.seconds


class Arena:
    """Owns what a benchmark needs and gives it back when the context ends."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._rows: dict[str, int] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._cluster = stack.enter_context(Cluster(settings=SETTINGS))
            self.sink = stack.enter_context(sink.running())
            self._cluster.execute(f"CREATE DATABASE {DATABASE}")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def machine(self) -> Machine:
        """What everything runs on."""
        return this_machine(self._cluster.execute("SHOW server_version").split()[0])

    def table(self, shape: Shape, rows: int) -> str:
        """Make the table unless it is there with so many rows; return its name."""
        if self._rows.get(shape.name) != rows:
            self._cluster.execute(shape.create(rows), database=DATABASE)
            self._rows[shape.name] = rows
        return shape.name

    def tables(self, count: int) -> str:
        """Make so many tables of a row each unless they are there; return their names."""
        names = [f"one_row_{number}" for number in range(count)]
        if self._rows.get("one_row") != count:
            for first in range(0, count, TABLES_AT_ONCE):
                self.execute("".join(map(one_row, names[first : first + TABLES_AT_ONCE])))
            self._rows["one_row"] = count
        return ",".join(names)

    def execute(self, sql: str) -> None:
        """Run a script on the tables."""
        self._cluster.execute(sql, database=DATABASE)

    def run(
        self,
        contestant: str,
        table: str,
        rows: int,
        *,
        probes: bool = False,
        job: str = "full",
        begin_from: Run | None = None,
        **options: Any,
    ) -> Run:
        """Run a contestant over a table, with these options of the sink, from where another run ended."""
        self.sink.configure(**options)
        cpu_before = self.postgresql_cpu_seconds()
        cursor = None if begin_from is None else begin_from.outcome.cursor
        outcome = self.outcome(
            contestant, table, rows, into=self.sink.url, probes=probes, job=job, cursor=cursor
        )
        run = Run(
            rows=rows,
            outcome=outcome,
            postgresql_cpu_seconds=self.postgresql_cpu_seconds() - cpu_before,
            sink=self.sink.counters(),
        )
        if run.sink["unknown"]:
            raise ValueError(f"the sink could not answer {run.sink['unknown']}")
        return run

    def outcome(
        self, contestant: str, table: str, rows: int, *, into: str, probes: bool = False, **begin: Any
    ) -> Outcome:
        """Let a contestant read a table in a process of its own and send it to the server at this URL."""
        cluster = self._cluster
        server = Server(host=cluster.host, port=cluster.port, user=cluster.user, password=cluster.password)
        task = Task(
            contestant=contestant, server=server, sink=into, table=table, rows=rows, probes=probes, **begin
        )
        finished = subprocess.run(
            [sys.executable, "-m", "benchmarks.runner"],
            input=json.dumps(task.to_wire()),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            cwd=Path(__file__).parent.parent,
        )
        outcome = Outcome(**json.loads(finished.stdout))
        read = outcome.counts["read"] + outcome.counts.get("skipped", 0)
        if read != rows:
            raise ValueError(f"{contestant} read or skipped {read} of {rows} rows")
        return outcome

    def postgresql_cpu_seconds(self) -> float:
        """Processor time of the server, once the backends of the last run are gone.

        A backend that ended has been added to its parent's account.
        """
        postmaster = self._postmaster()
        while any(_is_backend(child) for child in postmaster.children()):
            time.sleep(0.01)
        return cpu_seconds(postmaster)

    def keep_to(self, cores: Sequence[int]) -> None:
        """Let this process and PostgreSQL, with whatever they start from now on, run on these cores alone."""
        for process in (psutil.Process(), self._postmaster()):
            process.cpu_affinity([*cores])

    def _postmaster(self) -> psutil.Process:
        return psutil.Process(int((self._cluster.data_folder / "postmaster.pid").read_text().split()[0]))


def _is_backend(process: psutil.Process) -> bool:
    try:
        title = " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
    return title.startswith("postgres: postgres ") or "parallel worker" in title

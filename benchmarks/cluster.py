"""Syncs into a real Elasticsearch: beside a raw loader of the same documents, and beside other choices.

The choices are ours to make: how large requests are and how many are in flight, how long texts are indexed
whole, whether documents pass a pipeline that does nothing, whether the index refreshes while it is filled.
"""

import copy
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import click

from benchmarks.arena import Arena
from benchmarks.datasets import Shape
from benchmarks.figures import Check, Report, Row
from benchmarks.real_elasticsearch import EMPTY_PIPELINE, RealElasticsearch, real_elasticsearch
from benchmarks.tasks import INDEX, MEBIBYTE, Outcome

LEAST_SHARE_OF_LOADER = 0.95
MOST_CPU_SHARE = 0.1
LONGER_TERM_CHARACTERS = 8191
WARMING_ROUNDS = 3
LOADER, OURS = "raw loader", "our first sync"

Definition = dict[str, Any]


def _as_it_is(definition: Definition) -> Definition:
    return definition


def _long_terms(definition: Definition) -> Definition:
    changed = copy.deepcopy(definition)
    for mapping in changed["mappings"]["properties"].values():
        for sub in mapping.get("fields", {}).values():
            if "ignore_above" in sub:
                sub["ignore_above"] = LONGER_TERM_CHARACTERS
    return changed


def _without_refresh(definition: Definition) -> Definition:
    return {**definition, "settings": {**definition["settings"], "index.refresh_interval": "-1"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How a sync is run otherwise, and what its index is created with."""

    options: Mapping[str, Any] = field(default_factory=dict)
    definition: Callable[[Definition], Definition] = _as_it_is


AS_IT_IS = Choice()
CHOICES: Mapping[str, Choice] = {
    "requests of 1 MiB": Choice(options={"chunk_bytes": MEBIBYTE}),
    "requests of 20 MiB": Choice(options={"chunk_bytes": 20 * MEBIBYTE}),
    "2 in flight": Choice(options={"in_flight": 2}),
    "10 in flight": Choice(options={"in_flight": 10}),
    "empty pipeline": Choice(options={"pipeline": EMPTY_PIPELINE}),
    f"terms of {LONGER_TERM_CHARACTERS:,}": Choice(definition=_long_terms),
    "no refresh": Choice(definition=_without_refresh),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run over the index: what the contestant says, and what it cost the servers."""

    outcome: Outcome
    cpu_seconds: float
    postgresql_cpu_seconds: float
    stored_bytes: int

    @property
    def all_cpu_seconds(self) -> float:
        """The processor time of everybody who took part."""
        return self.outcome.cpu_seconds + self.cpu_seconds + self.postgresql_cpu_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A table, and the index it is synced into."""

    arena: Arena
    server: RealElasticsearch
    shape: Shape
    rows: int
    definition: Definition
    bodies: str

    def fill(self, contestant: str, choice: Choice = AS_IT_IS) -> Job:
        """Let somebody fill a new index."""
        self.server.remove_index()
        self.server.call("PUT", f"/{INDEX}", choice.definition(self.definition))
        return self.run(contestant, **choice.options)

    def again(self, job: str, before: Job | None) -> Job:
        """Run another job over the index there is, from where one ended or by comparing everything."""
        return self.run("engine", job=job, cursor=None if before is None else before.outcome.cursor)

    def run(self, contestant: str, **options: Any) -> Job:
        """Run somebody over the index there is."""
        before, postgresql_before = self.server.cpu_seconds(), self.arena.postgresql_cpu_seconds()
        given = {"pipeline": "_none", "bodies": self.bodies, **options}
        outcome = self.arena.outcome(contestant, self.shape.name, self.rows, into=self.server.url, **given)
        return Job(
            outcome=outcome,
            cpu_seconds=self.server.cpu_seconds() - before,
            postgresql_cpu_seconds=self.arena.postgresql_cpu_seconds() - postgresql_before,
            stored_bytes=self.server.stored_bytes(),
        )


def measured(arena: Arena, shape: Shape, rows: int, repeats: int) -> Report:
    """Let everybody fill the index in turns, and further jobs run after ours."""
    runs: dict[str, list[Job]] = {}
    with _bench(arena, shape, rows) as bench:
        for number in range(repeats):
            _run_all(_round(bench, number), number, runs)
    return _report(f"cluster, {shape.name}, {rows:,} rows", rows, runs)


def share(arena: Arena, shape: Shape, rows: int, repeats: int, *, apart: bool = False) -> Report:
    """Let the loader and us fill the index in turns; who begins changes, and the first rounds do not count.

    In those the server compiles what it runs often. With `apart` it has cores that nobody else uses, as on a
    machine of its own.
    """
    runs: dict[str, list[Job]] = {}
    with _bench(arena, shape, rows, apart=apart) as bench:
        both = [(LOADER, partial(bench.fill, "loader")), (OURS, partial(bench.fill, "engine"))]
        for number in range(WARMING_ROUNDS + repeats):
            counted = runs if number >= WARMING_ROUNDS else {}
            _run_all(both if number % 2 == 0 else both[::-1], number, counted)
    place = ", Elasticsearch apart" if apart else ""
    return _report(f"cluster_share, {shape.name}, {rows:,} rows{place}", rows, runs)


@contextmanager
def _bench(arena: Arena, shape: Shape, rows: int, *, apart: bool = False) -> Iterator[Bench]:
    """Prepare a server, the table, and the bodies of its documents for the loader."""
    table = arena.table(shape, rows)
    with _apart(arena) if apart else real_elasticsearch() as server, tempfile.TemporaryDirectory() as bodies:
        server.remove_index()
        try:
            arena.outcome("engine", table, rows, into=server.url, pipeline="_none")
            server.write_bodies(Path(bodies))
            definition = server.definition()
            yield Bench(
                arena=arena, server=server, shape=shape, rows=rows, definition=definition, bodies=bodies
            )
        finally:
            server.remove_index()


@contextmanager
def _apart(arena: Arena) -> Iterator[RealElasticsearch]:
    """Start Elasticsearch on half of the cores, and leave the others to everybody else meanwhile."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise click.UsageError("With one core Elasticsearch cannot have one for itself; leave out --apart.")
    middle = len(cores) // 2
    arena.keep_to(cores[:middle])
    try:
        with real_elasticsearch() as server:
            arena.keep_to(cores[middle:])
            yield server
    finally:
        arena.keep_to(cores)


def _run_all(
    contestants: Sequence[tuple[str, Callable[[], Job]]], number: int, runs: dict[str, list[Job]]
) -> None:
    for name, run in contestants:
        job = run()
        runs.setdefault(name, []).append(job)
        _say(number, name, job)


def _say(number: int, name: str, job: Job) -> None:
    """Show how far it is: a round takes minutes, and what was measured is not to be lost with the rest."""
    figures = (
        f"{job.outcome.seconds:.2f} s, CPU of Elasticsearch {job.cpu_seconds:.2f}, of the contestant "
        f"{job.outcome.cpu_seconds:.2f}, of PostgreSQL {job.postgresql_cpu_seconds:.2f} s"
    )
    print(f"{number + 1} {name}: {figures}", file=sys.stderr, flush=True)


def _round(bench: Bench, number: int) -> list[tuple[str, Callable[[], Job]]]:
    ours: list[Job] = []

    def first() -> Job:
        ours.append(bench.fill("engine"))
        return ours[0]

    def changed() -> Job:
        bench.arena.execute(bench.shape.change(number))
        return bench.again("incremental", ours[0])

    return [
        (LOADER, partial(bench.fill, "loader")),
        (OURS, first),
        ("full again, by content", lambda: bench.again("full", None)),
        ("incremental, unchanged", lambda: bench.again("incremental", ours[0])),
        ("incremental, 1% changed", changed),
        *((name, partial(bench.fill, "engine", choice)) for name, choice in CHOICES.items()),
    ]


def _report(name: str, rows: int, runs: Mapping[str, list[Job]]) -> Report:
    ours, loader = runs[OURS], runs[LOADER]
    checks = [
        Check(
            name="share of the raw loader's speed",
            value=_ratio(loader, ours, _seconds),
            target=LEAST_SHARE_OF_LOADER,
        ),
        Check(
            name="service CPU, share of the time",
            value=_middle(ours, lambda job: job.outcome.cpu_seconds / job.outcome.seconds),
            target=MOST_CPU_SHARE,
            is_ceiling=True,
        ),
    ]
    shown = [Row(name=known, figures=_figures(rows, found, ours)) for known, found in runs.items()]
    in_server, in_all = (
        _ratio(loader, ours, of) for of in (lambda job: job.cpu_seconds, lambda job: job.all_cpu_seconds)
    )
    notes = [
        f"share by processor time of Elasticsearch, which counts if that has its own cores: {in_server:.2f}",
        f"share by processor time of all, which counts if they keep the same cores busy: {in_all:.2f}",
    ]
    return Report(name=name, rows=shown, checks=checks, notes=notes)


def _figures(rows: int, jobs: list[Job], ours: list[Job]) -> dict[str, float]:
    return {
        "docs/s": rows / _middle(jobs, _seconds),
        "seconds": _middle(jobs, _seconds),
        "times ours": _ratio(jobs, ours, _seconds),
        "service CPU s": _middle(jobs, lambda job: job.outcome.cpu_seconds),
        "PostgreSQL CPU s": _middle(jobs, lambda job: job.postgresql_cpu_seconds),
        "Elasticsearch CPU s": _middle(jobs, lambda job: job.cpu_seconds),
        "times ours, CPU": _ratio(jobs, ours, lambda job: job.cpu_seconds),
        "times ours, all CPU": _ratio(jobs, ours, lambda job: job.all_cpu_seconds),
        "disk MB": _middle(jobs, lambda job: job.stored_bytes / 1e6),
    }


def _ratio(jobs: list[Job], ours: list[Job], of: Callable[[Job], float]) -> float:
    """Return the median of the ratios within a round: what slows a whole round down does not count."""
    return median(of(job) / max(of(own), 1e-3) for job, own in zip(jobs, ours, strict=True))


def _middle(jobs: list[Job], of: Callable[[Job], float]) -> float:
    return median(of(job) for job in jobs)


def _seconds(job: Job) -> float:
    return job.outcome.seconds

"""Run one contestant in this process: task in on standard input, outcome out on standard output."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks import loader, poster, probes, yardstick
from benchmarks.tasks import Done, Outcome, Task


def main() -> None:
    """Do what standard input asks."""
    task = Task.from_wire(json.loads(sys.stdin.read()))
    print(json.dumps(asdict(asyncio.run(measure(task, _contestant(task.contestant))))))


async def measure(task: Task, run: Callable[[Task], Awaitable[Done]]) -> Outcome:
    """Run it, with the probes if they are asked for."""
    resting = _memory("VmRSS")
    late: list[float] = []
    beats: list[float] = []
    started, cpu_started = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        probing = []
        if task.probes:
            probing = [
                group.create_task(probes.lateness(late)),
                group.create_task(probes.beat(task.sink, beats)),
            ]
        done = await run(task)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        for probe in probing:
            probe.cancel()
    return Outcome(
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        resting_bytes=resting,
        peak_bytes=_memory("VmHWM"),
        counts=done.counts,
        cursor=done.cursor,
        lateness_seconds=late,
        heartbeat_seconds=beats,
    )


def _contestant(name: str) -> Callable[[Task], Awaitable[Done]]:
    if name == "yardstick":
        return yardstick.copy_and_post
    if name == "loader":
        return loader.load
    if name == "poster":
        return poster.post
    from benchmarks import engine  # imported here alone: the yardstick's memory is measured without it

    return engine.sync


def _memory(name: str) -> int:
    """Read a figure of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


if __name__ == "__main__":
    main()

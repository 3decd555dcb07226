"""What the figures were measured on, and the processor time of a server there."""

import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine, as far as it decides figures."""

    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    postgresql: str

    def __str__(self) -> str:
        return (
            f"{self.cores} x {self.processor}, {self.memory_gib:.0f} GiB, {self.system}, "
            f"Python {self.python}, PostgreSQL {self.postgresql}"
        )


def this_machine(postgresql: str) -> Machine:
    """Describe the machine we run on."""
    return Machine(
        processor=_field("/proc/cpuinfo", "model name"),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=int(_field("/proc/meminfo", "MemTotal").split()[0]) / 2**20,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        postgresql=postgresql,
    )


def cpu_seconds(server: psutil.Process) -> float:
    """Return the processor time of a process with its children, those that have ended included."""
    while True:
        with suppress(psutil.NoSuchProcess):  # a child ended just now, and its time is its parent's
            return float(sum(sum(process.cpu_times()[:4]) for process in (server, *server.children())))


def _field(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        label, _, value = line.partition(":")
        if label.strip() == name:
            return value.strip()
    return "unknown"

"""What the figures were measured on."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path


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


def _field(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        label, _, value = line.partition(":")
        if label.strip() == name:
            return value.strip()
    return "unknown"

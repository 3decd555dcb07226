"""The name of this process among all workers, and whether the process behind another worker's name is gone.

    host:pid:space-birth-token       vm:22910:1c0ffee1-5f3a21-9a3c
             space   which kernel, since which start of it, and which of its process namespaces
             birth   when the process started, on the kernel's clock
             token   tells workers in one process apart

Two live namespaces of one kernel never have the same number, and two processes of one namespace never have
the same id and birth. So a worker of our own space is gone for certain if no process has its id and birth;
about all others nothing is known here. Without /proc there is no space, and no worker counts as gone.
"""

import hashlib
import os
import re
import secrets
import socket
from functools import cache
from pathlib import Path
from typing import Final

_NAME: Final = re.compile(
    r".*:(?P<pid>\d{1,10}):(?P<space>[0-9a-f]{8})-(?P<birth>[0-9a-f]{1,16})-[0-9a-f]{4}"
)
_PROC: Final = Path("/proc")
_DEAD_STATES: Final = ("Z", "X")


def worker_name() -> str:
    """Return a name no other worker has or had."""
    pid = os.getpid()
    space, process = _space(), _living(pid)
    if space is None or process is None:
        return f"{socket.gethostname()}:{pid}:{secrets.token_hex(4)}"
    return f"{socket.gethostname()}:{pid}:{space}-{process}-{secrets.token_hex(2)}"


def is_gone(worker: str | None) -> bool:
    """Say whether a worker is known to run no more. False also if nothing is known about it."""
    name = _NAME.fullmatch(worker or "")
    if name is None or name["space"] != _space():
        return False
    pid = int(name["pid"])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass  # another user's process, or no process id at all: what /proc shows decides
    living = _living(pid)
    return living is not None and living != name["birth"]


@cache
def _space() -> str | None:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return None
    return hashlib.blake2b(f"{boot} {namespace}".encode(), digest_size=4).hexdigest()


def _living(pid: int) -> str | None:
    """Return when a process started; empty if it is dead but not reaped; None if nothing can be seen."""
    try:
        # The name of the program, in parentheses, may hold anything (proc_pid_stat(5), fields 3 and 22).
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return "" if fields[0] in _DEAD_STATES else f"{int(fields[19]):x}"

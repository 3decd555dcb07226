"""Who this worker is, and which workers before it are gone for certain, though no process id can tell.

    service.lock_file     locked as long as its holder's process lives; a line for each worker that held it

In a new container the processes of the one before cannot be seen. But the kernel drops the lock of a process
when that ends, whatever its container, and not earlier. So whoever has got the lock knows that the earlier
holders are gone: those that were given the same file, not a copy of it, by the same run of the same kernel.
Locks of network file systems can be lost by a living process, so there, and wherever else it is doubtful, the
file says nothing and the idle limit decides.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ingest.log import get_logger
from ingest.service import identity

LOCAL_FILE_SYSTEMS: Final = frozenset(
    {"btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"}
)
"""Where a lock is kept by the kernel alone."""
MOST_BYTES: Final = 64 * 1024
_PROC: Final = Path("/proc")
_LINE: Final = re.compile(r"(?P<place>\S+) (?P<worker>\S+)")
_LINE_OR_ITS_BEGINNING: Final = re.compile(r"[0-9a-f-]{0,36}(/\d*(/\d*( \S*)?)?)?")
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Identity:
    """The name of this worker, and the names of those that are gone because it took their place."""

    name: str = field(default_factory=identity.worker_name)
    predecessors: frozenset[str] = frozenset()

    def is_gone(self, worker: str | None) -> bool:
        """Say whether a worker is known to run no more. False also if nothing is known about it."""
        return worker in self.predecessors or identity.is_gone(worker)


@contextmanager
def identified(lock_file: Path | None) -> Iterator[Identity]:
    """Give this process its identity, and hold the lock file (if there is one) until it ends.

    A file that cannot be used costs a warning: the service works without it, only later after a crash.
    """
    with ExitStack() as held:
        try:
            me = Identity() if lock_file is None else _succeeding(held.enter_context(_locked(lock_file)))
        except OSError as error:
            held.close()
            remedy = "; name a file that the service may create and write"
            reason = f"{error.strerror}{remedy}" if error.strerror else str(error)
            get_logger().warning("lock_file.not_used", lock_file=str(lock_file), reason=reason)
            me = Identity()
        yield me


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Open and lock the file. Raises OSError if it is locked by another, or locks are not to be relied on."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        kind = file_system_of(path.resolve(), (_PROC / "self/mountinfo").read_text())
        if kind not in LOCAL_FILE_SYSTEMS:
            raise OSError(f"locks of a file system of type {kind} are not relied on; use a local one")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError("another running service holds it; give each replica its own") from error
        yield descriptor
    finally:
        os.close(descriptor)


def _succeeding(descriptor: int) -> Identity:
    """Read who held the file before, and sign it. Raises OSError if it is somebody's file of another kind."""
    status = os.fstat(descriptor)
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    place = f"{boot}/{status.st_dev}/{status.st_ino}"
    lines = os.pread(descriptor, MOST_BYTES, 0).replace(b"\0", b"").decode(errors="replace").split("\n")
    if not all(map(_LINE_OR_ITS_BEGINNING.fullmatch, lines)):
        raise OSError("it holds something else; name a file of its own, which need not exist")
    signed = [_LINE.fullmatch(line) for line in lines]
    predecessors = frozenset(line["worker"] for line in signed if line is not None and line["place"] == place)
    me = Identity(predecessors=predecessors)
    if status.st_size > MOST_BYTES // 2:
        os.ftruncate(descriptor, 0)  # so long ago that no job of theirs can still be running
    # The line begins with its own end, so that one which was not written whole does not join it.
    os.write(descriptor, f"\n{place} {me.name}\n".encode())
    return me


def file_system_of(path: Path, mounts: str) -> str:
    """Return the type of the file system a path is on, by what /proc/self/mountinfo says (proc(5))."""
    found, longest = "unknown", -1
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = Path(_ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), before.split(" ")[4]))
        if path.is_relative_to(point) and len(point.parts) >= longest:
            found, longest = after.split(" ")[0], len(point.parts)
    return found

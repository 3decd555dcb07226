"""The lease: who may write, until when."""

import shutil
import subprocess
import sys

import pytest

from ingest.config import Service
from ingest.errors import JobCanceledError, JobLostError
from ingest.protocol.lease import FENCING_SECONDS, Lease


class Clock:
    """Boot time, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def nothing() -> None:
    return None


def test_a_worker_stops_by_itself_before_others_may_act() -> None:
    assert Service().idle_limit_seconds > FENCING_SECONDS


def test_writing_is_allowed_until_the_fencing_limit() -> None:
    clock = Clock()
    lease = Lease(nothing, clock=clock)

    clock.now += 239.9
    lease.check()
    clock.now += 0.1
    with pytest.raises(JobLostError, match="240 s"):
        lease.check()


def test_a_heartbeat_counts_from_when_it_was_sent() -> None:
    clock = Clock()
    lease = Lease(nothing, clock=clock)
    sent_at = lease.now()

    clock.now += 200
    lease.renewed(sent_at)
    clock.now += 50

    with pytest.raises(JobLostError):
        lease.check()


def test_an_accepted_heartbeat_extends_the_lease() -> None:
    clock = Clock()
    lease = Lease(nothing, clock=clock)

    for _ in range(10):
        clock.now += 200
        lease.renewed(clock.now)

    lease.check()


def test_a_lease_that_ran_out_is_not_revived_by_a_late_heartbeat() -> None:
    """A paused worker goes on, and its old heartbeat is accepted: others may have acted in between."""
    clock = Clock()
    lease = Lease(nothing, clock=clock)

    clock.now += 1000
    lease.renewed()

    with pytest.raises(JobLostError):
        lease.check()


def test_a_cancel_ends_it_and_a_loss_beats_a_cancel() -> None:
    lease = Lease(nothing)

    lease.end(JobCanceledError("canceling"))
    with pytest.raises(JobCanceledError):
        lease.check()
    lease.end(JobLostError("deleted"))
    lease.end(JobCanceledError("canceling"))
    with pytest.raises(JobLostError):
        lease.check()


async def test_confirm_reads_back_only_while_the_lease_holds() -> None:
    clock = Clock()
    readings = 0

    async def read_back() -> None:
        nonlocal readings
        readings += 1

    lease = Lease(read_back, clock=clock)
    await lease.confirm()
    clock.now += FENCING_SECONDS

    with pytest.raises(JobLostError):
        await lease.confirm()
    assert readings == 1


async def test_a_reading_that_takes_longer_than_the_lease_confirms_nothing() -> None:
    clock = Clock()

    async def slow() -> None:
        clock.now += FENCING_SECONDS

    with pytest.raises(JobLostError):
        await Lease(slow, clock=clock).confirm()


ASLEEP = ("unshare", "--user", "--map-root-user", "--time", "--boottime", "100000", "--fork")
"""A machine that, for whoever is started so, was suspended for so many seconds (time_namespaces(7))."""
BOTH = "import time; from ingest.protocol.lease import boottime; print(boottime() - time.monotonic())"


def can_sleep() -> bool:
    """Whether this machine lets us make such a clock."""
    return (
        shutil.which("unshare") is not None and subprocess.run([*ASLEEP, "true"], check=False).returncode == 0
    )


@pytest.mark.skipif(not can_sleep(), reason="needs unshare, time namespaces and the right to use them")
def test_time_during_which_the_machine_sleeps_counts() -> None:
    difference = subprocess.check_output([*ASLEEP, sys.executable, "-c", BOTH], text=True)

    assert float(difference) > 99_000

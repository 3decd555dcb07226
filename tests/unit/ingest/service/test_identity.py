"""Whether the process named by a worker is gone can be told on this machine alone."""

import os
import subprocess
import sys

import pytest

from ingest.service.identity import is_gone, worker_name

NAMED = "from ingest.service.identity import worker_name as name; print(name(), flush=True); input()"


def test_workers_of_one_process_have_different_names_and_live() -> None:
    one, other = worker_name(), worker_name()

    assert one != other
    assert not is_gone(one)


def test_a_process_is_there_until_it_is_killed_also_before_it_is_reaped() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", NAMED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        before = is_gone(name)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        unburied = is_gone(name)

    assert (before, unburied, is_gone(name)) == (False, True, True)


def test_another_process_with_the_same_id_is_not_the_worker() -> None:
    host, pid, rest = worker_name().split(":")
    space, _, token = rest.split("-")

    assert is_gone(f"{host}:{pid}:{space}-1-{token}")


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "worker",
        "elsewhere:999999999:00000000-1-aaaa",
        "vm:999999999:deadbeef",
        "vm:x:y-z-w",
        f"vm:{10**12}:00000000-1-aaaa",
    ],
)
def test_nothing_is_said_about_workers_of_other_machines_or_with_other_names(name: str | None) -> None:
    assert not is_gone(name)

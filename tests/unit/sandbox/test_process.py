"""A process of ours does not outlive its context, and says why it ended."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.process import Process, ProcessEndedError, interrupts_held_back


def python(program: str, folder: Path, **options: Any) -> Process:
    command = [sys.executable, "-c", program]
    return Process("thing", command, log_file=folder / "log", folder=folder, **options)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_is_gone_after_its_context(tmp_path: Path) -> None:
    with python("import signal; signal.pause()", tmp_path) as process:
        process.check()

    assert not is_running(process.pid)


def test_it_is_gone_after_an_interrupted_context(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), python("import signal; signal.pause()", tmp_path) as process:
        raise KeyboardInterrupt

    assert not is_running(process.pid)


def test_it_can_end_in_order(tmp_path: Path) -> None:
    program = (
        "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('ended in order'))); "
        "print('ready', flush=True); signal.pause()"
    )

    with python(program, tmp_path) as process:
        while "ready" not in process.log():
            process.check()

    assert "ended in order" in process.log()


def test_ending_by_itself_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    with python("print('no luck')", tmp_path) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        with pytest.raises(ProcessEndedError, match=r"(?s)thing ended by itself.*no luck"):
            process.check()


def test_an_interrupt_waits_until_a_process_is_known() -> None:
    # Race: Popen forks, then waits for the child to execute the program. Ctrl-C in that wait raises out of
    # Popen, and the child runs on, never to be stopped.
    done: list[str] = []

    with pytest.raises(KeyboardInterrupt):
        start_while_interrupted(done)

    assert done == ["started"]


def start_while_interrupted(done: list[str]) -> None:
    with interrupts_held_back():
        signal.raise_signal(signal.SIGINT)
        done.append("started")


def test_a_process_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    program = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); "
    process = python(program + "signal.pause()", tmp_path, stop_seconds=0.1)

    with pytest.raises(ProcessEndedError, match="did not end when told to"):
        start_and_stop(process)

    assert not is_running(process.pid)


def start_and_stop(process: Process) -> None:
    with process:
        while "deaf" not in process.log():
            process.check()


def test_ctrl_c_at_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    with python("import signal; signal.pause()", tmp_path) as process:
        assert os.getpgid(process.pid) != os.getpgid(0)

"""Pytest as a process of its own, for targets that set up something around it."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from sandbox.process import interrupts_held_back

STOP_SECONDS = 60
"""How long the tests may take to end when they are interrupted."""


def run_pytest(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run pytest with these variables added; return its exit code.

    If we are interrupted, it is, once, and may still remove what it started.
    """
    command = [sys.executable, "-m", "pytest", *arguments]
    with interrupts_held_back():
        # In a session of its own, or Ctrl-C at the terminal would reach it as well, a second time.
        tests = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, env={**os.environ, **environment}, start_new_session=True
        )
    try:
        return tests.wait()
    except KeyboardInterrupt:
        tests.send_signal(signal.SIGINT)
        tests.wait(STOP_SECONDS)
        raise
    finally:
        tests.kill()
        tests.wait()

"""What signals do to this process, from the first line of `main` on. Imports nothing that takes time.

    until the service serves   SIGTERM, SIGINT   end the process in order: nothing was begun
    while it serves            SIGTERM, SIGINT   ask it to stop; the second one ends the process at once
                               SIGHUP            ask it to read its configuration again

A process with the id 1, as in a container, gets no signal it has no handler for; so there always is one.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_STOPS = (signal.SIGTERM, signal.SIGINT)
_asked: list[int] = []
"""Stops asked for before anybody was there to be asked."""


def end_on_stop(exit_code: int | None = 0) -> None:
    """From now on end the process when it is asked to stop; without a code, with the one shells use."""

    def end(number: int, _frame: FrameType | None) -> None:
        _asked.append(number)
        raise SystemExit(128 + number if exit_code is None else exit_code)

    for number in _STOPS:
        signal.signal(number, end)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, _ignore)


@contextmanager
def handled(
    *, stop: Callable[[], None], reload: Callable[[], None], call_soon: Callable[[Callable[[], None]], object]
) -> Iterator[None]:
    """Hand signals to a service. `call_soon` runs a function in its event loop, from any thread."""

    def on_stop(_number: int, _frame: FrameType | None) -> None:
        for known in _STOPS:
            signal.signal(known, _end_at_once)
        call_soon(stop)

    def on_reload(_number: int, _frame: FrameType | None) -> None:
        call_soon(reload)

    for number in _STOPS:
        signal.signal(number, on_stop)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, on_reload)
    if _asked:  # the exception that should have ended the process was lost, as in a destructor
        stop()
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is on_stop:
            end_on_stop()


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: unlike with SIG_IGN, a program that we start is not told to ignore the signal as well."""


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # still here: the kernel spares process 1

"""How the tests log: as structlog does by itself, but with plain tracebacks.

structlog's own tracebacks show every local variable where rich is installed, which takes half a minute for an
index in memory.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def restored() -> Iterator[None]:
    """Let the service configure logging for this process, and put it back as it was."""
    root = logging.getLogger()
    handlers, level, hook = [*root.handlers], root.level, sys.excepthook
    try:
        yield
    finally:
        root.handlers, root.level, sys.excepthook = handlers, level, hook
        logging.captureWarnings(capture=False)
        configure()


def configure() -> None:
    """Log to standard output, every level, for people."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.dev.set_exc_info,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )

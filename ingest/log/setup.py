"""Setting logging up: where lines go, from which level on, and that libraries log like the rest."""

import logging
import sys
from contextlib import suppress
from types import TracebackType
from typing import Final, TextIO

import structlog

from ingest.log.rendering import Console, Renderer, ecs_line
from ingest.log.repeats import Repeats

get_logger: Final = structlog.get_logger
bound_facts: Final = structlog.contextvars.bound_contextvars

_LIBRARIES_SAY_LITTLE: Final = ("aiohttp", "asyncio", "asyncpg")


def configure(level: str, style: str, stream: TextIO | None = None) -> None:
    """Send every line from `level` up to the stream, standard error if none: ours, the libraries', warnings.

    `style` is console, json, or auto for console at a terminal and json elsewhere. Called again, it replaces
    what was set before.
    """
    output = sys.stderr if stream is None else stream
    is_terminal = _is_terminal(output)
    as_json = style == "json" or (style == "auto" and not is_terminal)
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            Repeats(),
            Renderer(ecs_line if as_json else Console(colors=is_terminal).line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_names: _Lines(output),
        cache_logger_on_first_use=False,
    )
    _route_standard_logging(number)
    sys.excepthook = _log_uncaught


class _Lines:
    """Writes finished lines; a line that cannot be written is lost and nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):  # full disk, closed pipe: there is nowhere left to say so
            try:
                self._stream.write(line + "\n")
            except UnicodeEncodeError:  # the stream knows fewer characters than the line has
                self._stream.write(line.encode("ascii", "backslashreplace").decode("ascii") + "\n")
            self._stream.flush()

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # a closed stream
        return False


class _IntoStructlog(logging.Handler):
    """Hands what libraries log to structlog, so that it looks and is redacted like the rest."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # a library's own mistake in its format string
            message = str(record.msg)
        log = structlog.get_logger()
        log.log(record.levelno, message, logger=record.name, exc_info=record.exc_info)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log an uncaught exception as one line."""
    if isinstance(error, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger().critical("program.crashed", exc_info=error)


def _route_standard_logging(number: int) -> None:
    root = logging.getLogger()
    for known in [*root.handlers]:
        if isinstance(known, _IntoStructlog):
            root.removeHandler(known)
    root.addHandler(_IntoStructlog())
    root.setLevel(number)
    for name in _LIBRARIES_SAY_LITTLE:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(capture=True)

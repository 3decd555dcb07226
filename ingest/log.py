"""How the service logs: an event's name and its facts, for people at a terminal, as ECS JSON elsewhere.

    log = structlog.get_logger()            log.info("job.finished", status="completed", indexed=622)
    structlog.contextvars.bound_contextvars(connector_id=..., sync_job_id=...)   facts of every line of a job

Names are `noun.verb`, past tense for what is done. Whatever happens, logging never raises into what it
reports on: a full disk, a closed pipe or a value that cannot be shown costs the line, not the job.
"""

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from types import TracebackType
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from ingest.secret import STARS, Secret

ECS_VERSION: Final = "8.17.0"
LONGEST_TEXT: Final = 10_000
LABELS: Final = ("connector_id", "sync_job_id", "index_name", "service_type")
"""Facts that become `labels` in JSON, as those of Elastic's own service do."""

_SECRET_NAME = re.compile(r"passw|api_?key|secret|authorization|token|private_?key|credential", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ERROR_LEVELS = {"warn": "warning", "exception": "error", "fatal": "critical"}
_LIBRARIES_SAY_LITTLE = ("aiohttp", "asyncio", "asyncpg")


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
            _Renderer(_ecs_line if as_json else _Console(colors=is_terminal).line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_names: _Lines(output),
        cache_logger_on_first_use=False,
    )
    _route_standard_logging(number)
    sys.excepthook = _log_uncaught


def redacted(value: Any, name: str = "") -> Any:
    """Return the value with stars for all that is secret by its type or by the name it is filed under."""
    match value:
        case None | bool() | int() | float():
            return value
        case Secret():
            return STARS
        case _ if name and _SECRET_NAME.search(name):
            return STARS
        case Mapping():
            return {str(key): redacted(inner, str(key)) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [redacted(inner) for inner in value]
        case str():
            return (
                value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}… ({len(value)} characters)"
            )
        case _:
            return redacted(str(value))


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


class _Renderer:
    """The last processor: facts in, one finished line out, whatever the facts are."""

    def __init__(self, render: Any) -> None:
        self._render = render

    def __call__(self, logger: WrappedLogger, method: str, facts: EventDict) -> str:
        level = _ERROR_LEVELS.get(method, method)
        try:
            error = _error_of(facts.pop("exc_info", None))
            shown = {key: redacted(value, key) for key, value in facts.items()}
            line: str = self._render(_now(), level, str(shown.pop("event", "")), shown, error)
        except Exception as problem:  # a value's own code failed; the job that logs it must not
            return _ecs_line(_now(), "error", "log.failed", {"problem": type(problem).__name__}, None)
        return line


def _error_of(exc_info: Any) -> BaseException | None:
    match exc_info:
        case BaseException():
            return exc_info
        case (_, BaseException() as error, _):
            return error
        case None | False | (None, None, None):
            return None
        case _:
            return sys.exception()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ecs_line(moment: str, level: str, event: str, facts: dict[str, Any], error: BaseException | None) -> str:
    """Render as a line of JSON in the Elastic Common Schema; ASCII only, so nothing can act on a terminal."""
    labels = {name: str(facts.pop(name)) for name in LABELS if facts.get(name) is not None}
    logger = facts.pop("logger", None)
    line: dict[str, Any] = {
        "@timestamp": moment,
        "log.level": level,
        "message": event,
        "ecs.version": ECS_VERSION,
        "service.name": "elastic-ingest",
        "service.version": _version(),
        "process.pid": os.getpid(),
    }
    if logger is not None:
        line["log.logger"] = logger
    if labels:
        line["labels"] = labels
    if facts:
        line["ingest"] = facts
    if error is not None:
        line["error.type"] = type(error).__name__
        line["error.message"] = str(error)[:LONGEST_TEXT]
        line["error.stack_trace"] = _stack(error)
    return json.dumps(line, default=str)


@cache
def _version() -> str:
    return version("elastic-ingest")


class _Console:
    """Renders for people: time, level, event, facts; only a line of ours starts at the left."""

    def __init__(self, *, colors: bool) -> None:
        self._renderer = structlog.dev.ConsoleRenderer(
            colors=colors, pad_event_to=28, sort_keys=False, event_key="event"
        )

    def line(
        self, moment: str, level: str, event: str, facts: dict[str, Any], error: BaseException | None
    ) -> str:
        """Render one event; the stack of an error follows, each of its lines set in."""
        shown = {key: _escaped(value) if isinstance(value, str) else value for key, value in facts.items()}
        event_dict = {"timestamp": moment, "level": level, "event": _escaped(event), **shown}
        line = str(self._renderer(None, level, event_dict))
        if error is None:
            return line
        return "\n".join([line, *(f"    | {_escaped(part)}" for part in _stack(error).splitlines())])


def _escaped(text: str) -> str:
    return _CONTROL.sub(
        lambda found: found[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text
    )


def _stack(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-LONGEST_TEXT:]


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

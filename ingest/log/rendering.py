"""One finished line of an event and its facts: ECS JSON for machines, a sentence and its facts for people."""

import json
import os
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from structlog.typing import EventDict, WrappedLogger

from ingest import version
from ingest.log.redaction import LONGEST_TEXT, redacted
from ingest.log.sentences import sentence

ECS_VERSION: Final = "8.17.0"
LABELS: Final = ("connector_id", "sync_job_id", "index_name", "service_type")
"""Facts that become `labels` in JSON, as those of Elastic's own service do."""
LEAST_TOLD: Final = 3
"""A text of so many characters is not shown as a fact if the sentence has it."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ERROR_LEVELS = {"warn": "warning", "exception": "error", "fatal": "critical"}


class Renderer:
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
            return ecs_line(_now(), "error", "log.failed", {"problem": type(problem).__name__}, None)
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


def ecs_line(moment: str, level: str, event: str, facts: dict[str, Any], error: BaseException | None) -> str:
    """Render as a line of JSON in the Elastic Common Schema; ASCII only, so nothing can act on a terminal."""
    labels = {name: str(facts.pop(name)) for name in LABELS if facts.get(name) is not None}
    logger = facts.pop("logger", None)
    line: dict[str, Any] = {
        "@timestamp": moment,
        "log.level": level,
        "message": sentence(event, {**facts, **labels}),
        "ecs.version": ECS_VERSION,
        "service.name": "elastic-ingest",
        "service.version": version(),
        "process.pid": os.getpid(),
    }
    if logger is None:
        line["event.action"] = event
    else:  # a library has no events, only messages
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


class Console:
    """Renders for people: time, level, event, facts; only a line of ours starts at the left."""

    def __init__(self, *, colors: bool) -> None:
        self._renderer = structlog.dev.ConsoleRenderer(
            colors=colors, pad_event_to=0, sort_keys=False, event_key="event"
        )

    def line(
        self, moment: str, level: str, event: str, facts: dict[str, Any], error: BaseException | None
    ) -> str:
        """Render one event; the stack of an error follows, each of its lines set in."""
        said = sentence(event, facts)
        shown = {
            key: _escaped(value) if isinstance(value, str) else value
            for key, value in facts.items()
            if _adds(value, said)
        }
        if said != event:
            shown["action"] = _escaped(event)
        event_dict = {"timestamp": moment, "level": level, "event": _escaped(said), **shown}
        line = str(self._renderer(None, level, event_dict))
        if error is None:
            return line
        return "\n".join([line, *(f"    | {_escaped(part)}" for part in _stack(error).splitlines())])


def _adds(value: Any, said: str) -> bool:
    """Whether a fact says anything beside the sentence: nothing that is zero or empty, or told already."""
    if isinstance(value, str) and len(value) >= LEAST_TOLD and value in said:
        return False
    return value is not None and value not in (0, "", [], {})


def _escaped(text: str) -> str:
    return _CONTROL.sub(
        lambda found: found[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text
    )


def _stack(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-LONGEST_TEXT:]

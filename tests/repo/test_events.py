"""docs/events.md lists exactly the events that the service logs, each with its level."""

import ast
import re
from collections.abc import Iterable
from functools import cache

from ingest.log.sentences import SENTENCES
from tests.repo import project

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
PAGE = (project.ROOT / "docs/events.md").read_text()
ROWS = re.findall(r"^\| `([a-z._]+)` \| ([a-z ;]+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)


@cache
def calls() -> tuple[ast.Call, ...]:
    """Return every call anywhere in the service and its sources."""
    ours = [module for module in project.modules() if module.package in {"ingest", "sources"}]
    nodes = (node for module in ours for node in ast.walk(ast.parse(module.path.read_text())))
    return tuple(node for node in nodes if isinstance(node, ast.Call))


def is_logging(call: ast.Call) -> bool:
    """Whether it logs: a level's method of something that is a log, or such a method under the name `log`."""
    match call.func:
        case ast.Attribute(value=owner, attr=attr) if attr in LEVELS:
            return "log" in ast.unparse(owner)
        case ast.Name(id="log"):
            return True
    return False


@cache
def named(callee: str) -> frozenset[str]:
    """Return the names that are given to calls of `attempt` or to `Loop`, which log under them."""
    found: set[str] = set()
    for call in calls():
        if ast.unparse(call.func).rpartition(".")[2] == callee:
            given = [*call.args[:1], *(one.value for one in call.keywords if one.arg == "name")]
            found |= {str(one.value) for one in given if isinstance(one, ast.Constant)}
    return frozenset(found)


def events(argument: ast.expr) -> Iterable[str]:
    """Return the events that a call's first argument stands for."""
    match argument:
        case ast.Constant(value=str(event)):
            return [event]
        case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value=str(ending))]):
            return [name + ending for name in named("attempt") | named("Loop")]
    raise AssertionError(f"an event that cannot be looked up: {ast.unparse(argument)}")


def logged() -> set[str]:
    return {event for call in calls() if is_logging(call) for event in events(call.args[0])}


def test_every_event_is_on_the_page_and_every_one_there_exists() -> None:
    listed = [event for event, *_ in ROWS]

    assert sorted(listed) == sorted(logged())


def test_every_event_has_a_sentence_and_no_other_has() -> None:
    assert sorted(SENTENCES) == sorted(event for event, *_ in ROWS)


def test_the_level_of_an_event_is_the_one_it_is_logged_with() -> None:
    levels: dict[str, set[str]] = {}
    for call in calls():
        if is_logging(call) and isinstance(call.func, ast.Attribute):
            for event in events(call.args[0]):
                levels.setdefault(event, set()).add(call.func.attr.replace("exception", "error"))

    assert {event: {level} for event, level, *_ in ROWS if event in levels} == levels


def test_every_event_has_a_meaning_and_says_whether_to_alert() -> None:
    assert len(ROWS) == PAGE.count("\n| `")
    assert {alert.partition(",")[0] for *_, alert in ROWS} == {"yes", "no", "if it repeats"}

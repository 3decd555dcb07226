"""Every parser of outside text takes as many steps as its text has characters, times a constant.

Steps of Python code are counted by tracing opcodes. What runs inside a library cannot be counted so; there a
process with a budget of processor time reads texts as long as they may be. The budget is many times what a
linear parser needs, and a quadratic one would need thousands of times as much.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from ingest.config import yaml_tree
from ingest.config.placeholders import PlaceholderError, expand
from ingest.config.types import encoded_api_key
from ingest.config.urls import WrongValueError, checked_url
from ingest.config.yaml_tree import YamlError
from ingest.connector.cron import Schedule, ScheduleError
from ingest.sync.rules import validation, value_matching
from ingest.sync.rules.value_matching import Operator, PatternError
from sources.errors import SourceConfigurationError
from sources.postgresql import settings
from sources.postgresql.rules import advanced
from sources.postgresql.selection import SelectionError, parse_key_columns, parse_names
from tests.support.sweeps import kept

ROOT = Path(__file__).parents[2]
REFUSALS = (
    SelectionError, SourceConfigurationError, ScheduleError, PlaceholderError, YamlError, WrongValueError,
    PatternError,
)  # fmt: skip
CONFIGURATION: dict[str, Any] = {
    "host": "db", "port": 5432, "username": "u", "password": "p", "database": "d", "schema": "s",
    "tables": "*",
}  # fmt: skip
FIELDS = ("host", "port", "password", "schema", "tables", "id_columns", "ssl_enabled", "ssl_ca", "sslmode")
LONG = 1_000_000
"""Characters of a text that is read within a budget."""
BUDGET_SECONDS = 20
"""Of processor time, for all texts of one parser."""
LONG_CONFIGURATION = 20_000
"""Likewise of `config.yml`, whose parser takes its time for each character."""
SHORTER = 5
"""`make test` reads a text shorter by this: a quadratic parser is still far beyond the budget then."""


def setting(name: str) -> Callable[[str], object]:
    return lambda text: settings.parse(CONFIGURATION | {name: text})


def rule(operator: str) -> Callable[[str], object]:
    wire = {"id": "1", "field": "f", "policy": "exclude", "rule": operator, "order": 1}
    return lambda text: validation.validate([wire | {"value": text}])


PARSERS: dict[str, Callable[[str], object]] = {
    "tables": parse_names,
    "tables, one by one": lambda text: parse_names(text.split(" ")),
    "id columns": parse_key_columns,
    **{name: setting(name) for name in FIELDS},
    "cron": Schedule.parse,
    "placeholders": lambda text: expand(text, {"X": "x"}),
    "config.yml": lambda text: yaml_tree.parse(f"a: {text}", {}, frozenset()),
    "config.yml, whole": lambda text: yaml_tree.parse(text, {}, frozenset()),
    "url": checked_url,
    "api key": encoded_api_key,
    "rule of equality": rule("equals"),
    "rule by regex": rule("regex"),
    "number": value_matching.as_number,
    "instant": value_matching.as_instant,
    "value that is compared": lambda text: value_matching.matcher(Operator.LESS, "2020-01-01")(text),
    "advanced rule": lambda text: advanced.parse([{"tables": ["t"], "query": text}]),
}
NOT_COUNTED = {"config.yml", "config.yml, whole", "host", "port", "password", "ssl_enabled", "sslmode"}
"""Read by a library, or by code that passes a text as it is."""
PIECES = [
    "a", " ", ",", "a,", "!a*,", '"', '""', '"a",', '"a" . ', '"a".', "a(", "a(b)", "a(b)\n", 'a("',
    "a b ", "\n",
    "-----BEGIN X-----", "-----BEGIN X----------END X-----", "-----BEGIN ", "-----END X-----", "X-----",
    "${", "$${", "${X}", "${X|", "}", "1", "0", "1.", "1e", "-", "+", "2020-01-01T", "*/", "1-", "1,", "L",
    "#",
    ".", "a.", "[", "{", "- ", "? ", "&a ", "(", "(a*)*", "\\", "\0", ":", "/", "@", "=", ";", ";\n", "é",
]  # fmt: skip


def run(parser: Callable[[str], object], text: str) -> None:
    try:
        parser(text)
    except REFUSALS:
        return


def steps(parser: Callable[[str], object], text: str) -> int:
    """Count the opcodes of Python code that reading a text takes."""
    counted = 0

    def count(frame: FrameType, event: str, _: object) -> Any:
        nonlocal counted
        frame.f_trace_opcodes = True
        counted += event == "opcode"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        run(parser, text)
    finally:
        sys.settrace(before)
    return counted


@pytest.mark.parametrize("name", sorted(set(PARSERS) - NOT_COUNTED))
def test_twice_the_text_takes_no_more_than_about_twice_the_steps(name: str) -> None:
    parser = PARSERS[name]
    for piece in PIECES:
        small, large = (steps(parser, piece * count) for count in (20, 40))

        assert large <= 2.2 * small + 500, f"{piece!r}: {small} steps, then {large}"


@pytest.fixture(scope="module", params=kept([SHORTER], of=(1, SHORTER)))
def read_in_time(request: pytest.FixtureRequest) -> list[str]:
    """The parsers that read all long texts within their budgets, in a process that the first other ends."""
    script = f"from tests.unit import test_hostile_texts as t; t.read_everything({request.param})"
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True
    )
    return ended.stdout.splitlines()


@pytest.mark.parametrize("name", PARSERS)
def test_a_text_as_long_as_can_be_is_read_within_a_budget_of_processor_time(
    name: str, read_in_time: list[str]
) -> None:
    assert name in read_in_time


def read_everything(shorter: int) -> None:
    """Read long hostile texts, shorter by a factor; end where that takes longer than a linear parser can."""
    for name, parser in PARSERS.items():
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(
            resource.RLIMIT_CPU, (int(time.process_time()) + 1 + BUDGET_SECONDS // shorter, hard)
        )
        length = (LONG_CONFIGURATION if name.startswith("config.yml") else LONG) // shorter
        for piece in PIECES:
            run(parser, piece * (length // len(piece)))
            run(parser, piece * (length // 4 // len(piece)) + "x")
        print(name, flush=True)  # noqa: T201 - to the test that started us


def test_long_texts_are_refused_with_their_limit() -> None:
    with pytest.raises(SelectionError, match="1,000,000 characters"):
        parse_names("a" * 1_000_001)
    with pytest.raises(SelectionError, match="20,000 names"):
        parse_names("a," * 20_001)
    with pytest.raises(SourceConfigurationError, match=r"ssl_ca.* longer than 1,000,000 characters"):
        settings.parse(CONFIGURATION | {"ssl_ca": "a" * 1_000_001})
    with pytest.raises(SourceConfigurationError, match=r"username.* longer than 10,000 characters"):
        settings.parse(CONFIGURATION | {"username": "a" * 10_001})
    with pytest.raises(ScheduleError, match="longer than 1000 characters"):
        Schedule.parse("0," * 1000)

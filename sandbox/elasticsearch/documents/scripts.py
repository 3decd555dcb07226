"""The few Painless scripts a connector service sends with updates: assignments, increments, removals.

    ctx._source.status = 'x'; ctx._source.count += params.n; ctx._source.remove('a'); ctx.op = 'noop'

Anything else is refused as a script that does not compile, never ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.elasticsearch import errors

PATH = r"ctx\._source((?:\.\w+|\[['\"][^'\"]+['\"]\])+)"
ASSIGNMENT = re.compile(rf"{PATH}\s*(=|\+=|-=)\s*(.+)", re.DOTALL)
INCREMENT = re.compile(rf"{PATH}\s*(\+\+|--)")
REMOVAL = re.compile(r"ctx\._source((?:\.\w+)*)\.remove\(['\"]([^'\"]+)['\"]\)")
OPERATION = re.compile(r"ctx\.op\s*=\s*['\"](\w+)['\"]")
PARAMETER = re.compile(r"params(?:\.(\w+)|\[['\"]([^'\"]+)['\"]\])")
STEP = re.compile(r"\.(\w+)|\[['\"]([^'\"]+)['\"]\]")


@dataclass(frozen=True, slots=True)
class Script:
    """A script's statements and parameters."""

    statements: tuple[str, ...]
    parameters: Mapping[str, Any]

    @classmethod
    def from_wire(cls, body: Any) -> "Script":
        """Read a script given as text or as `{source, params, lang}`; refuses what it could not run."""
        if isinstance(body, str):
            body = {"source": body}
        if not isinstance(body, dict) or not isinstance(body.get("source"), str):
            raise errors.illegal_argument(
                "must specify either [source] for an inline script or [id] for a stored script"
            )
        statements = tuple(part.strip() for part in body["source"].split(";") if part.strip())
        script = cls(statements, body.get("params") or {})
        for statement in statements:
            if not any(p.fullmatch(statement) for p in (ASSIGNMENT, INCREMENT, REMOVAL, OPERATION)):
                raise _compile_error(body["source"])
        return script

    def run(self, source: dict[str, Any], now_milliseconds: int) -> tuple[dict[str, Any], str]:
        """The source after the script, and the operation it chose (`index`, `none`, `noop`, `delete`)."""
        operation = "index"
        for statement in self.statements:
            if found := OPERATION.fullmatch(statement):
                operation = found[1]
            elif found := REMOVAL.fullmatch(statement):
                _parent(source, [*_steps(found[1]), ""]).pop(found[2], None)
            elif found := INCREMENT.fullmatch(statement):
                _assign(source, _steps(found[1]), "+=" if found[2] == "++" else "-=", 1)
            elif found := ASSIGNMENT.fullmatch(statement):
                _assign(source, _steps(found[1]), found[2], self._value(found[3].strip(), now_milliseconds))
        return source, operation

    def _value(self, expression: str, now_milliseconds: int) -> Any:
        if found := PARAMETER.fullmatch(expression):
            return self.parameters.get(found[1] or found[2])
        if expression in ("ctx._now", "ctx['_now']"):
            return now_milliseconds
        if expression[:1] == "'" and expression[-1:] == "'":
            return expression[1:-1]
        try:
            return orjson.loads(expression)
        except orjson.JSONDecodeError:
            raise _compile_error(expression) from None


def _steps(path: str) -> list[str]:
    return [name or quoted for name, quoted in STEP.findall(path)]


def _parent(source: dict[str, Any], steps: list[str]) -> dict[str, Any]:
    node = source
    for step in steps[:-1]:
        child = node.get(step)
        if not isinstance(child, dict):
            raise errors.ElasticsearchError(
                400,
                "script_exception",
                "runtime error",
                caused_by=errors.ElasticsearchError(
                    400, "null_pointer_exception", f"Cannot access field [{step}] of null"
                ),
            )
        node = child
    return node


def _assign(source: dict[str, Any], steps: list[str], operator: str, value: Any) -> None:
    parent = _parent(source, steps)
    if operator == "=":
        parent[steps[-1]] = value
        return
    before = parent.get(steps[-1])
    if isinstance(before, str) or isinstance(value, str):
        parent[steps[-1]] = f"{before}{value}"
        return
    try:
        parent[steps[-1]] = before + value if operator == "+=" else before - value
    except TypeError:
        raise errors.illegal_argument("failed to execute script") from None


def _compile_error(source: str) -> errors.ElasticsearchError:
    cause = errors.ElasticsearchError(
        400, "script_exception", "compile error", members={"script": source, "lang": "painless"}
    )
    return errors.ElasticsearchError(
        400, "illegal_argument_exception", "failed to execute script", caused_by=cause, root_cause=None
    )

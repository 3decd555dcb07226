"""The `if` of a processor: comparisons of the document's fields, joined by `&&` and `||`.

ctx.kind == 'a' && ctx?.flag == true || ctx.name != null
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

COMPARISON = re.compile(
    r"\s*(!?)\s*ctx((?:\??\.\w+(?!\s*\()|\[['\"][^'\"]+['\"]\])+)\s*(?:(==|!=|>=|<=|>|<)\s*(.+?))?\s*",
    re.DOTALL,
)
CONTAINS_KEY = re.compile(r"\s*(!?)\s*ctx((?:\??\.\w+(?!\s*\())*)\.containsKey\(['\"]([^'\"]+)['\"]\)\s*")
STEP = re.compile(r"\??\.(\w+)|\[['\"]([^'\"]+)['\"]\]")

Condition = Callable[[Mapping[str, Any]], bool]


def compiled(expression: str) -> Condition:
    """The condition as a function of the document; raises `ValueError` for what is beyond comparisons."""
    alternatives = [
        [_term(part) for part in alternative.split("&&")] for alternative in expression.split("||")
    ]
    return lambda body: any(all(term(body) for term in terms) for terms in alternatives)


def _term(text: str) -> Condition:
    if found := CONTAINS_KEY.fullmatch(text):
        negated, path, name = bool(found[1]), _steps(found[2]), found[3]
        return lambda body: _contains(_value(body, path), name) is not negated
    found = COMPARISON.fullmatch(text)
    if found is None:
        raise ValueError(f"cannot evaluate [{text.strip()}]")
    negated, path, operator = bool(found[1]), _steps(found[2]), found[3]
    if operator is None:
        return lambda body: (_value(body, path) is True) is not negated
    literal = _literal(found[4])
    return lambda body: _compare(_value(body, path), operator, literal)


def _steps(path: str) -> list[str]:
    return [name or quoted for name, quoted in STEP.findall(path)]


def _value(body: Any, steps: list[str]) -> Any:
    for step in steps:
        body = body.get(step) if isinstance(body, Mapping) else None
    return body


def _contains(value: Any, name: str) -> bool:
    return isinstance(value, Mapping) and name in value


def _literal(text: str) -> Any:
    if text[:1] == "'" and text[-1:] == "'":
        return text[1:-1]
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError(f"cannot evaluate [{text}]") from None


def _compare(left: Any, operator: str, right: Any) -> bool:
    if operator == "==":
        return bool(left == right)
    if operator == "!=":
        return bool(left != right)
    try:
        return bool(
            {">": left > right, "<": left < right, ">=": left >= right, "<=": left <= right}[operator]
        )
    except TypeError:
        return False

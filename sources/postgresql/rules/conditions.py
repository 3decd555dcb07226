"""Basic sync rules as an SQL condition, where PostgreSQL decides about a row as its document would be.

    tests -> CASE WHEN t.a = 1 THEN false WHEN left(t.b, 1) = 'x' THEN true ELSE true END

All tests of a table or none: if one cannot be told exactly, the service looks at the documents instead. What
can be told is what a value's own type and its JSON agree on: whole numbers, numerics, booleans, uuids and
texts, compared with ASCII text, which every server encoding writes alike. Dates, floats and regular
expressions are left to the service.
"""

from collections.abc import Mapping, Sequence

from sources.contract import RowTest
from sources.postgresql.catalog.types import Attribute, TypeKind
from sources.postgresql.quoting import literal
from sources.postgresql.render.document_sql import CONSTANTS

_NEVER = "false"
_WHOLE_NUMBERS = {"int2", "int4", "int8"}
_TEXTS = {"text", "varchar"}
_LONGEST_NUMBER = 100
"""Digits and exponent up to which a constant is certainly a numeric of PostgreSQL."""


def wanted(
    tests: Sequence[RowTest],
    columns: Mapping[str, tuple[str, Attribute]],
    *,
    max_value_bytes: int,
    server_version: int,
) -> str | None:
    """Return the condition of the rows which the tests keep; None if it cannot be told exactly.

    `columns` holds each column's expression and what it is, by the document's field.
    """
    steps = []
    for test in tests:
        if test.field in CONSTANTS:
            return None
        if test.field not in columns:
            continue
        expression, column = columns[test.field]
        condition = _condition(test, expression, column, max_value_bytes, server_version)
        if condition is None:
            return None
        if condition != _NEVER:
            steps.append(f"WHEN {condition} THEN {'true' if test.keeps else 'false'}")
    return f"CASE {' '.join(steps)} ELSE true END" if steps else "true"


def _condition(
    test: RowTest, expression: str, column: Attribute, max_value_bytes: int, server_version: int
) -> str | None:
    if column.type.kind is not TypeKind.BASE or not test.text.isascii() or "\0" in test.text:
        return None
    name = column.type.base_name
    if name in _WHOLE_NUMBERS:
        return _of_number(test, f"{expression}::numeric") or _of_shown(test, f"{expression}::text")
    if name == "numeric":
        is_finite = f"{expression} <> 'NaN'"
        if server_version >= 14:
            is_finite = f"{expression} > '-Infinity' AND {expression} < 'Infinity'"
        number = _of_number(test, expression)
        return number if number in (None, _NEVER) else f"{is_finite} AND {number}"
    if name == "bool":
        return _of_boolean(test, expression) or _of_shown(test, f"{expression}::text")
    if name == "uuid":
        return _of_text(test, f"{expression}::text")
    if name in _TEXTS and test.operator not in (">", "<"):
        # A longer value is null in the document.
        shown = _of_text(test, f'{expression}::text COLLATE "C"')
        return shown and f"octet_length({expression}::text) <= {max_value_bytes:d} AND {shown}"
    return None


def _of_number(test: RowTest, expression: str) -> str | None:
    if test.operator not in ("equals", ">", "<"):
        return None
    if test.number is None:
        return _NEVER
    if len(test.text) > _LONGEST_NUMBER or abs(test.number.adjusted()) > _LONGEST_NUMBER:
        return None
    operator = "=" if test.operator == "equals" else test.operator
    return f"{expression} {operator} {literal(format(test.number, 'f'))}::numeric"


def _of_boolean(test: RowTest, expression: str) -> str | None:
    if test.operator in (">", "<"):
        return _NEVER
    if test.operator != "equals":
        return None
    return _NEVER if test.boolean is None else f"{expression} IS {test.boolean}"


def _of_text(test: RowTest, expression: str) -> str | None:
    if test.operator == "equals" and not test.is_instant:
        return f"{expression} = {literal(test.text)}"
    if test.operator in (">", "<") and not test.is_instant:
        return f'{expression} COLLATE "C" {test.operator} {literal(test.text)}'
    return _of_shown(test, expression)


def _of_shown(test: RowTest, expression: str) -> str | None:
    """Compare with the text a value has in JSON."""
    text = literal(test.text)
    match test.operator:
        case "starts_with":
            return f"left({expression}, {len(test.text):d}) = {text}"
        case "ends_with":
            return f"right({expression}, {len(test.text):d}) = {text}"
        case "contains":
            return f"strpos({expression}, {text}) > 0"
        case _:
            return None

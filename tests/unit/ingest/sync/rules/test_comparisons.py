"""How a rule compares a value of a document with its own."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sync.rules import BasicRules, parse_document
from tests.unit.ingest.sync.rules.wire_rules import DEFAULT, rule


def matches(operator: str, text: str, value: Any) -> bool:
    """Whether a rule that excludes what it matches excludes a document with this value."""
    document = parse_document(json.dumps({"f": value}))
    return not BasicRules.from_wire([rule(operator, text), DEFAULT]).keep(document)


EQUAL: list[tuple[str, Any, bool]] = [
    ("a", "a", True),
    ("a", "A", False),
    ("true", True, True),
    ("True", True, True),
    ("false", True, False),
    ("false", False, True),
    ("1", True, False),
    ("yes", True, False),
    ("12", 12, True),
    ("12.0", 12, True),
    ("012", 12, True),
    ("1.2e1", 12, True),
    ("+12", 12, True),
    ("12", "12", True),
    ("12.0", "12", False),
    ("0.1", 0.1, True),
    ("0.1", 0.10000000000000002, False),
    ("9223372036854775808", 2**63, True),
    ("9223372036854775807", 2**63, False),
    ("twelve", 12, False),
    ("NaN", 12, False),
    ("null", None, False),
    ("None", None, False),
    ("2024-01-01", "2024-01-01", True),
    ("2024-01-01", "2024-01-01T00:00:00Z", True),
    ("2024-01-01T01:00:00+01:00", "2024-01-01T00:00:00", True),
    ("2024-01-01", "2024-01-02", False),
    ("2024-13-01", "2024-13-01", True),
    ("b", ["a", "b"], True),
    ("c", ["a", "b"], False),
    ("2", [1, [2, None]], True),
    ("a", [], False),
    ("a", {"a": "a"}, False),
    ("a", [{"a": "a"}, None, "a"], True),
]


@pytest.mark.parametrize(("text", "value", "expected"), EQUAL)
def test_equality_goes_by_the_type_of_the_documents_value(text: str, value: Any, expected: bool) -> None:
    assert matches("equals", text, value) is expected


ORDERED: list[tuple[Any, str, bool, bool]] = [
    # value of the document, rule's text: is the value greater, is it less
    (10, "9", True, False),
    (9, "10", False, True),
    (10, "10", False, False),
    (10, "9.5", True, False),
    (2**63, "9223372036854775807", True, False),
    (1, "abc", False, False),
    (True, "0", False, False),
    (True, "false", False, False),
    (None, "0", False, False),
    ({}, "0", False, False),
    ("b", "a", True, False),
    ("a", "b", False, True),
    ("10", "9", False, True),  # texts, not numbers
    ("2024-05-01T00:00:00+02:00", "2024-05-01", False, True),
    ("2024-05-01T00:00:00-02:00", "2024-05-01", True, False),
    ("2024-05-01T00:00:00.000001Z", "2024-05-01", True, False),
    ("10000-01-01", "9999-12-31", True, False),
    ("2024-05-01 12:00", "2024-05-01T11:59:59.999999Z", True, False),
    ("2024-05-01T24:00:00", "2024-05-02", False, False),
    ("not a date", "2024-05-01", True, False),
    ([1, 5], "4", True, True),
    ([1, 2], "4", False, True),
]


@pytest.mark.parametrize(("value", "text", "is_greater", "is_less"), ORDERED)
def test_order_goes_by_the_type_of_the_documents_value(
    value: Any, text: str, is_greater: bool, is_less: bool
) -> None:
    assert (matches(">", text, value), matches("<", text, value)) == (is_greater, is_less)


@pytest.mark.parametrize(
    ("operator", "text", "value", "expected"),
    [
        ("starts_with", "ab", "abc", True),
        ("starts_with", "bc", "abc", False),
        ("starts_with", "12", 123, True),
        ("starts_with", "tr", True, True),
        ("starts_with", "a", None, False),
        ("starts_with", "a", {"a": 1}, False),
        ("ends_with", "bc", "abc", True),
        ("ends_with", "ab", "abc", False),
        ("ends_with", ".5", 1.5, True),
        ("contains", "b", "abc", True),
        ("contains", "x", "abc", False),
        ("contains", "b", ["a", "bb"], True),
        ("contains", "ll", None, False),
        ("regex", "a.c", "abc", True),
        ("regex", "b", "abc", False),  # from the start of the text, as in Elastic's service
        ("regex", ".*b", "abc", True),
        ("regex", "a$", "ab", False),
        ("regex", "(?i)ÄB", "äb", True),
        ("regex", "[0-9]+$", 123, True),
        ("regex", "x|false", False, True),
        ("regex", "a", "\ud800a", False),
        ("regex", ".a", "\ud800a", True),
        ("regex", "b", ["a", "b"], True),
    ],
)
def test_texts_are_compared_character_by_character(
    operator: str, text: str, value: Any, expected: bool
) -> None:
    assert matches(operator, text, value) is expected


def test_numbers_keep_every_digit_of_the_document() -> None:
    many_digits = "1" + "0" * 5000 + "1"
    rules = BasicRules.from_wire([rule("equals", "0.1234567890123456789012345")])

    assert not rules.keep(parse_document('{"f": 0.1234567890123456789012345}'))
    assert rules.keep(parse_document('{"f": 0.1234567890123456789012346}'))
    assert rules.keep(parse_document(f'{{"f": {many_digits}}}'))
    assert parse_document(f'{{"f": {many_digits}}}')["f"] == Decimal(many_digits)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "(a{1,100}){1,9}b", "(x+x+)+y"])
def test_a_catastrophic_pattern_costs_no_more_than_others(pattern: str) -> None:
    assert matches("regex", pattern, "a" * 100_000 + "!") is False


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0.1234567890123456789012345", "0.1234567890123456789012345"),
        ("18446744073709551617", "18446744073709551617"),
        ("1e400", "1e400"),
        ("[1, [0.30]]", "0.3"),
    ],
)
def test_json_text_is_read_exactly_where_a_rule_looks(text: str, number: str) -> None:
    rules = BasicRules.from_wire([rule("equals", number)])

    assert not rules.keep_json(f'{{"f": {text}}}'.encode())
    assert rules.keep_json(f'{{"f": "{number}0", "g": {text}}}'.encode())


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False), st.integers())
def test_a_number_is_less_equal_or_greater(value: int | Decimal, other: int) -> None:
    document = parse_document(f'{{"f": {value}}}')

    found = [not BasicRules.from_wire([rule(how, str(other))]).keep(document) for how in ("<", "equals", ">")]

    assert found == [value < other, value == other, value > other]


@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.timezones()))
def test_moments_are_ordered_as_moments_whatever_their_offset(value: Any, other: Any) -> None:
    document = {"f": value.isoformat()}

    found = [
        not BasicRules.from_wire([rule(how, other.isoformat())]).keep(document)
        for how in ("<", "equals", ">")
    ]

    assert found == [value < other, value == other, value > other]

"""Basic sync rules: which documents are kept, by which comparisons, and which rules are refused."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ingest.errors import InvalidRulesError
from ingest.sync.rules import BasicRules, parse_document, validate

DEFAULT = {"id": "DEFAULT", "field": "_", "policy": "include", "rule": "regex", "value": ".*", "order": 0}
OPERATORS = ("equals", "starts_with", "ends_with", "contains", "regex", ">", "<")


def rule(operator: str = "equals", value: str = "x", **members: Any) -> dict[str, Any]:
    return {
        "id": "a-rule",
        "field": "f",
        "policy": "exclude",
        "rule": operator,
        "value": value,
        "order": 1,
        **members,
    }


def matches(operator: str, text: str, value: Any) -> bool:
    """Whether a rule that excludes what it matches excludes a document with this value."""
    document = parse_document(json.dumps({"f": value}))
    return not BasicRules.from_wire([rule(operator, text), DEFAULT]).keep(document)


# --- comparisons ---

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


# --- order, policies, the default rule ---


def test_the_first_rule_that_matches_decides() -> None:
    rules = BasicRules.from_wire(
        [
            rule("starts_with", "a", id="3", order=3),
            rule("equals", "abc", id="1", order=1, policy="include"),
            rule("starts_with", "abc", id="2", order=2),
        ]
    )

    kept = [text for text in ("abc", "abcd", "axe", "b") if rules.keep({"f": text})]

    assert kept == ["abc", "b"]


def test_rules_of_equal_order_are_asked_as_they_are_listed() -> None:
    include = rule("starts_with", "a", id="1", policy="include")
    exclude = rule("starts_with", "ab", id="2")

    assert BasicRules.from_wire([include, exclude]).keep({"f": "abc"})
    assert not BasicRules.from_wire([exclude, include]).keep({"f": "abc"})


def test_a_document_without_the_field_is_kept() -> None:
    assert BasicRules.from_wire([rule("regex", "a?")]).keep({"other": "a"})


@pytest.mark.parametrize(
    "wire",
    [
        [],
        [DEFAULT],
        [{**DEFAULT, "policy": "INCLUDE", "created_at": "2024-01-01T00:00:00Z"}],
        [rule(policy="include"), DEFAULT],
    ],
)
def test_rules_that_keep_everything_are_known_as_such(wire: list[dict[str, Any]]) -> None:
    assert BasicRules.from_wire(wire).is_default


def test_the_default_rule_decides_last_whatever_its_order() -> None:
    rules = BasicRules.from_wire([DEFAULT, rule("equals", "x", order=5)])

    assert not rules.is_default
    assert not rules.keep({"f": "x"})


def test_policies_may_be_written_in_any_case() -> None:
    assert not BasicRules.from_wire([rule(policy="EXCLUDE")]).keep({"f": "x"})


def test_rules_that_cannot_be_used_are_an_error() -> None:
    with pytest.raises(InvalidRulesError, match="matches everything"):
        BasicRules.from_wire([rule("regex", ".*")])


# --- fingerprints ---


def test_a_fingerprint_is_the_same_in_every_process_and_release() -> None:
    rules = [
        rule("equals", "x"),
        rule(">", "3", field="g", order=2, policy="include"),
        rule("<", "1", order=3),
    ]

    assert BasicRules.from_wire(rules).fingerprint() == "0cbe40d1ea141aae46ff8b0539e88e0d"


@pytest.mark.parametrize(
    "other",
    [
        [],
        [rule("equals", "y")],
        [rule("starts_with", "x")],
        [rule("equals", "x", field="g")],
        [rule("equals", "x"), rule("equals", "y")],
    ],
)
def test_other_rules_have_another_fingerprint(other: list[dict[str, Any]]) -> None:
    assert (
        BasicRules.from_wire(other).fingerprint() != BasicRules.from_wire([rule("equals", "x")]).fingerprint()
    )


def test_what_does_not_decide_does_not_change_the_fingerprint() -> None:
    renamed = rule("equals", "x", id="other", order=7, updated_at="2024-01-01T00:00:00Z")

    first = BasicRules.from_wire([rule("equals", "x")])
    second = BasicRules.from_wire([renamed, rule("equals", "z", policy="include", order=8), DEFAULT])

    assert first.fingerprint() == second.fingerprint()


# --- validation ---


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"field": ""}, "'field' must not be empty."),
        ({"field": None}, "'field' must be a text."),
        ({"value": ""}, "'value' must not be empty."),
        ({"value": 3}, "'value' must be a text."),
        ({"id": ""}, "'id' must not be empty."),
        ({"order": "1"}, "'order' must be a whole number."),
        ({"order": True}, "'order' must be a whole number."),
        ({"policy": "maybe"}, "'maybe' is no policy; use include or exclude."),
        (
            {"rule": "like"},
            "'like' is no operator; use one of equals, starts_with, ends_with, contains, regex, >, <.",
        ),
        ({"rule": "Equals"}, "'Equals' is no operator"),
        ({"rule": "regex", "value": ".*"}, "matches everything; only the default rule may."),
        ({"rule": "regex", "value": "(.*)"}, "matches everything; only the default rule may."),
        ({"rule": "regex", "value": "(a"}, "The regular expression '(a' cannot be used: missing ): (a."),
        ({"rule": "regex", "value": "(?=a)"}, "cannot be used: invalid perl operator: (?=."),
        ({"rule": "regex", "value": "(a)\\1"}, "cannot be used: invalid escape sequence"),
        ({"rule": "regex", "value": "a" * 1001}, "is longer than 1000 characters"),
        ({"rule": "regex", "value": "((a{100}){100}){100}"}, "cannot be used"),
        ({"rule": "regex", "value": "\ud800"}, "half of a surrogate pair"),
    ],
)
def test_a_rule_that_cannot_be_used_is_reported_under_its_id(members: dict[str, Any], complaint: str) -> None:
    (problem,) = validate([rule(**members), DEFAULT])

    assert problem.ids == (str(members.get("id", "a-rule")),)
    assert complaint in problem.messages[0]


def test_every_problem_of_every_rule_is_reported() -> None:
    problems = validate([{"id": "one"}, rule("like", "", id="two"), rule(id="three")])

    assert [(problem.ids, len(problem.messages)) for problem in problems] == [(("one",), 5), (("two",), 2)]


def test_rules_that_ask_the_same_are_reported_together() -> None:
    twins = [rule(id="one"), rule(id="two", policy="include", order=9), rule(id="three", value="y")]

    (problem,) = validate(twins)

    assert problem.ids == ("one", "two")
    assert problem.messages == ("2 rules ask whether 'f' equals 'x'; keep one.",)


def test_something_else_under_the_default_rules_id_is_an_ordinary_rule() -> None:
    (problem,) = validate([{**DEFAULT, "policy": "exclude"}])

    assert problem.ids == ("DEFAULT",)


def test_more_rules_than_anybody_writes_are_refused() -> None:
    assert "at most 1000" in validate([rule(value=str(number)) for number in range(1001)])[0].messages[0]


# --- properties ---

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
WIRE_RULE = st.fixed_dictionaries(
    {
        "id": st.text(max_size=3) | st.none(),
        "field": st.sampled_from(["f", "g", "", None]),
        "policy": st.sampled_from(["include", "exclude", "Exclude", "", 3]),
        "rule": st.sampled_from([*OPERATORS, "like", None]),
        "value": st.text(max_size=20) | st.integers() | st.integers().map(str) | st.dates().map(str),
        "order": st.integers() | st.booleans() | st.none(),
    }
)


@given(st.lists(WIRE_RULE, max_size=4), JSON)
def test_any_rules_are_refused_or_decide_about_any_document(wire: list[dict[str, Any]], value: Any) -> None:
    if validate(wire):
        with pytest.raises(InvalidRulesError):
            BasicRules.from_wire(wire)
        return

    decision = BasicRules.from_wire(wire).keep(parse_document(json.dumps({"f": value, "g": value})))

    assert decision in {True, False}


@settings(suppress_health_check=[HealthCheck.filter_too_much])  # most made-up rules are refused
@given(st.lists(WIRE_RULE, max_size=4), JSON)
def test_deciding_about_json_text_is_deciding_about_the_document(
    wire: list[dict[str, Any]], value: Any
) -> None:
    assume(not validate(wire))
    rules = BasicRules.from_wire(wire)
    body = json.dumps({"f": value, "g": [value, 0.1]}).encode()

    assert rules.keep_json(body) == rules.keep(parse_document(body))


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


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=4), st.permutations(range(4)))
def test_only_the_order_decides_not_the_place_in_the_list(values: list[str], places: list[int]) -> None:
    policies = ("exclude", "include", "exclude", "include")
    wire = [
        rule(
            "starts_with",
            f"{'abc'[number % 3]}",
            field=f"f{number // 3}",
            id=str(number),
            order=number,
            policy=policy,
        )
        for number, policy in enumerate(policies)
    ]
    document = {f"f{number}": value for number, value in enumerate(values)}

    shuffled = BasicRules.from_wire([wire[place] for place in places])

    assert shuffled.keep(document) == BasicRules.from_wire(wire).keep(document)

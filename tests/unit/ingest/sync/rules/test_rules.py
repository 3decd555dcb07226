"""Basic sync rules decide which documents are kept."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ingest.errors import InvalidRulesError
from ingest.sync.rules import BasicRules, parse_document, validate
from tests.unit.ingest.sync.rules.wire_rules import DEFAULT, JSON, WIRE_RULE, rule


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

"""Rules that cannot be used are refused, each under its id."""

from typing import Any

import pytest

from ingest.errors import InvalidRulesError
from ingest.sync.rules import BasicRules, validate
from tests.unit.ingest.sync.rules.wire_rules import DEFAULT, rule


def test_rules_that_cannot_be_used_are_an_error() -> None:
    with pytest.raises(InvalidRulesError, match="matches everything"):
        BasicRules.from_wire([rule("regex", ".*")])


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


def test_too_many_rules_are_refused() -> None:
    assert "at most 1000" in validate([rule(value=str(number)) for number in range(1001)])[0].messages[0]

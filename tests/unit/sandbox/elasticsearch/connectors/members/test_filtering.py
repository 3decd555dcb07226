"""Drafts and the default rule."""

from typing import Any

import pytest

from sandbox.elasticsearch.connectors.members import filtering

NOW = "2024-01-01T00:00:00.000Z"
THEN = "2023-01-01T00:00:00.000Z"


def rule(rule_id: str, order: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": rule_id,
        "field": "name",
        "value": "x",
        "order": order,
        "policy": "include",
        "rule": "equals",
        **changes,
    }


def default_rule(order: int, **changes: Any) -> dict[str, Any]:
    return rule("DEFAULT", order, **{"field": "_", "value": ".*", "rule": "regex", **changes})


def edited_rules(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    entry = filtering.default_filtering(THEN)[0]
    [result] = filtering.edited(entry, rules=rules, advanced_snippet=None, now=NOW)
    found: list[dict[str, Any]] = result["draft"]["rules"]
    return found


def test_rules_are_sorted_and_the_default_one_comes_last() -> None:
    rules = edited_rules([rule("b", 7), default_rule(0), rule("a", 2)])

    assert [(each["id"], each["order"]) for each in rules] == [("a", 2), ("b", 7), ("DEFAULT", 8)]


def test_rules_of_equal_order_stay_as_they_were_given() -> None:
    assert [each["id"] for each in edited_rules([rule("b", 1), rule("a", 1)])] == ["b", "a", "DEFAULT"]


def test_the_first_default_rule_gives_the_dates_and_the_others_vanish() -> None:
    rules = edited_rules([default_rule(5, created_at=THEN), default_rule(9)])

    assert [(each["order"], each["created_at"], each["updated_at"]) for each in rules] == [(0, THEN, THEN)]


def test_undated_rules_get_the_time_of_the_request() -> None:
    first, default = edited_rules([rule("a", 1)])

    assert {first["created_at"], first["updated_at"], default["created_at"], default["updated_at"]} == {NOW}


@pytest.mark.parametrize("member", ["field", "value", "policy", "rule"])
def test_a_rule_that_differs_from_the_default_one_is_an_ordinary_rule(member: str) -> None:
    changed = default_rule(3, **{member: "exclude" if member == "policy" else "other"})

    assert [each["order"] for each in edited_rules([changed])] == [3, 4]


def test_an_edit_leaves_what_it_was_not_given() -> None:
    entry = filtering.default_filtering(THEN)[0]

    [result] = filtering.edited(entry, rules=None, advanced_snippet={"value": []}, now=NOW)

    assert result["draft"]["rules"] == entry["draft"]["rules"]
    assert result["draft"]["advanced_snippet"] == {"created_at": NOW, "updated_at": NOW, "value": []}
    assert result["draft"]["validation"] == {"errors": [], "state": "edited"}
    assert result["active"] == entry["active"]


@pytest.mark.parametrize("stored", [None, [], "x", [None], [{}], [{"draft": None}]])
def test_a_filtering_without_a_draft_counts_as_the_default_one(stored: Any) -> None:
    assert filtering.first_entry(stored, NOW) == filtering.default_filtering(NOW)[0]


def test_a_domain_is_not_the_callers_to_choose() -> None:
    entry = {**filtering.default_filtering(THEN)[0], "domain": "TEST"}

    assert filtering.overridden([entry], NOW) == filtering.default_filtering(THEN)

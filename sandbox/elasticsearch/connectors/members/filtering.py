"""Sync rules: reading them, the default rule, drafts and their activation.

    filtering: [ {domain, active: {advanced_snippet, rules, validation}, draft: {...the same members}} ]

Everything but a full override treats the array as having one element.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.elasticsearch.connectors.parsing.members import (
    ANYTHING,
    array_of,
    enumeration,
    instant,
    integer,
    object_of,
    text,
    text_array,
    value_of,
    words,
)
from sandbox.elasticsearch.connectors.parsing.parser import ObjectParser, Token, illegal, token_of

DOMAIN = "DEFAULT"
_DEFAULT_RULE: Mapping[str, Any] = {
    "field": "_",
    "id": "DEFAULT",
    "policy": "include",
    "rule": "regex",
    "value": ".*",
}

_read_policy = words("FilteringPolicy", "include", "exclude")
_read_condition = words(
    "FilteringRuleCondition",
    "contains",
    "ends_with",
    "equals",
    ">",
    "<",
    "regex",
    "starts_with",
    ignore_case=False,
)
_read_state = words("FilteringValidationState", "edited", "invalid", "valid")


def _snippet_value(value: Any) -> Any:
    token = token_of(value)
    if token not in {Token.START_OBJECT, Token.START_ARRAY}:
        raise illegal(
            f"Unsupported token [{token}]. Expected an array or an object.", kind="x_content_parse_exception"
        )
    return value


RULE = ObjectParser(
    "connector_filtering_rule",
    (
        instant("created_at"),
        text("field", required=True),
        text("id", required=True),
        integer("order", required=True),
        enumeration("policy", _read_policy, required=True),
        enumeration("rule", _read_condition, required=True),
        instant("updated_at"),
        text("value", required=True),
    ),
)
SNIPPET = ObjectParser(
    "connector_filtering_advanced_snippet",
    (
        instant("created_at"),
        instant("updated_at"),
        value_of("value", ANYTHING, _snippet_value, required=True),
    ),
)
_VALIDATION_ERROR = ObjectParser(
    "filtering_validation", (text_array("ids", required=True), text_array("messages", required=True))
)
VALIDATION = ObjectParser(
    "filtering_validation_info",
    (
        array_of("errors", _VALIDATION_ERROR.read, required=True),
        enumeration("state", _read_state, required=True),
    ),
)
_RULES = ObjectParser(
    "connector_filtering_rules",
    (
        object_of("advanced_snippet", SNIPPET.read, required=True),
        array_of("rules", RULE.read, required=True),
        object_of("validation", VALIDATION.read, required=True),
    ),
)
_ENTRY = ObjectParser(
    "connector_filtering",
    (
        object_of("active", _RULES.read, required=True),
        text("domain"),
        object_of("draft", _RULES.read, required=True),
    ),
)

FILTERING_REQUEST = ObjectParser(
    "connector_update_filtering_request",
    (
        array_of("filtering", _ENTRY.read),
        array_of("rules", RULE.read),
        object_of("advanced_snippet", SNIPPET.read),
    ),
    strict=True,
)
VALIDATION_REQUEST = ObjectParser(
    "connector_update_filtering_validation",
    (object_of("validation", VALIDATION.read, required=True),),
    strict=True,
)


def default_filtering(now: str) -> list[dict[str, Any]]:
    """Return the filtering of a new connector: everything is included."""
    return [{"active": _include_everything(now), "domain": DOMAIN, "draft": _include_everything(now)}]


def first_entry(stored: Any, now: str) -> Mapping[str, Any]:
    """Return the one entry that counts of a stored filtering.

    Clients write these documents directly, too: where there is no entry with a draft, it is the default one.
    """
    first = stored[0] if isinstance(stored, list) and stored else None
    if isinstance(first, dict) and isinstance(first.get("draft"), dict):
        return first
    return default_filtering(now)[0]


def overridden(entries: Sequence[dict[str, Any]], now: str) -> list[dict[str, Any]]:
    """Return a full override as it is stored; its domain is always the default one."""
    return [
        {"active": _dated(entry["active"], now), "domain": DOMAIN, "draft": _dated(entry["draft"], now)}
        for entry in entries
    ]


def edited(
    entry: Mapping[str, Any],
    *,
    rules: Sequence[dict[str, Any]] | None,
    advanced_snippet: dict[str, Any] | None,
    now: str,
) -> list[dict[str, Any]]:
    """Return the filtering with a new draft; what is not given keeps the present draft's part."""
    draft = dict(entry["draft"])
    if advanced_snippet is not None:
        draft["advanced_snippet"] = _dated_part(advanced_snippet, now)
    if rules is not None:
        draft["rules"] = _with_default_rule_last(rules, now)
    draft["validation"] = {"errors": [], "state": "edited"}
    return [{**entry, "draft": draft}]


def validated(entry: Mapping[str, Any], validation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the filtering with this validation of its draft."""
    return [{**entry, "draft": {**entry["draft"], "validation": validation}}]


def activated(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the filtering with its draft as the active one."""
    return [{**entry, "active": entry["draft"]}]


def draft_state(entry: Mapping[str, Any]) -> str:
    """Return the validation state of the draft."""
    validation = entry["draft"].get("validation")
    return str(validation.get("state")) if isinstance(validation, dict) else "edited"


def _include_everything(now: str) -> dict[str, Any]:
    return {
        "advanced_snippet": {"created_at": now, "updated_at": now, "value": {}},
        "rules": [_default_rule(order=0, created_at=now, updated_at=now)],
        "validation": {"errors": [], "state": "valid"},
    }


def _default_rule(*, order: int, created_at: str, updated_at: str) -> dict[str, Any]:
    return _ordered({**_DEFAULT_RULE, "order": order, "created_at": created_at, "updated_at": updated_at})


def _is_default_rule(rule: Mapping[str, Any]) -> bool:
    return all(rule[name] == value for name, value in _DEFAULT_RULE.items())


def _with_default_rule_last(rules: Sequence[dict[str, Any]], now: str) -> list[dict[str, Any]]:
    ranked = sorted((_dated_part(rule, now) for rule in rules), key=lambda rule: int(rule["order"]))
    others = [rule for rule in ranked if not _is_default_rule(rule)]
    given = next((rule for rule in ranked if _is_default_rule(rule)), None)
    created_at = now if given is None else given["created_at"]
    order = others[-1]["order"] + 1 if others else 0
    return [*others, _default_rule(order=order, created_at=created_at, updated_at=created_at)]


def _dated(rules: Mapping[str, Any], now: str) -> dict[str, Any]:
    return {
        "advanced_snippet": _dated_part(rules["advanced_snippet"], now),
        "rules": [_dated_part(rule, now) for rule in rules["rules"]],
        "validation": rules["validation"],
    }


def _dated_part(part: Mapping[str, Any], now: str) -> dict[str, Any]:
    return _ordered({"created_at": now, "updated_at": now, **part})


def _ordered(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: members[name] for name in sorted(members)}

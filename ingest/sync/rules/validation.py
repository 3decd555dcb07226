"""What is wrong with a set of basic rules, in sentences that say how to correct them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ingest.protocol import DEFAULT_RULE, FilteringError
from ingest.sync.rules.value_matching import Operator, PatternError, Policy, compile_pattern

MOST_RULES = 1000
MATCH_EVERYTHING = {".*", "(.*)", "^.*", "^.*$", ".*$", ""}

_TEXTS = ("id", "field", "value", "policy", "rule")
_OPERATORS = ", ".join(operator.value for operator in Operator)
_POLICIES = {policy.value for policy in Policy}


def validate(rules: Iterable[Mapping[str, Any]]) -> tuple[FilteringError, ...]:
    """Return every problem of a set of rules as `validation.errors` wants it; nothing if it can be used."""
    own_rules = [rule for rule in rules if not is_default_rule(rule)]
    if len(own_rules) > MOST_RULES:
        return (_problem([], f"There are {len(own_rules)} rules; at most {MOST_RULES} can be used."),)
    problems = [
        _problem([_id_of(rule)], *messages) for rule in own_rules if (messages := list(_problems_of(rule)))
    ]
    return (*problems, *_duplicates(own_rules))


def is_default_rule(rule: Mapping[str, Any]) -> bool:
    """Tell whether this is the rule Elasticsearch puts last in every set: include what is left."""
    policy = rule.get("policy")
    shown = {**rule, "policy": policy.lower() if isinstance(policy, str) else policy}
    return all(shown.get(member) == value for member, value in DEFAULT_RULE.items())


def _problems_of(rule: Mapping[str, Any]) -> Iterator[str]:
    for member in _TEXTS:
        value = rule.get(member)
        if not isinstance(value, str):
            yield f"'{member}' must be a text."
        elif not value.strip():
            yield f"'{member}' must not be empty."
    order = rule.get("order")
    if not isinstance(order, int) or isinstance(order, bool):
        yield "'order' must be a whole number."
    policy, operator, value = rule.get("policy"), rule.get("rule"), rule.get("value")
    if isinstance(policy, str) and policy.strip() and policy.lower() not in _POLICIES:
        yield f"'{policy}' is no policy; use include or exclude."
    if isinstance(operator, str) and operator.strip():
        if operator not in set(Operator):
            yield f"'{operator}' is no operator; use one of {_OPERATORS}."
        elif operator == Operator.REGEX and isinstance(value, str):
            yield from _problems_of_pattern(value)


def _problems_of_pattern(pattern: str) -> Iterator[str]:
    if pattern.strip() in MATCH_EVERYTHING:
        yield f"The regular expression '{pattern}' matches everything; only the default rule may."
        return
    try:
        compile_pattern(pattern)
    except PatternError as error:
        yield f"The regular expression '{pattern[:100]}' cannot be used: {error}."


def _duplicates(rules: Sequence[Mapping[str, Any]]) -> Iterator[FilteringError]:
    """Report rules that ask the same question; only the first of them could ever decide."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for rule in rules:
        asked = (rule.get("field"), rule.get("rule"), rule.get("value"))
        question = tuple(part for part in asked if isinstance(part, str))
        if len(question) == len(asked):
            alike[question].append(_id_of(rule))
    for (field, operator, value), ids in alike.items():
        if len(ids) > 1:
            yield _problem(ids, f"{len(ids)} rules ask whether '{field}' {operator} '{value}'; keep one.")


def _problem(ids: list[str], *messages: str) -> FilteringError:
    return FilteringError(ids=tuple(ids), messages=messages)


def _id_of(rule: Mapping[str, Any]) -> str:
    return str(rule.get("id") or "")

"""Which documents a sync keeps: the first basic rule that matches decides; what none matches is kept."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import orjson

from ingest.errors import InvalidRulesError
from ingest.sync.rules.validation import is_default_rule, validate
from ingest.sync.rules.value_matching import (
    Matches,
    Operator,
    Policy,
    as_boolean,
    as_instant,
    as_number,
    matcher,
)
from sources.contract import RowTest

LONGEST_INTEGER = 4000
"""Digits up to which Python turns text into an int without a quadratic cost it refuses beyond."""


@dataclass(frozen=True, slots=True)
class BasicRule:
    """One rule: documents whose field compares like this are kept or left out."""

    field: str
    operator: Operator
    value: str
    policy: Policy
    matches: Matches = dataclasses.field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class BasicRules:
    """A set of basic rules in the order in which they are asked."""

    rules: tuple[BasicRule, ...] = ()

    @classmethod
    def from_wire(cls, wire: Iterable[Mapping[str, Any]]) -> Self:
        """Read the rules of a job or connector. Raises InvalidRulesError with every problem of every rule.

        The default rule only says what happens anyway. So do include rules after which nothing is excluded.
        """
        members = list(wire)
        if problems := validate(members):
            raise InvalidRulesError(" ".join(message for problem in problems for message in problem.messages))
        ordered = sorted(
            (rule for rule in members if not is_default_rule(rule)), key=lambda rule: rule["order"]
        )
        rules = [_rule(rule) for rule in ordered]
        while rules and rules[-1].policy is Policy.INCLUDE:
            rules.pop()
        return cls(tuple(rules))

    @property
    def is_default(self) -> bool:
        """Whether every document is kept, so that none needs to be looked at."""
        return not self.rules

    @property
    def tests(self) -> tuple[RowTest, ...]:
        """The rules for a source that can leave out rows itself."""
        return tuple(
            RowTest(
                field=rule.field,
                operator=rule.operator.value,
                text=rule.value,
                number=as_number(rule.value),
                boolean=as_boolean(rule.value),
                is_instant=as_instant(rule.value) is not None,
                keeps=rule.policy is Policy.INCLUDE,
            )
            for rule in self.rules
        )

    def keep(self, document: Mapping[str, Any]) -> bool:
        """Decide about a document as `parse_document` returns it. Never raises, whatever is in it."""
        for rule in self.rules:
            value = document.get(rule.field)
            if value is not None and rule.matches(value):
                return rule.policy is Policy.INCLUDE
        return True

    def keep_json(self, body: bytes) -> bool:
        """Decide about a document's JSON text as `keep` decides about the parsed document, but faster.

        The fast parser rounds numbers that a float cannot hold and refuses half a surrogate pair. Only where
        a rule looks at such a value is the exact parser asked, which takes ten times as long.
        """
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return self.keep(parse_document(body))
        if any(_holds_float(document.get(rule.field)) for rule in self.rules):
            return self.keep(parse_document(body))
        return self.keep(document)

    def fingerprint(self) -> str:
        """Return a text that is the same in every process for rules that decide by the same steps."""
        steps = [[rule.field, rule.operator.value, rule.value, rule.policy.value] for rule in self.rules]
        return hashlib.blake2b(json.dumps(steps).encode(), digest_size=16).hexdigest()


def parse_document(body: bytes | str) -> dict[str, Any]:
    """Parse a document's JSON so that its numbers can be compared exactly, however many digits they have."""
    document: dict[str, Any] = json.loads(body, parse_float=Decimal, parse_int=_whole)
    return document


def _holds_float(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, list) and any(_holds_float(part) for part in value))


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= LONGEST_INTEGER else Decimal(digits)


def _rule(wire: Mapping[str, Any]) -> BasicRule:
    operator = Operator(wire["rule"])
    return BasicRule(
        field=wire["field"],
        operator=operator,
        value=wire["value"],
        policy=Policy(wire["policy"].lower()),
        matches=matcher(operator, wire["value"]),
    )

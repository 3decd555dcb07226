"""One thing that was looked at, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """What a check means for the service and its jobs."""

    OK = "ok"
    NOTE = "note"
    """Nothing stops, but somebody should know."""
    PROBLEM = "problem"
    """The service or a job would not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was found about one subject."""

    subject: str
    """What was looked at, e.g. `Elasticsearch` or `connector music`."""
    severity: Severity
    sentence: str
    """What was found, with its remedy if something has to be done. No secret."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """More about it, for `--json` and for tables."""

    def to_wire(self) -> dict[str, Any]:
        """Render for programs."""
        wire = {"subject": self.subject, "severity": self.severity.value, "sentence": self.sentence}
        return wire | ({"facts": dict(self.facts)} if self.facts else {})


def ok(subject: str, sentence: str, **facts: Any) -> Check:
    """Say that something is as it should be."""
    return Check(subject=subject, severity=Severity.OK, sentence=sentence, facts=facts)


def note(subject: str, sentence: str, **facts: Any) -> Check:
    """Say what somebody should know."""
    return Check(subject=subject, severity=Severity.NOTE, sentence=sentence, facts=facts)


def problem(subject: str, sentence: str, **facts: Any) -> Check:
    """Say what has to be put right."""
    return Check(subject=subject, severity=Severity.PROBLEM, sentence=sentence, facts=facts)

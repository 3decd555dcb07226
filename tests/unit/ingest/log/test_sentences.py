"""Every event has a sentence, made of facts that are really logged with it."""

import string
from functools import cache
from typing import Any

import pytest

from ingest.log.sentences import SENTENCES, sentence
from tests.repo.test_events import calls, events, is_logging

BOUND = {"sync_job_id", "connector_id", "job_type", "index_name", "service_type"}
"""Facts that stand beside each line of a job."""
OPEN = None
"""The facts of a call that passes some on with `**`."""


@cache
def facts_of_calls() -> dict[str, list[set[str] | None]]:
    """Return, for each event, the names of the facts of each call that logs it."""
    found: dict[str, list[set[str] | None]] = {}
    for call in calls():
        if is_logging(call):
            names = {one.arg for one in call.keywords if one.arg}
            facts = OPEN if any(one.arg is None for one in call.keywords) else names
            for event in events(call.args[0]):
                found.setdefault(event, []).append(facts)
    return found


@pytest.mark.parametrize(
    ("event", "template"), [(event, one) for event, one in SENTENCES.items() if isinstance(one, str)]
)
def test_a_sentence_needs_no_fact_that_is_not_logged(event: str, template: str) -> None:
    needed = {name.split(".")[0] for _, name, *_ in string.Formatter().parse(template) if name}

    for facts in facts_of_calls()[event]:
        if facts is not OPEN:
            assert needed <= facts | BOUND, event


FINISHED: dict[str, Any] = {
    "job_type": "full", "status": "completed", "error": None, "seconds": 4.24,
    "read": 1622, "created": 600, "updated": 0, "deleted": 1, "unchanged": 1022, "sent_bytes": 5_000,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"deleted": 0},
            "Full sync completed in 4.2 s: 1,622 rows; 600 created, 1,022 unchanged; 4.9 KiB sent.",
        ),
        (
            {"created": 0, "deleted": 0, "unchanged": 0, "read": 0, "skipped": 7, "sent_bytes": 0},
            "Full sync completed in 4.2 s: 7 rows; nothing changed.",
        ),
        ({"job_type": "incremental", "status": "error", "error": "Grant SELECT."},
         "Incremental sync failed after 4.2 s: Grant SELECT."),
        ({"status": "suspended", "seconds": 400, "sent_bytes": 0, "unchanged": 0, "deleted": 0},
         "Full sync suspended after 6 min: 1,622 rows; 600 created."),
    ],
)  # fmt: skip
def test_the_last_line_of_a_job_tells_what_it_came_to(changed: dict[str, Any], said: str) -> None:
    assert sentence("job.finished", {**FINISHED, **changed}) == said


@pytest.mark.parametrize(
    ("event", "facts", "said"),
    [
        ("sync.started", {"slices": 11, "documents": 1200}, "Comparing 11 tables with 1,200 documents."),
        ("sync.started", {"slices": 11, "compared_by": "changes"}, "Comparing 11 tables by their changes."),
        (
            "sync.progress",
            {
                "slice": "a.b", "rows": 5000, "estimated_rows": 9000, "rows_per_second": 40,
                "seconds_left": 100,
            },
            "a.b: 5,000 rows of about 9,000, 40 a second, 1 min left.",
        ),
        ("job.started", {"job_type": "full", "attempt": 2}, "Full sync begins (attempt 2)."),
        (
            "job.worker_lost",
            {"sync_job_id": "j", "status": "suspended"},
            "The worker of job j is gone or silent; it is resumed.",
        ),
        (
            "config.needs_restart",
            {"settings": ["a", "b"]},
            "config.yml changed in a, b, which applies after a restart.",
        ),
    ],
)  # fmt: skip
def test_facts_become_a_sentence(event: str, facts: dict[str, Any], said: str) -> None:
    assert sentence(event, facts) == said


@pytest.mark.parametrize("facts", [{}, {"seconds": "soon"}, {"seconds": None, "status": 1}])
def test_an_event_without_its_facts_is_shown_by_its_name(facts: dict[str, Any]) -> None:
    for event in ("job.finished", "elasticsearch.ready", "unheard.of"):
        assert sentence(event, facts) == event

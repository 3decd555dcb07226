"""What the metrics say of a service to which nothing has happened yet."""

import re

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from ingest.protocol import JobStatus, JobType
from ingest.status.metrics import ENDINGS, JOB_TYPES, Metrics
from ingest.status.snapshot import Totals
from tests.repo import project
from tests.unit.ingest.status.snapshots import snapshot

RULES = yaml.safe_load((project.ROOT / "deploy/prometheus-alerts.yml").read_text())
INCREASES = [
    found
    for group in RULES["groups"]
    for rule in group["rules"]
    for found in re.findall(r'increase\((\w+){(\w+)="(\w+)"}', rule["expr"])
]


def at_start() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every sample that a service serves before its first job."""
    nothing = Totals(documents={}, sent_bytes={}, jobs={}, last_completed={})
    rendered = Metrics(lambda: snapshot(totals=nothing, running=(), ended=())).render().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(rendered)
        for sample in family.samples
    }


@pytest.mark.parametrize(("name", "label", "value"), INCREASES)
def test_what_an_alert_waits_for_counts_from_zero(name: str, label: str, value: str) -> None:
    # Prometheus sees no increase in a counter that appears with its first event.
    found = [count for (one, labels), count in at_start().items() if one == name and (label, value) in labels]

    assert found
    assert set(found) == {0}


def test_the_alerts_on_failed_jobs_and_refused_documents_are_among_them() -> None:
    assert {value for *_, value in INCREASES} == {"error", "rejected"}


def test_the_words_for_jobs_are_those_of_the_protocol() -> None:
    assert set(ENDINGS) == {status.value for status in JobStatus if status.is_terminal}
    assert set(JOB_TYPES) == {JobType.FULL.value, JobType.INCREMENTAL.value}

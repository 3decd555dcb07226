"""What the metrics say of a service to which nothing has happened yet."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from ingest.protocol import JobStatus, JobType
from ingest.status.metrics import ENDINGS, JOB_TYPES, Metrics
from ingest.status.snapshot import ConnectorStatus, Totals
from tests.repo import project
from tests.unit.ingest.status.snapshots import NOW, snapshot

RULES = yaml.safe_load((project.ROOT / "deploy/prometheus-alerts.yml").read_text())
INCREASES = [
    found
    for group in RULES["groups"]
    for rule in group["rules"]
    for found in re.findall(r'increase\((\w+){(\w+)="(\w+)"}', rule["expr"])
]


def at_start() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every sample that a service serves before its first job."""
    rendered = Metrics(lambda: snapshot(totals=NOTHING, running=(), ended=())).render().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(rendered)
        for sample in family.samples
    }


def served(**changed: Any) -> dict[tuple[str, str], float]:
    """Return the samples that have no label but a connector's, by name and connector."""
    rendered = Metrics(lambda: snapshot(**changed)).render().decode()
    return {
        (sample.name.removeprefix("elastic_ingest_"), sample.labels["connector_id"]): sample.value
        for family in text_string_to_metric_families(rendered)
        for sample in family.samples
        if sample.labels.keys() == {"connector_id"}
    }


def listed(**changed: Any) -> ConnectorStatus:
    """Return a connector as it was listed, with members changed."""
    return replace(snapshot().connectors[0], **changed)


NOTHING = Totals(documents={}, sent_bytes={}, jobs={}, last_completed={})
COMPLETED = "last_completed_timestamp_seconds"


def test_a_connector_that_follows_says_how_far_behind_it_is() -> None:
    (job, *_) = snapshot().running
    other, following = (replace(job, follows_by=way, lag_seconds=1.5) for way in (None, "log"))
    rendered = Metrics(lambda: snapshot(running=(other, following))).render().decode()

    lags = [
        line for line in rendered.splitlines() if line.startswith("elastic_ingest_following_lag_seconds{")
    ]
    assert lags == [
        f'elastic_ingest_following_lag_seconds{{connector_id="{job.connector_id}",way="log"}} 1.5'
    ]


def test_what_completed_before_a_restart_counts_whatever_came_of_the_latest_job() -> None:
    before = NOW - timedelta(days=2)
    for status in ("completed", "error", "in_progress"):
        connector = listed(last_sync_status=status, last_synced=NOW, last_completed=before)

        assert served(totals=NOTHING, connectors=(connector,))[COMPLETED, "music"] == before.timestamp()


def test_a_connector_of_which_no_job_completed_has_no_such_time() -> None:
    samples = served(totals=NOTHING, connectors=(listed(last_sync_status="error"),))

    assert (COMPLETED, "music") not in samples


def test_of_two_times_of_success_the_later_one_counts() -> None:
    here = replace(NOTHING, last_completed={"music": NOW - timedelta(minutes=1)})

    for connector in (
        listed(),
        listed(last_sync_status="error"),
        listed(last_completed=NOW - timedelta(days=2)),
    ):
        assert (
            served(totals=here, connectors=(connector,))[COMPLETED, "music"]
            == (NOW - timedelta(minutes=1)).timestamp()
        )


def test_what_the_last_verification_found_is_served() -> None:
    assert served(connectors=(listed(differing=7),))["rows_differing", "music"] == 7
    assert ("rows_differing", "music") not in served(connectors=(listed(differing=None, verified_at=None),))


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

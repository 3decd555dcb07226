"""Reading connector and job documents, however they were written."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.protocol import (
    Connector,
    ConnectorStatus,
    Filtering,
    JobStatus,
    JobType,
    Pipeline,
    SyncJob,
    ValidationState,
    instant,
    timestamp,
    values_of,
)


def hit(source: Any) -> dict[str, Any]:
    return {"_id": "x", "_seq_no": 3, "_primary_term": 1, "_source": source}


def test_a_connector_that_was_just_created_reads_as_such() -> None:
    connector = Connector.from_wire(
        hit({"configuration": {}, "status": "created", "index_name": "music", "name": "", "is_native": False})
    )

    assert connector.status is ConnectorStatus.CREATED
    assert connector.index_name == "music"
    assert connector.service_type is None
    assert connector.last_sync_status is None
    assert connector.pipeline == Pipeline()


def test_a_connector_without_a_pipeline_has_the_default_one() -> None:
    pipeline = Pipeline.from_wire(None)

    assert pipeline.to_wire() == {
        "name": "search-default-ingestion",
        "extract_binary_content": True,
        "reduce_whitespace": True,
        "run_ml_inference": True,
    }


def test_a_job_holds_its_own_rules_and_configuration() -> None:
    rule = {"id": "1", "field": "a", "rule": "equals", "value": "b", "policy": "include", "order": 0}
    job = SyncJob.from_wire(
        hit(
            {
                "status": "pending",
                "job_type": "full",
                "connector": {
                    "id": "c",
                    "configuration": {"host": {"value": "h"}},
                    "filtering": {
                        "rules": [rule],
                        "advanced_snippet": {"value": [{"query": "SELECT 1"}]},
                        "validation": {"state": "valid", "errors": []},
                    },
                },
            }
        )
    )

    assert job.job_type is JobType.FULL
    assert values_of(job.configuration) == {"host": "h"}
    assert job.filtering == Filtering(
        rules=(rule,), advanced_snippet=[{"query": "SELECT 1"}], state=ValidationState.VALID
    )


def test_a_snapshot_with_the_whole_filtering_list_is_read_as_its_active_rules() -> None:
    listed = [{"active": {"rules": [{"id": "1"}]}, "draft": {"rules": []}}]

    assert SyncJob.from_wire(hit({"connector": {"id": "c", "filtering": listed}})).filtering.rules == (
        {"id": "1"},
    )


def test_an_unknown_status_is_none_and_its_text_is_kept() -> None:
    job = SyncJob.from_wire(hit({"status": "paused", "job_type": "sideways"}))

    assert (job.status, job.job_type, job.job_type_text) == (None, None, "sideways")


members = st.sampled_from(
    [
        "configuration", "filtering", "active", "draft", "rules", "advanced_snippet", "value", "validation",
        "state", "pipeline", "name", "scheduling", "full", "status", "job_type", "connector", "id",
        "features",
        "metadata", "attempts", "created_at", "last_seen", "indexed_document_count", "error", "sensitive",
    ]
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(members, children, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(members, json_values, max_size=8))
def test_no_document_breaks_the_reader(source: dict[str, Any]) -> None:
    connector = Connector.from_wire(hit(source))
    job = SyncJob.from_wire(hit(source))

    assert connector.id == job.id == "x"
    values_of(connector.configuration)
    job.attempts()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2023-05-25T12:30:00.000Z", datetime(2023, 5, 25, 12, 30, tzinfo=UTC)),
        ("2023-12-04T08:45:50.567149Z", datetime(2023, 12, 4, 8, 45, 50, 567149, tzinfo=UTC)),
        ("2023-12-04T08:45:50.567149321Z", datetime(2023, 12, 4, 8, 45, 50, 567149, tzinfo=UTC)),
        ("2023-12-04T10:45:50+02:00", datetime(2023, 12, 4, 8, 45, 50, tzinfo=UTC)),
        ("2023-12-04", datetime(2023, 12, 4, tzinfo=UTC)),
        (1684931400000, datetime(2023, 5, 24, 12, 30, tzinfo=UTC)),
        ("1684931400000", datetime(2023, 5, 24, 12, 30, tzinfo=UTC)),
        ("yesterday", None),
        (10**30, None),
        (None, None),
        (True, None),
        ({}, None),
    ],
)
def test_dates_are_read_in_every_form_elasticsearch_gives(written: Any, read: datetime | None) -> None:
    assert instant(written) == read


def test_a_date_is_written_in_utc_with_microseconds() -> None:
    moment = datetime.fromisoformat("2023-12-04T10:45:50.000007+02:00")

    assert timestamp(moment) == "2023-12-04T08:45:50.000007Z"


def test_an_attempt_that_was_suspended_is_remembered() -> None:
    source = {
        "status": "suspended",
        "worker_hostname": "first",
        "started_at": "2026-01-01T00:00:00.000000Z",
        "indexed_document_count": 7,
        "deleted_document_count": 0,
        "metadata": {"attempts": [{"worker_hostname": "zeroth"}]},
    }

    attempts = SyncJob.from_wire(hit(source)).attempts()

    assert attempts == [
        {"worker_hostname": "zeroth"},
        {
            "worker_hostname": "first",
            "started_at": "2026-01-01T00:00:00.000000Z",
            "indexed_document_count": 7,
            "deleted_document_count": 0,
        },
    ]


@pytest.mark.parametrize(
    ("status", "is_terminal", "is_waiting"),
    [
        (JobStatus.PENDING, False, True),
        (JobStatus.IN_PROGRESS, False, False),
        (JobStatus.CANCELING, False, False),
        (JobStatus.SUSPENDED, False, True),
        (JobStatus.COMPLETED, True, False),
        (JobStatus.CANCELED, True, False),
        (JobStatus.ERROR, True, False),
    ],
)
def test_a_job_status_is_waiting_terminal_or_neither(
    status: JobStatus, is_terminal: bool, is_waiting: bool
) -> None:
    assert (status.is_terminal, status.is_waiting) == (is_terminal, is_waiting)

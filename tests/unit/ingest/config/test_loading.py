"""Defaults, ranges and contradictions of settings; all problems of a file are reported at once."""

from pathlib import Path

import pytest

from ingest import config
from ingest.secret import Secret
from tests.unit.ingest.config.loading import CONNECTOR, load, only_problem, problems


def test_a_file_with_one_connector_gives_the_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, CONNECTOR)

    assert settings.elasticsearch == config.Elasticsearch()
    assert settings.service == config.Service()
    assert [entry.connector_id for entry in settings.connectors] == ["my-connector-id"]
    assert settings.warnings == ()


def test_the_tutorials_file_is_understood(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
elasticsearch.host: http://localhost:9200
elasticsearch.api_key: "aWQ6a2V5"
connectors:
  - connector_id: "my-connector-id"
    service_type: "postgresql"
    api_key: "b3RoZXI6a2V5"
""",
    )

    assert settings.elasticsearch.api_key == Secret("aWQ6a2V5")
    assert settings.connectors[0].api_key == Secret("b3RoZXI6a2V5")


def test_sizes_become_bytes(tmp_path: Path) -> None:
    settings = load(tmp_path, CONNECTOR + "elasticsearch.bulk.chunk_max_mem_size: 3")

    assert settings.elasticsearch.bulk.chunk_max_mem_size_bytes == 3 * 1024 * 1024


def test_whole_numbers_may_be_quoted(tmp_path: Path) -> None:
    assert load(tmp_path, CONNECTOR + 'service.idling: "45"').service.idling_seconds == 45


@pytest.mark.parametrize(
    "written",
    [
        *("12:30:45", ".inf", ".nan", "-1", "0", "1e9", "30s", '"30s"', "true", "30.5", "0x1F", "1_000"),
        *("99999", "9" * 400, "[30]", "{a: 30}", "''", "", "~"),
    ],
)
def test_only_whole_numbers_in_range_are_accepted(tmp_path: Path, written: str) -> None:
    found = only_problem(tmp_path, CONNECTOR + f"service: {{idling: {written}}}")

    assert found.startswith("config.yml: service.idling: ")
    assert found.endswith("(a whole number from 1 to 3600)")


@pytest.mark.parametrize("written", ['"false"', "0", "nope", "[]", ""])
def test_only_booleans_switch_certificates_off(tmp_path: Path, written: str) -> None:
    found = only_problem(tmp_path, CONNECTOR + f"elasticsearch: {{verify_certs: {written}}}")

    assert found.startswith("config.yml: elasticsearch.verify_certs: ")
    assert found.endswith("(true or false, without quotes)")


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("elasticsearch.bulk.chunk_size", "0"),
        ("elasticsearch.bulk.chunk_max_mem_size", "91"),
        ("elasticsearch.bulk.max_concurrency", "0"),
        ("elasticsearch.bulk.max_concurrency", "1000000"),
        ("elasticsearch.bulk.max_retries", "-1"),
        ("elasticsearch.bulk.error_monitor.max_error_rate", "1.5"),
        ("elasticsearch.bulk.error_monitor.max_error_rate", ".nan"),
        ("service.job_poll_interval", "0"),
        ("service.log_level", "loud"),
        ("service.log_format", "xml"),
        ("service.service_types", "postgresql"),
        ("elasticsearch.headers", "{Authorization: Basic abc}"),
        ("elasticsearch.headers", "{'a b': c}"),
        ("elasticsearch.headers", '{a: "b\\r\\nc: d"}'),
    ],
)
def test_a_value_out_of_its_range_is_refused(tmp_path: Path, key: str, written: str) -> None:
    assert only_problem(tmp_path, f"{CONNECTOR}{key}: {written}").startswith(f"config.yml: {key}: ")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("elasticsearch.bulk: {max_retries: 100, retry_interval: 60}", "elasticsearch.bulk.max_retries"),
        (
            "elasticsearch.bulk: {chunk_max_mem_size: 90, max_concurrency: 64}",
            "elasticsearch.bulk.chunk_max_mem_size",
        ),
        ("service: {fencing_limit: 200, idle_limit: 200}", "service.fencing_limit"),
        ("service: {job_report_interval: 60}", "service.job_report_interval"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path: Path, text: str, at: str) -> None:
    assert only_problem(tmp_path, CONNECTOR + text).startswith(f"config.yml: {at}: ")


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
elasticsearch: {hots: x, host: 'ftp://a', request_timeout: many, password: 7}
service: {idling: 0, idling: 1}
connectors: [{connector_id: no, service_type: mysql}]
unknown: ${ABSENT}
""",
    )

    assert sorted(line.split(": ")[1] for line in found) == [
        "connectors[0].connector_id",
        "connectors[0].service_type",
        "elasticsearch.host",
        "elasticsearch.hots",
        "elasticsearch.password",
        "elasticsearch.request_timeout",
        "service.idling",
        "service.idling",
        "unknown",
        "unknown",
    ]

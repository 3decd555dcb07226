"""Keys may be nested or dotted; those unknown, given twice or without effect are named."""

from pathlib import Path

import pytest

from tests.unit.ingest.config.loading import CONNECTOR, load, only_problem, problems


@pytest.mark.parametrize(
    "text",
    [
        "elasticsearch: {bulk: {chunk_size: 7, error_monitor: {enabled: false}}}",
        "elasticsearch.bulk.chunk_size: 7\nelasticsearch.bulk.error_monitor.enabled: false",
        "elasticsearch:\n  bulk.chunk_size: 7\nelasticsearch.bulk:\n  error_monitor.enabled: false",
    ],
)
def test_keys_may_be_nested_dotted_or_mixed(tmp_path: Path, text: str) -> None:
    bulk = load(tmp_path, CONNECTOR + text).elasticsearch.bulk

    assert bulk.chunk_size == 7
    assert not bulk.error_monitor.enabled


def test_header_names_may_hold_dots(tmp_path: Path) -> None:
    text = CONNECTOR + "elasticsearch.headers.X.Trace: a\nelasticsearch: {headers: {X-Other: b}}"

    assert load(tmp_path, text).elasticsearch.headers == {"X.Trace": "a", "X-Other": "b"}


def test_a_key_with_very_many_parts_is_refused(tmp_path: Path) -> None:
    assert "too many parts" in only_problem(tmp_path, CONNECTOR + "? " + ".".join("a" * 5000) + "\n: 1")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("service: {idling: 1, idling: 2}", "service.idling"),
        ("service.idling: 1\nservice: {idling: 2}", "service.idling"),
        ("service: {idling: 2}\nservice.idling: 1", "service.idling"),
        ("service.log_level: info\nservice: null", "service"),
        ("elasticsearch.headers: {A: b}\nelasticsearch.headers.A: c", "elasticsearch.headers.A"),
    ],
)
def test_a_key_given_twice_is_refused(tmp_path: Path, text: str, at: str) -> None:
    assert f"config.yml: {at}: is given twice" in only_problem(tmp_path, CONNECTOR + text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("elasticsearch.hots: x", "elasticsearch.hots: is unknown (did you mean host?)"),
        ("elasticsaerch.host: x", "elasticsaerch: is unknown (did you mean elasticsearch?)"),
        ("service: {loglevel: x}", "service.loglevel: is unknown (did you mean log_level?)"),
        ("qqq: 1", "qqq: is unknown (known are: connector_id, "),
        ("elasticsearch.bulk.error_monitor.max: 1", "elasticsearch.bulk.error_monitor.max: is unknown"),
        ("elasticsearch.host.port: 1", "elasticsearch.host: is a map"),
        ("yes: 1", "a key is not a text"),
        ("? [a, b]\n: 1", "a key is not a text"),
    ],
)
def test_an_unknown_key_is_refused_with_a_suggestion(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaint in only_problem(tmp_path, CONNECTOR + text)


@pytest.mark.parametrize("section", ["elasticsearch", "service", "elasticsearch.bulk"])
@pytest.mark.parametrize(
    ("written", "described"), [("", "is empty"), ("3", "single number"), ("[]", "a list")]
)
def test_a_section_that_is_no_map_is_refused(
    tmp_path: Path, section: str, written: str, described: str
) -> None:
    found = only_problem(tmp_path, CONNECTOR + f"{section}: {written}")

    assert found.startswith(f"config.yml: {section}: ")
    assert described in found


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("elasticsearch.bulk.queue_max_size: 1024", False),
        ("elasticsearch: {ssl: true, retry_on_timeout: true, feature_use_connectors_api: true}", False),
        ("service: {preflight_idle: 30, max_errors: 20, fips_mode: false}", False),
        ("service.fips_mode: true", True),
        ("extraction_service: {host: 'http://localhost:8090'}", True),
        ("sources: {mine: 'my.module:Source'}", True),
        ("max_concurrent_syncs: 3", True),
    ],
)
def test_elastics_keys_without_effect_are_accepted(tmp_path: Path, text: str, warned: bool) -> None:
    warnings = load(tmp_path, CONNECTOR + text).warnings

    assert bool([line for line in warnings if "has no effect" in line]) == warned


@pytest.mark.parametrize("null", ["null", "~"])
@pytest.mark.parametrize(
    "key",
    [
        *(
            "elasticsearch.api_key",
            "elasticsearch.username",
            "elasticsearch.password",
            "elasticsearch.ca_certs",
        ),
        *("service.lock_file", "connector_id", "service_type"),
    ],
)
def test_null_leaves_a_key_without_default_as_if_it_were_not_there(
    tmp_path: Path, key: str, null: str
) -> None:
    assert load(tmp_path, CONNECTOR + f"{key}: {null}\n") == load(tmp_path, CONNECTOR)


def test_null_is_no_value_of_a_key_with_a_default_or_of_one_that_is_required(tmp_path: Path) -> None:
    found = problems(
        tmp_path, "service.idling: null\nconnectors: [{connector_id: null, service_type: postgresql}]"
    )

    assert sorted(one.split(": ")[1] for one in found) == ["connectors[0].connector_id", "service.idling"]


def test_a_credential_left_out_is_not_taken_for_null(tmp_path: Path) -> None:
    found = problems(tmp_path, CONNECTOR + "elasticsearch.api_key:\n")

    assert found == [
        "config.yml: elasticsearch.api_key: is empty (the `encoded` value Elasticsearch returned, or id:key)"
    ]

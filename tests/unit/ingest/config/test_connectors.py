"""The list of connectors: ids, types, and what a connector needs that is to be created."""

from pathlib import Path

import pytest

from tests.unit.ingest.config.loading import CONNECTOR, load, only_problem, problems


def test_worker_mode_needs_no_list_of_connectors(tmp_path: Path) -> None:
    settings = load(tmp_path, "service: {worker_mode: true, service_types: [postgresql]}")

    assert settings.service.service_types == ("postgresql",)


def test_the_old_form_of_one_connector_still_works_and_warns(tmp_path: Path) -> None:
    settings = load(tmp_path, "connector_id: one\nservice_type: postgresql")

    assert [entry.connector_id for entry in settings.connectors] == ["one"]
    assert "deprecated" in settings.warnings[0]


def test_a_connector_can_be_created_by_its_entry(tmp_path: Path) -> None:
    entry = load(
        tmp_path,
        "connectors: [{connector_id: a, service_type: postgresql, create: true, index_name: music, name: M}]",
    ).connectors[0]

    assert (entry.create, entry.index_name, entry.name) == (True, "music", "M")


@pytest.mark.parametrize(
    "written", ["no", "0123", "2024-01-01", "1.0e+3", "12:30:45", "1", "~", "null", "true"]
)
def test_an_id_that_yaml_takes_for_something_else_must_be_quoted(tmp_path: Path, written: str) -> None:
    text = f"connectors: [{{connector_id: {written}, service_type: postgresql}}]"

    found = only_problem(tmp_path, text)

    assert found.startswith("config.yml: connectors[0].connector_id: is ")
    quoted = load(tmp_path, text.replace(written, f"'{written}'", 1))
    assert quoted.connectors[0].connector_id == written


@pytest.mark.parametrize(
    "written",
    ["a/b", "..", ".", "a\\b", "' a'", "''", "'  '", '"a\\nb"', '"a\\0b"', "x" * 513, "_a", "changeme"],
)
def test_what_cannot_be_an_id_is_refused(tmp_path: Path, written: str) -> None:
    found = only_problem(tmp_path, f"connectors: [{{connector_id: {written}, service_type: postgresql}}]")

    assert found.startswith("config.yml: connectors[0].connector_id: ")


def test_an_index_whose_name_begins_with_a_dot_is_refused(tmp_path: Path) -> None:
    text = "connectors: [{connector_id: a, service_type: postgresql, create: true, index_name: .security-7}]"

    assert "begins with a dot" in only_problem(tmp_path, text)


def test_a_name_for_a_connector_that_is_not_created_warns(tmp_path: Path) -> None:
    warnings = load(tmp_path, CONNECTOR.replace("}", ", index_name: music}")).warnings

    assert "connectors[0]: index_name and name have no effect without create: true" in warnings[0]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("connectors:", "connectors: is empty"),
        ("connectors: []", "connectors: names no connector"),
        ("connectors: {connector_id: a}", "connectors: is a map"),
        ("connectors: [a]", "connectors[0]: is a single text"),
        ("connectors: [{service_type: postgresql}]", "connectors[0].connector_id: is missing"),
        ("connectors: [{connector_id: a}]", "connectors[0].service_type: is missing"),
        (
            "connectors: [{connector_id: a, service_type: mysql}]",
            "'mysql' is unknown (known are: postgresql)",
        ),
        ("connectors: [{connector_id: a, service_type: postgresql, id: 3}]", "connectors[0].id: is unknown"),
        ("connectors: [{connector_id: a, service_type: postgresql, create: true}]", "index_name: is needed"),
        ("connector_id: a", "service_type: is missing"),
        ("service.worker_mode: true", "is needed by worker_mode"),
        ("service: {worker_mode: true, service_types: [mysql]}", "'mysql' is unknown"),
    ],
)
def test_connectors_that_cannot_be_served_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaint in only_problem(tmp_path, text)


def test_a_connector_listed_twice_is_refused_at_both_places(tmp_path: Path) -> None:
    entry = "{connector_id: a, service_type: postgresql}"

    found = problems(tmp_path, f"connectors: [{entry}, {entry}]")

    assert [line.split(": ")[1] for line in found] == [
        "connectors[0].connector_id",
        "connectors[1].connector_id",
    ]

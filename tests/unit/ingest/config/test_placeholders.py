"""Placeholders are filled in from the environment, or refused."""

from pathlib import Path

import pytest

from ingest.secret import Secret
from tests.unit.ingest.config.loading import CONNECTOR, load, problems


def test_placeholders_are_filled_in_from_the_environment(tmp_path: Path) -> None:
    text = CONNECTOR + (
        "elasticsearch: {host: '${SCHEME|http}://${HOST}:9200', username: '${WHO}', password: \"${WORD}\", "
        "verify_certs: '${VERIFY}'}\nelasticsearch.bulk.max_retries: ${RETRIES|7}"
    )

    settings = load(
        tmp_path, text, {"HOST": "localhost", "WHO": "0123", "WORD": "a${b}|$c", "VERIFY": "false"}
    ).elasticsearch

    assert settings.hosts == ("http://localhost:9200",)
    assert settings.username == "0123"
    assert settings.password == Secret("a${b}|$c")
    assert not settings.verify_certs
    assert settings.bulk.max_retries == 7


def test_a_doubled_dollar_sign_is_not_a_placeholder(tmp_path: Path) -> None:
    text = CONNECTOR + "elasticsearch: {username: u, password: 'a$${b}'}"

    assert load(tmp_path, text).elasticsearch.password == Secret("a${b}")


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("${ABSENT}", "variable ABSENT is not set"),
        ("${ABSENT|}", "is empty"),
        ("${EMPTY}", "is empty, as is the variable or file it comes from"),
        ("${ABSENT:-shell}", "write ${NAME} or ${NAME|default}"),
        ("${ABSENT|${OTHER}}", "not closed or is nested"),
        ("${ABSENT", "not closed"),
        ("${}", "cannot be a variable's"),
        ("${a b}", "cannot be a variable's"),
    ],
)
def test_a_placeholder_that_cannot_be_filled_in_is_refused(
    tmp_path: Path, written: str, complaint: str
) -> None:
    text = CONNECTOR + f"elasticsearch: {{username: u, password: '{written}'}}"

    found = problems(tmp_path, text, {"EMPTY": ""})

    assert complaint in found[0]
    assert found[0].startswith("config.yml: elasticsearch.password: ")

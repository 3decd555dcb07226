"""Which addresses of Elasticsearch are accepted."""

from pathlib import Path

import pytest

from tests.unit.ingest.config.loading import CONNECTOR, load, only_problem


@pytest.mark.parametrize(
    "host",
    [
        "http://localhost:9200",
        "http://127.0.0.1:9200",
        "http://[::1]:9200",
        "http://es.localhost",
    ],
)
def test_this_machine_itself_needs_no_credentials(tmp_path: Path, host: str) -> None:
    assert load(tmp_path, CONNECTOR + f"elasticsearch.host: '{host}'").elasticsearch.api_key is None


def test_http_to_another_machine_works_when_it_is_allowed_and_warns(tmp_path: Path) -> None:
    text = CONNECTOR + (
        "elasticsearch: {host: 'http://elasticsearch:9200', username: elastic, password: s3cret!, "
        "allow_insecure_http: true}"
    )

    settings = load(tmp_path, text)

    assert [line for line in settings.warnings if "unencrypted" in line]


@pytest.mark.parametrize(
    ("host", "complaint"),
    [
        ("localhost:9200", "does not start with http"),
        ("//localhost:9200", "does not start with http"),
        ("ftp://localhost", "does not start with http"),
        ("http:localhost", "does not start with http"),
        ("http://", "names no host"),
        ("http://:9200", "names no host"),
        ("http://me:word@localhost:9200", "contains a user name or password"),
        ("http://localhost:9200?a=b", "a query or a fragment"),
        ("http://localhost:9200/es?", "a query or a fragment"),
        ("http://localhost:9200#a", "a query or a fragment"),
        ("http://localhost:9200//es", "plain segments"),
        ("http://localhost:9200/../es", "plain segments"),
        ("http://localhost:9200/a b", "plain segments"),
        ("http://localhost:0", "port that is not a number from 1 to 65535"),
        ("http://localhost:65536", "port that is not a number from 1 to 65535"),
        ("http://localhost:x", "port that is not a number from 1 to 65535"),
        ("http://localhost:", "no port"),
        ("http://::1:9200", "square brackets"),
        ("http://[::1:9200", "square brackets"),
        ("http://[::x]:9200", "not a"),
        ("http://bücher.example:9200", "xn-- form"),
        ("http://a b:9200", "not a host name"),
        ("http://a:9200,http://b:9200", "more than one host"),
    ],
)
def test_what_is_no_url_of_elasticsearch_is_refused(tmp_path: Path, host: str, complaint: str) -> None:
    found = only_problem(tmp_path, CONNECTOR + f"elasticsearch.host: '{host}'")

    assert complaint in found
    assert "word@" not in found


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("http://localhost:9200/", ("http://localhost:9200",)),
        ("http://localhost/es", ("http://localhost/es",)),
        ("http://localhost:9200/a/b%20c/", ("http://localhost:9200/a/b%20c",)),
        ("['http://localhost:1', 'http://127.0.0.1:2/es/']", ("http://localhost:1", "http://127.0.0.1:2/es")),
    ],
)
def test_a_path_in_front_and_a_list_of_hosts_are_read(
    tmp_path: Path, written: str, read: tuple[str, ...]
) -> None:
    assert load(tmp_path, CONNECTOR + f"elasticsearch.host: {written}").elasticsearch.hosts == read


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("[]", "is an empty list"),
        ("['http://localhost:1', 'http://localhost:1/']", "lists http://localhost:1 twice"),
        ("['http://localhost:1', 'localhost:2']", "does not start with http"),
        ("[['http://localhost:1']]", "is a list"),
        ("{a: b}", "is a map"),
    ],
)
def test_what_is_no_list_of_hosts_is_refused(tmp_path: Path, written: str, complaint: str) -> None:
    assert complaint in only_problem(tmp_path, CONNECTOR + f"elasticsearch.host: {written}")


def test_one_host_of_several_in_the_open_is_enough_to_refuse_credentials(tmp_path: Path) -> None:
    text = CONNECTOR + "elasticsearch: {host: ['https://a:1', 'http://b:2'], api_key: 'i:k'}"

    assert "unencrypted" in only_problem(tmp_path, text)

"""Every way `config.yml` can be wrong is refused before anything is contacted, all problems at once."""

import base64
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import config
from ingest.config import Config
from ingest.errors import ConfigError
from ingest.secret import Secret

CONNECTOR = "connectors: [{connector_id: my-connector-id, service_type: postgresql}]\n"
TYPES = ("postgresql",)


def load(
    folder: Path, text: str | bytes, environment: Mapping[str, str] | None = None, *, mode: int = 0o600
) -> Config:
    path = folder / "config.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return config.load(path, environment or {}, service_types=TYPES)


def problems(folder: Path, text: str | bytes, environment: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(folder, text, environment)
    return refused.value.problems


def only_problem(folder: Path, text: str | bytes, environment: Mapping[str, str] | None = None) -> str:
    found = problems(folder, text, environment)
    assert len(found) == 1, found
    return found[0]


# --- what a configuration may say ---


def test_a_file_with_one_connector_gives_the_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, CONNECTOR)

    assert settings.elasticsearch == config.Elasticsearch()
    assert settings.service == config.Service()
    assert [entry.connector_id for entry in settings.connectors] == ["my-connector-id"]
    assert settings.warnings == ()


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


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbf" + CONNECTOR.encode()).connectors


def test_whole_numbers_may_be_quoted(tmp_path: Path) -> None:
    assert load(tmp_path, CONNECTOR + 'service.idling: "45"').service.idling_seconds == 45


def test_header_names_may_hold_dots(tmp_path: Path) -> None:
    text = CONNECTOR + "elasticsearch.headers.X.Trace: a\nelasticsearch: {headers: {X-Other: b}}"

    assert load(tmp_path, text).elasticsearch.headers == {"X.Trace": "a", "X-Other": "b"}


@pytest.mark.parametrize(
    ("given_key", "sent_key"),
    [
        ("aWQ6a2V5", "aWQ6a2V5"),
        ("id:key", base64.b64encode(b"id:key").decode()),
        ("essu_opaque-cloud-key", "essu_opaque-cloud-key"),
    ],
)
def test_an_api_key_may_be_encoded_or_not(tmp_path: Path, given_key: str, sent_key: str) -> None:
    key = load(tmp_path, CONNECTOR + f'elasticsearch.api_key: "{given_key}"').elasticsearch.api_key

    assert key is not None
    assert key.reveal() == sent_key


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


def test_the_well_known_password_works_on_this_machine(tmp_path: Path) -> None:
    text = CONNECTOR + "elasticsearch: {username: elastic, password: changeme}"

    assert load(tmp_path, text).elasticsearch.password == Secret("changeme")


def test_http_to_another_machine_works_when_it_is_allowed_and_warns(tmp_path: Path) -> None:
    text = CONNECTOR + (
        "elasticsearch: {host: 'http://elasticsearch:9200', username: elastic, password: s3cret!, "
        "allow_insecure_http: true}"
    )

    settings = load(tmp_path, text)

    assert [line for line in settings.warnings if "unencrypted" in line]


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


# --- placeholders ---


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
        ("${EMPTY}", "is empty"),
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


# --- the file ---


def test_a_missing_file_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        config.load(tmp_path / "absent.yml", {})

    assert refused.value.problems == [
        f"absent.yml: cannot be read: No such file or directory ({tmp_path / 'absent.yml'})"
    ]


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a directory"):
        config.load(tmp_path, {})


def test_a_pipe_without_a_writer_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.yml")

    with pytest.raises(ConfigError, match="not a regular file"):
        config.load(tmp_path / "config.yml", {})


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a: b".encode("utf-16"), "is not UTF-8 text"),
        (b"\x7fELF\xff\xfe\x00", "is not UTF-8 text"),
        (b"a: \x00b", "is not YAML"),
        (b"#" * (1024 * 1024 + 1), "is larger than 1024 KiB"),
        (b"service:\n\tidling: 3", "line 2, column 1"),
        (b"a: 'unclosed", "line 1, column 13"),
        (b"a: 1\n---\nb: 2", "line 2, column 1: but found another document"),
        (b"- a\n- b", "is not a map of settings"),
        (b"just a text", "is not a map of settings"),
        (b"a: &x 1\nb: *x", "aliases (*name) are not supported"),
        (b"a: " + b"[" * 500 + b"]" * 500, "too deeply nested"),
        (b"a: [" + b"1," * 30_000 + b"]", "too many"),
    ],
)
def test_a_text_that_is_no_map_of_settings_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    assert complaint in only_problem(tmp_path, content)


@pytest.mark.parametrize("content", ["", "# only a comment\n", "---\n", "null"])
def test_an_empty_file_is_a_file_without_settings(tmp_path: Path, content: str) -> None:
    assert "connectors: names no connector" in only_problem(tmp_path, content)


def test_an_alias_bomb_is_refused_at_once(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    assert "aliases" in only_problem(tmp_path, "\n".join(lines))


def test_a_key_with_very_many_parts_is_refused(tmp_path: Path) -> None:
    assert "too many parts" in only_problem(tmp_path, CONNECTOR + "? " + ".".join("a" * 5000) + "\n: 1")


# --- keys ---


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
    "tag", ["!!python/object/apply:os.system ['true']", "!!binary aGk=", "!mine {a: 1}", "!!set {a: null}"]
)
def test_tags_are_refused(tmp_path: Path, tag: str) -> None:
    assert "carries the tag" in problems(tmp_path, CONNECTOR + f"elasticsearch.host: {tag}")[0]


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


# --- values ---


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


def test_an_index_whose_name_begins_with_a_dot_is_refused(tmp_path: Path) -> None:
    text = "connectors: [{connector_id: a, service_type: postgresql, create: true, index_name: .security-7}]"

    assert "begins with a dot" in only_problem(tmp_path, text)


# --- credentials ---


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("api_key: 'id:key', username: u, password: p", "api_key and username or password are given"),
        ("api_key: 'id:key', password: p", "api_key and username or password are given"),
        ("host: 'https://es:9200'", "no credentials are given"),
        ("username: u", "without a password"),
        ("password: p", "without a username"),
        ("api_key: 'not base64!'", "not base64"),
        ("api_key: 'bm8gY29sb24='", "does not hold id:key"),
        ("api_key: ':key'", "not of the form id:key"),
        ("api_key: changeme", "placeholder 'changeme'"),
        ("api_key: '  '", "is empty"),
        ("api_key: ''", "is empty"),
        ("api_key:", "is empty"),
        ("username: u, password: '   '", "is empty"),
        ('username: u, password: "a\\nb"', "control character"),
        ('username: u, password: "a\\0b"', "control character"),
        ("username: u, password: 12345", "put it in quotes"),
        ("host: 'https://es:9200', username: elastic, password: changeme", "placeholder 'changeme'"),
        ("host: 'http://es:9200', api_key: 'id:key'", "would send credentials unencrypted"),
        ("host: 'http://10.0.0.1:9200', username: u, password: p", "would send credentials unencrypted"),
    ],
)
def test_credentials_that_cannot_be_right_are_refused(tmp_path: Path, settings: str, complaint: str) -> None:
    assert complaint in only_problem(tmp_path, CONNECTOR + f"elasticsearch: {{{settings}}}")


def test_a_connectors_own_key_is_not_sent_unencrypted_either(tmp_path: Path) -> None:
    text = CONNECTOR.replace("}", ", api_key: 'i:k'}") + "elasticsearch.host: 'http://es:9200'"

    assert any("unencrypted" in problem for problem in problems(tmp_path, text))


@given(inside=st.text(st.characters(codec="utf-8"), max_size=30))
def test_no_message_repeats_a_secret(tmp_path_factory: pytest.TempPathFactory, inside: str) -> None:
    secret = f"canary{inside}canary"
    quoted = "".join(f"\\U{ord(character):08x}" for character in secret)
    text = CONNECTOR + f'elasticsearch: {{host: "http://es", api_key: "{quoted}", password: "{quoted}"}}'

    shown = "\n".join(problems(tmp_path_factory.mktemp("secret"), text))

    assert "canary" not in shown


# --- files with secrets and certificates ---


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("id:key\n")
    (tmp_path / "key").chmod(0o600)

    settings = load(tmp_path, CONNECTOR + "elasticsearch.api_key_file: key", mode=0o644)

    assert settings.elasticsearch.api_key == Secret(base64.b64encode(b"id:key").decode())
    assert settings.warnings == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("elasticsearch.api_key_file: absent", "cannot be read: No such file"),
        ("elasticsearch.api_key_file: .", "is a directory"),
        ("elasticsearch.api_key_file: empty", "is empty"),
        ("elasticsearch.api_key_file: binary", "is not UTF-8"),
        ("elasticsearch: {api_key: 'i:k', api_key_file: empty}", "is given besides api_key"),
        ("elasticsearch: {username: u, password_file: two-lines}", "control character"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "two-lines").write_text("a\nb\n")

    assert complaint in only_problem(tmp_path, CONNECTOR + text)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_file_with_a_secret_that_others_can_open_is_a_warning(tmp_path: Path, mode: int) -> None:
    text = CONNECTOR + "elasticsearch.api_key: 'id:key'"

    assert "can be read or changed by others" in load(tmp_path, text, mode=mode).warnings[0]
    with pytest.raises(ConfigError, match="can be read or changed by others"):
        load(tmp_path, text + "\nservice.strict_permissions: true", mode=mode)


def test_credentials_of_systemd_are_guarded_by_their_folder(tmp_path: Path) -> None:
    # systemd lets the service read them through an access list, which shows as rights of the group.
    text = CONNECTOR + "elasticsearch.api_key: 'id:key'\nservice.strict_permissions: true"

    loaded = load(tmp_path, text, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, mode=0o440)

    assert loaded.warnings == ()
    with pytest.raises(ConfigError, match="can be read or changed by others"):
        load(tmp_path, text, {"CREDENTIALS_DIRECTORY": str(tmp_path / "elsewhere")}, mode=0o440)


def test_a_file_whose_secrets_come_from_the_environment_may_be_open(tmp_path: Path) -> None:
    text = CONNECTOR + "elasticsearch.api_key: '${KEY}'"

    assert load(tmp_path, text, {"KEY": "id:key"}, mode=0o644).warnings == ()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 -subj /CN=test"
    )
    subprocess.run(
        [*command.split(), "-keyout", "key.pem", "-out", "ca.pem"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / "ca.pem"


def test_a_file_of_certificates_is_found_beside_the_configuration(tmp_path: Path, certificate: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(certificate.read_bytes())
    text = CONNECTOR + "elasticsearch: {host: 'https://es', api_key: 'i:k', ca_certs: ca.pem}"

    assert load(tmp_path, text).elasticsearch.ca_certs == tmp_path / "ca.pem"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read: No such file"),
        (b"hello", "holds no PEM certificate"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds a private key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
    ],
)
def test_what_is_no_file_of_certificates_is_refused(
    tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_bytes(content)
    text = CONNECTOR + "elasticsearch: {host: 'https://es', api_key: 'i:k', ca_certs: ca.pem}"

    assert complaint in only_problem(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("service.service_types: [postgresql]", "service.service_types: has no effect without"),
        ("elasticsearch: {ca_certs: /ca.pem}", "elasticsearch.ca_certs: has no effect on an http:// host"),
    ],
)
def test_settings_that_need_others_warn_without_them(
    tmp_path: Path, certificate: Path, text: str, warned: str
) -> None:
    warnings = load(tmp_path, CONNECTOR + text.replace("/ca.pem", str(certificate))).warnings

    assert warned in warnings[0]


def test_a_name_for_a_connector_that_is_not_created_warns(tmp_path: Path) -> None:
    warnings = load(tmp_path, CONNECTOR.replace("}", ", index_name: music}")).warnings

    assert "connectors[0]: index_name and name have no effect without create: true" in warnings[0]


def test_unchecked_certificates_are_a_warning(tmp_path: Path) -> None:
    text = CONNECTOR + "elasticsearch: {host: 'https://es', api_key: 'i:k', verify_certs: false}"

    assert "verify_certs" in load(tmp_path, text).warnings[0]


# --- connectors ---


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


# --- relations ---


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


def test_control_characters_cannot_forge_a_line(tmp_path: Path) -> None:
    found = only_problem(tmp_path, CONNECTOR + '"a\\nconfig.yml: all is well\\e[0m": 1')

    assert "\n" not in found
    assert "\x1b" not in found


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    try:
        load(tmp_path_factory.mktemp("any"), content)
    except ConfigError as refused:
        assert all(line.startswith("config.yml: ") and "\n" not in line for line in refused.problems)  # noqa: PT017


@pytest.mark.parametrize(
    "text",
    [
        'elasticsearch: {host: "https://localhost", username: elastic, password: "p\\ud800"}',
        'elasticsearch.headers: {X-Name: "\\udfff"}',
        'elasticsearch: {"\\ud800": 1}',
        'service.log_level: "\\ud800"',
    ],
)
def test_half_characters_are_a_problem_of_the_file_wherever_they_stand(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"elasticsearch|service|line"):
        load(tmp_path, CONNECTOR + text)


def test_half_characters_of_the_environment_are_a_problem_too(tmp_path: Path) -> None:
    text = CONNECTOR + "elasticsearch: {username: elastic, password: '${PASSWORD}'}"

    with pytest.raises(ConfigError, match="surrogate"):
        load(tmp_path, text, {"PASSWORD": os.fsdecode(b"p\xff")})

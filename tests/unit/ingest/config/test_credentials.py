"""Credentials: how they may be given, and that they are neither shown nor sent unencrypted."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import ConfigError
from ingest.secret import Secret
from tests.unit.ingest.config.loading import CONNECTOR, load, only_problem, problems


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


def test_the_well_known_password_works_on_this_machine(tmp_path: Path) -> None:
    text = CONNECTOR + "elasticsearch: {username: elastic, password: changeme}"

    assert load(tmp_path, text).elasticsearch.password == Secret("changeme")


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

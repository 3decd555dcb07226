"""The configuration: registered as the Connector API stores it, read strictly, all problems at once."""

import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.errors import SourceConfigurationError
from sources.postgresql.fields import FIELDS
from sources.postgresql.settings import FullSync, Mappings, SslMode, parse

MEMBERS = {
    "default_value",
    "depends_on",
    "display",
    "label",
    "options",
    "order",
    "required",
    "sensitive",
    "tooltip",
    "type",
    "ui_restrictions",
    "validations",
    "value",
}
VALID: dict[str, Any] = {
    "host": "db",
    "port": 5432,
    "username": "u",
    "password": "p",
    "database": "d",
    "schema": "public",
    "tables": "*",
}


def test_every_field_has_all_thirteen_members_and_its_own_order() -> None:
    assert {name: set(field) for name, field in FIELDS.items()} == dict.fromkeys(FIELDS, MEMBERS)
    assert [field["order"] for field in FIELDS.values()] == list(range(1, len(FIELDS) + 1))


def test_elastics_eleven_fields_come_first_under_their_names() -> None:
    assert list(FIELDS)[:11] == [
        "host",
        "port",
        "username",
        "password",
        "database",
        "schema",
        "tables",
        "fetch_size",
        "retry_count",
        "ssl_enabled",
        "ssl_ca",
    ]


def test_every_field_explains_itself_and_values_are_what_the_api_accepts() -> None:
    for name, field in FIELDS.items():
        assert field["label"], name
        assert field["tooltip"], name
        assert field["display"] in {"text", "textbox", "textarea", "numeric", "toggle", "dropdown"}
        assert field["type"] in {"str", "int", "list", "bool"}
        assert isinstance(field["value"], str | int | bool)
        assert not isinstance(field["default_value"], list | dict)
        assert {rule["type"] for rule in field["validations"]} <= {
            "less_than",
            "greater_than",
            "list_type",
            "included_in",
            "regex",
        }
    assert [name for name, field in FIELDS.items() if field["sensitive"]] == ["password", "ssl_key"]


def test_a_minimal_configuration_gets_the_defaults() -> None:
    settings = parse(VALID | {"port": "5432", "fetch_size": None, "ssl_ca": ""})

    assert (settings.port, settings.fetch_size, settings.retry_count) == (5432, 50, 3)
    assert settings.selection.every_table
    assert settings.sslmode is SslMode.DISABLE
    assert settings.max_value_bytes == 10 * 1024 * 1024
    assert (settings.mappings, settings.full_sync) == (Mappings.DERIVED, FullSync.SKIP_UNCHANGED)


def test_an_empty_configuration_names_every_missing_field_at_once() -> None:
    with pytest.raises(SourceConfigurationError) as raised:
        parse({})

    text = " ".join(raised.value.problems)
    for name in ("host", "port", "username", "password", "database", "schema"):
        assert f"({name}) is missing" in text
    assert "(tables)" not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", 0),
        ("port", 65536),
        ("port", -1),
        ("port", "abc"),
        ("port", 5432.7),
        ("port", True),
        ("port", [5432]),
        ("fetch_size", 0),
        ("fetch_size", 10**9),
        ("retry_count", -1),
        ("retry_count", 11),
        ("max_value_bytes", 1),
        ("host", "https://db"),
        ("host", "db:5432"),
        ("host", "a,b"),
        ("host", "a b"),
        ("host", "db/path"),
        ("host", "x" * 256),
        ("host", 5),
        ("username", "a\0b"),
        ("password", {"a": 1}),
        ("database", "x" * 64),
        ("schema", ""),
        ("schema", "é" * 32),
        ("tables", 'a"b'),
        ("tables", '"a'),
        ("tables", {"a": 1}),
        ("tables", ["a", 1]),
        ("ssl_enabled", "maybe"),
        ("sslmode", "prefer"),
        ("ssl_ca", "garbage"),
        ("ssl_ca", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
        ("ssl_ca", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
        ("ssl_key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
        ("id_columns", "view"),
        ("id_columns", "view()"),
        ("id_columns", "view(a"),
        ("mappings", "guess"),
        ("full_sync", "never"),
    ],
)
def test_a_value_that_cannot_be_meant_is_named_by_its_field(name: str, value: Any) -> None:
    with pytest.raises(SourceConfigurationError) as raised:
        parse(VALID | {name: value})

    assert FIELDS[name]["label"].lower()[:5] in str(raised.value).lower()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (" db.example.com ", "db.example.com"),
        ("10.0.0.1", "10.0.0.1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::1", "::1"),
        ("/var/run/postgresql", "/var/run/postgresql"),
    ],
)
def test_a_host_is_a_name_an_address_or_a_socket_folder(host: str, expected: str) -> None:
    assert parse(VALID | {"host": host}).host == expected


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        ({}, SslMode.DISABLE),
        ({"ssl_enabled": True}, SslMode.VERIFY_FULL),
        ({"ssl_enabled": "true"}, SslMode.VERIFY_FULL),
        ({"ssl_enabled": True, "sslmode": "require"}, SslMode.REQUIRE),
        ({"sslmode": "verify-ca"}, SslMode.VERIFY_CA),
    ],
)
def test_the_ssl_mode_follows_the_switch_unless_it_is_set(values: dict[str, Any], mode: SslMode) -> None:
    assert parse(VALID | values).sslmode is mode


def test_a_certificate_survives_what_forms_do_to_line_breaks(tmp_path: Path) -> None:
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=test",
            "-keyout",
            tmp_path / "key",
            "-out",
            tmp_path / "certificate",
        ],
        check=True,
        capture_output=True,
    )
    pem = (tmp_path / "certificate").read_text()

    for text in (pem, pem.replace("\n", " "), pem.replace("\n", "\r\n"), pem.replace("\n", "\\n"), pem + pem):
        parsed = parse(VALID | {"ssl_ca": text, "ssl_enabled": True})
        ssl.create_default_context(cadata=parsed.ssl_ca)


@given(st.text().filter(lambda text: text.strip() and "\0" not in text))
def test_any_password_is_taken_as_it_is(password: str) -> None:
    assert parse(VALID | {"password": password}).password == password


def test_no_secret_is_in_a_representation_or_a_message() -> None:
    assert "s3cret" not in repr(parse(VALID | {"password": "s3cret"}))
    with pytest.raises(SourceConfigurationError) as raised:
        parse(VALID | {"password": "s3cret\0", "ssl_key": "s3cret"})
    assert "s3cret" not in str(raised.value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    | st.sampled_from(("0", "-1", "NaN", "*,a", "..", "a\0b", "\ud800", "x" * 10_000_000)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from((*FIELDS, "unknown")), ANYTHING, max_size=5))
def test_anything_a_person_may_have_put_into_any_field_is_taken_or_refused_by_its_label(
    values: dict[str, Any],
) -> None:
    labels = {str(field["label"]) for field in FIELDS.values()}

    said = refusal_of(VALID | values)

    assert said is None or any(label in said for label in labels)
    assert len(said or "") < 100_000


def refusal_of(values: dict[str, Any]) -> str | None:
    try:
        parse(values)
    except SourceConfigurationError as refused:
        return str(refused)
    return None

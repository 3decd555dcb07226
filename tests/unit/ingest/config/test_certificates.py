"""Files of certificates, and warnings where certificates have no effect."""

import subprocess
from pathlib import Path

import pytest

from tests.unit.ingest.config.loading import CONNECTOR, load, only_problem


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


def test_unchecked_certificates_are_a_warning(tmp_path: Path) -> None:
    text = CONNECTOR + "elasticsearch: {host: 'https://es', api_key: 'i:k', verify_certs: false}"

    assert "verify_certs" in load(tmp_path, text).warnings[0]

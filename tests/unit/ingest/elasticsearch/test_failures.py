"""What is said of a certificate that does not hold names what would."""

import ssl

import pytest

from ingest.elasticsearch import failures


@pytest.mark.parametrize(
    ("code", "message", "remedy"),
    [
        (10, "certificate has expired", "one that is valid now"),
        (9, "certificate is not yet valid", "the clock of this machine"),
        (62, "Hostname mismatch, certificate is not valid for 'es'.", "elasticsearch.host"),
        (64, "IP address mismatch, certificate is not valid for '::1'.", "elasticsearch.host"),
        (18, "self-signed certificate", "elasticsearch.ca_certs"),
        (20, "unable to get local issuer certificate", "elasticsearch.ca_certs"),
    ],
)
def test_each_reason_has_its_remedy(code: int, message: str, remedy: str) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, message

    said = failures.of_certificate("https://es:9200", error)

    assert said.startswith(f"The certificate of https://es:9200 was not accepted: {message.rstrip('.')}. ")
    assert remedy in said

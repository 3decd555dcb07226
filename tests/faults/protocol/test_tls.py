"""Certificates that hold and certificates that do not."""

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ingest import errors
from ingest.config import Elasticsearch
from ingest.elasticsearch.answers import an_object
from ingest.elasticsearch.client import Client, connect
from sandbox.elasticsearch import Server, serve

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")


def certificate(folder: Path, name: str, subject: str) -> tuple[Path, Path]:
    """Make a self-signed certificate for a host name or address."""
    key, file = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", str(key), "-out", str(file)),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName={subject}"),
        ],
        check=True,
        capture_output=True,
    )
    return key, file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def right(folder: Path) -> tuple[Path, Path]:
    """Key and certificate of the address the tests' server listens at."""
    return certificate(folder, "right", "IP:127.0.0.1")


@pytest.fixture(scope="module")
def wrong(folder: Path) -> tuple[Path, Path]:
    """Key and certificate of another host."""
    return certificate(folder, "wrong", "DNS:elsewhere.example")


async def served(pair: tuple[Path, Path]) -> AsyncIterator[Server]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair[1], pair[0])
    async with serve(tls=context) as server:
        yield server


@pytest.fixture
async def server(right: tuple[Path, Path]) -> AsyncIterator[Server]:
    async for one in served(right):
        yield one


@pytest.fixture
async def impostor(wrong: tuple[Path, Path]) -> AsyncIterator[Server]:
    async for one in served(wrong):
        yield one


def client_of(url: str, **settings: Any) -> AbstractAsyncContextManager[Client]:
    return connect(replace(Elasticsearch(), hosts=(url,), **settings))


async def test_a_certificate_of_a_configured_authority_is_accepted(
    server: Server, right: tuple[Path, Path]
) -> None:
    async with client_of(server.url, ca_certs=right[1]) as client:
        answer = await client.call("GET", "/", an_object)

    assert answer["tagline"] == "You Know, for Search"


async def test_an_unknown_authority_is_refused_at_once_with_what_to_do(server: Server) -> None:
    async with client_of(server.url) as client:
        with pytest.raises(errors.ElasticsearchRefusedError, match="ca_certs") as caught:
            await client.call("GET", "/", an_object, budget_seconds=600)

    assert server.url in str(caught.value)
    assert len(server.journal) == 0


async def test_a_certificate_of_another_host_is_refused(impostor: Server, wrong: tuple[Path, Path]) -> None:
    async with client_of(impostor.url, ca_certs=wrong[1]) as client:
        with pytest.raises(errors.ElasticsearchRefusedError, match=r"elasticsearch\.host") as caught:
            await client.call("GET", "/", an_object, budget_seconds=600)

    assert "not valid for '127.0.0.1'" in str(caught.value)
    assert "ca_certs" not in str(caught.value)


async def test_checks_can_be_turned_off(impostor: Server) -> None:
    async with client_of(impostor.url, verify_certs=False) as client:
        assert (await client.call("GET", "/", an_object))["tagline"]


async def test_a_server_without_tls_is_not_spoken_to_in_plain_text(elasticsearch: Server) -> None:
    url = elasticsearch.url.replace("http:", "https:")
    async with client_of(url) as client:
        with pytest.raises(errors.ElasticsearchUnavailableError, match="write http://"):
            await client.call("GET", "/", an_object, budget_seconds=0)

    assert len(elasticsearch.journal) == 0


async def test_a_server_with_tls_that_is_asked_in_plain_text_is_answered_with_what_to_do(
    server: Server,
) -> None:
    async with client_of(server.url.replace("https:", "http:")) as client:
        with pytest.raises(errors.ElasticsearchUnavailableError, match="write https://"):
            await client.call("GET", "/", an_object, budget_seconds=0)


@pytest.mark.parametrize("host", ["http://127.0.0.1:9", "http://no-such-host.invalid"])
async def test_a_host_that_is_not_there_is_answered_with_where_to_look(host: str) -> None:
    async with client_of(host) as client:
        with pytest.raises(errors.ElasticsearchUnavailableError, match=r"check elasticsearch\.host"):
            await client.call("GET", "/", an_object, budget_seconds=0)

"""The connection is encrypted and verified as the configuration says, and never less."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.postgresql import Cluster
from sources.errors import SourceConfigurationError, SourceError
from sources.postgresql.connection import is_encrypted
from sources.postgresql.feed.replication import connected
from tests.support.database import Database
from tests.support.fault_proxy import FaultProxy
from tests.support.postgresql import full_server, needs_full

_REQUEST = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of the test's own."""

    folder: Path

    def issue(self, name: str, *extensions: str) -> tuple[str, str]:
        """Return certificate and key for a name."""
        self._openssl(*_REQUEST, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (self.folder / "extensions").write_text("".join(f"{line}\n" for line in extensions))
        self._openssl(
            "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "extensions", "-out", f"{name}.crt",
        )  # fmt: skip
        return (self.folder / f"{name}.crt").read_text(), (self.folder / f"{name}.key").read_text()

    def create(self) -> None:
        """Make the authority's own certificate."""
        self._openssl(
            *_REQUEST, "-x509", "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
        )  # fmt: skip

    @property
    def certificate(self) -> str:
        """The authority's certificate."""
        return (self.folder / "ca.crt").read_text()

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    authority.create()
    return authority


@pytest.fixture(scope="module")
def tls_cluster(authority: Authority) -> Iterator[Cluster]:
    """A server whose certificate names `localhost`, and which lets `certified` in by certificate."""
    certificate, key = authority.issue("localhost", "subjectAltName=DNS:localhost")
    with full_server() as cluster:
        data = cluster.data_folder
        owner = data.stat()
        for name, text in (
            ("server.crt", certificate),
            ("server.key", key),
            ("root.crt", authority.certificate),
        ):
            (data / name).write_text(text)
            (data / name).chmod(0o600)
            shutil.chown(data / name, owner.st_uid, owner.st_gid)
        cluster.execute(
            "ALTER SYSTEM SET ssl_ca_file = 'root.crt'; ALTER SYSTEM SET ssl = on;"
            "CREATE ROLE certified LOGIN REPLICATION;"
            "CREATE ROLE encrypted LOGIN PASSWORD 'x'"
        )
        rules = data / "pg_hba.conf"
        rules.write_text(
            "hostssl all certified all cert\nhostssl all encrypted all scram-sha-256\n"
            f"hostnossl all encrypted all reject\n{rules.read_text()}"
        )
        cluster.restart()
        yield cluster


def database(cluster: Cluster) -> Database:
    return Database(cluster, "postgres", None)


async def used_tls(cluster: Cluster, **configuration: Any) -> bool:
    """Connect, and let the server say whether the session is encrypted."""
    source = database(cluster).source(**configuration)
    async with source.database.transaction() as connection:
        says: bool = await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert is_encrypted(connection) == says
        return says


async def replicates_by_tls(cluster: Cluster, **configuration: Any) -> bool:
    """Connect for replication, which another driver does, and let the server say the same."""
    source = database(cluster).source(**configuration)
    async with connected(source.database, "UTF8") as replication:
        ((says,),) = await replication.rows("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        return says == "t"


@needs_full
async def test_replication_encrypts_and_verifies_alike(tls_cluster: Cluster, authority: Authority) -> None:
    ca = authority.certificate
    certificate, key = authority.issue("certified")

    assert not await replicates_by_tls(tls_cluster)
    assert await replicates_by_tls(tls_cluster, sslmode="require")
    assert await replicates_by_tls(tls_cluster, sslmode="verify-ca", ssl_ca=ca)
    assert await replicates_by_tls(tls_cluster, ssl_enabled=True, ssl_ca=ca, host="localhost")
    assert await replicates_by_tls(
        tls_cluster, username="certified", password="", sslmode="require", ssl_cert=certificate, ssl_key=key
    )
    for unverified in (
        {"sslmode": "verify-full", "host": "127.0.0.1", "ssl_ca": ca},
        {"sslmode": "verify-ca", "ssl_ca": ""},
        {"username": "encrypted", "password": "x"},
        {"username": "certified", "sslmode": "require"},
    ):
        with pytest.raises(SourceError):
            await replicates_by_tls(tls_cluster, **unverified)


@needs_full
async def test_modes_encrypt_and_verify_as_their_names_say(
    tls_cluster: Cluster, authority: Authority
) -> None:
    ca = authority.certificate

    assert not await used_tls(tls_cluster)
    assert not await used_tls(tls_cluster, ssl_enabled=True, sslmode="disable")
    assert await used_tls(tls_cluster, sslmode="require")
    assert await used_tls(tls_cluster, sslmode="verify-ca", ssl_ca=ca)
    assert await used_tls(tls_cluster, ssl_enabled=True, ssl_ca=ca, host="localhost")
    assert await used_tls(tls_cluster, sslmode="verify-full", ssl_ca=ca.replace("\n", " "), host="localhost")


@needs_full
@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        ({"sslmode": "verify-full", "host": "127.0.0.1"}, "certificate could not be verified"),
        ({"ssl_enabled": True, "host": "127.0.0.1"}, "certificate could not be verified"),
        ({"sslmode": "verify-ca", "ssl_ca": ""}, "certificate could not be verified"),
        ({"username": "encrypted", "password": "x"}, "encrypted connections only"),
    ],
)
async def test_what_cannot_be_verified_is_not_used(
    tls_cluster: Cluster, authority: Authority, configuration: dict[str, Any], problem: str
) -> None:
    source = database(tls_cluster).source(**({"ssl_ca": authority.certificate} | configuration))

    with pytest.raises(SourceConfigurationError, match=problem):
        await source.ping()


async def test_a_server_without_tls_is_never_read_in_plain_text_by_a_mode_that_encrypts(
    cluster: Cluster,
) -> None:
    with pytest.raises(SourceConfigurationError, match="does not offer TLS"):
        await database(cluster).source(sslmode="require").ping()


@needs_full
async def test_a_client_certificate_lets_its_name_in(tls_cluster: Cluster, authority: Authority) -> None:
    certificate, key = authority.issue("certified", "extendedKeyUsage=clientAuth")
    certified: dict[str, Any] = {"username": "certified", "password": "", "sslmode": "require"}

    await database(tls_cluster).source(**certified, ssl_cert=certificate, ssl_key=key).ping()

    with pytest.raises(SourceConfigurationError, match="28000"):
        await database(tls_cluster).source(**certified | {"password": "wrong"}).ping()


async def test_a_unix_socket_and_any_password(cluster: Cluster) -> None:
    password = "p@ss:/?#%'\" ünï\\ {0} $(x)"
    cluster.execute(
        "DROP ROLE IF EXISTS odd; CREATE ROLE odd LOGIN PASSWORD '" + password.replace("'", "''") + "'"
    )

    await database(cluster).source(host=str(cluster.socket_folder), username="odd", password=password).ping()


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
async def test_ipv6(cluster: Cluster) -> None:
    async with FaultProxy(cluster.host, cluster.port, listen="::1") as proxy:
        for host in ("::1", "[::1]"):
            await database(cluster).source(host=host, port=proxy.port).ping()

        assert proxy.connections == 2

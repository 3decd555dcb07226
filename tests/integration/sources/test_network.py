"""Where a source may not connect to, however the address is written and whatever a name means next time."""

import socket
from typing import Any

import pytest

from sandbox.postgresql import Cluster
from sources.errors import SourceConfigurationError
from sources.network import Network, ranges
from sources.postgresql import PostgreSQL
from sources.registry import SOURCES
from tests.support.database import Database

METADATA = [
    "169.254.169.254", "2852039166", "0xA9FEA9FE", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376",
    "169.254.43518",
    "::ffff:169.254.169.254", "[::ffff:a9fe:a9fe]", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
    "fe80::1", "fd00:ec2::254", "100.100.100.200",
]  # fmt: skip


def configuration(cluster: Cluster, **overrides: Any) -> dict[str, Any]:
    return Database(cluster, "postgres", None).configuration(**overrides)


@pytest.mark.parametrize("host", METADATA)
async def test_metadata_services_are_not_connected_to_however_they_are_written(
    cluster: Cluster, host: str
) -> None:
    with pytest.raises(SourceConfigurationError, match="no source may connect to"):
        await PostgreSQL(configuration(cluster, host=host)).ping()


async def test_what_was_judged_is_connected_to(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name means another address whenever it is asked for again."""
    answers = iter([cluster.host, "169.254.169.254"])
    asked = []
    getaddrinfo = socket.getaddrinfo

    def changing(host: Any, *arguments: Any, **options: Any) -> Any:
        if host != "changing.example":
            return getaddrinfo(host, *arguments, **options)
        asked.append(host)
        return getaddrinfo(next(answers), *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", changing)

    await PostgreSQL(configuration(cluster, host="changing.example")).ping()
    assert len(asked) == 1
    with pytest.raises(SourceConfigurationError, match=r"leads to 169\.254\.169\.254"):
        await PostgreSQL(configuration(cluster, host="changing.example")).ping()


async def test_the_ranges_are_those_of_the_configuration(cluster: Cluster) -> None:
    forbidding = SOURCES.within([f"{cluster.host}/32"])["postgresql"]
    with pytest.raises(SourceConfigurationError, match=r"service\.forbidden_networks"):
        await forbidding(configuration(cluster)).ping()

    assert SOURCES.within([])["postgresql"].network.forbids("169.254.169.254") is None
    assert SOURCES["postgresql"] is PostgreSQL


def test_ordinary_addresses_are_not_forbidden() -> None:
    for address in ("127.0.0.1", "10.0.0.1", "::1", "2001:db8::1", "::ffff:10.0.0.1", "168.254.169.254"):
        assert Network().forbids(address) is None
    assert str(Network(ranges(["10.0.0.0/8"])).forbids("::ffff:10.1.2.3")) == "10.0.0.0/8"

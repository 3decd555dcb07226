"""Which addresses a source may connect to.

A name is resolved first, the addresses are judged, and what was judged is connected to: a name can mean
another address the second time it is asked for. Resolving also reads the other ways to write an address
(`2852039166`, `0xA9FEA9FE`), and addresses that hold an IPv4 address are judged by both.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sources.errors import SourceConfigurationError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressRange = ipaddress.IPv4Network | ipaddress.IPv6Network

LINK_LOCAL_AND_METADATA = (
    "169.254.0.0/16",
    "fe80::/10",
    "fd00:ec2::254/128",
    "100.100.100.200/32",
)
"""No database is there, but a cloud's metadata service, which gives credentials to whoever reaches it."""

_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses as a network without IPv4 reaches them."""


def ranges(texts: Iterable[str]) -> tuple[AddressRange, ...]:
    """Read ranges such as `10.0.0.0/8`. Raises ValueError that names the first that is none."""
    return tuple(ipaddress.ip_network(text) for text in texts)


@dataclass(frozen=True, slots=True)
class Network:
    """The part of the network that sources may not reach."""

    forbidden: tuple[AddressRange, ...] = ranges(LINK_LOCAL_AND_METADATA)

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host. Raises SourceConfigurationError if one of them is forbidden."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            if (range_ := self.forbids(address)) is not None:
                raise SourceConfigurationError(
                    f"Host {host!r} leads to {address}, which no source may connect to ({range_} is among"
                    " the networks that service.forbidden_networks names); correct Host."
                )
        return addresses

    def forbids(self, address: str) -> AddressRange | None:
        """Return the range that forbids an address; None if it may be connected to."""
        for meant in _meanings(ipaddress.ip_address(address.partition("%")[0])):
            for range_ in self.forbidden:
                if meant in range_:
                    return range_
        return None


def _meanings(address: Address) -> Iterator[Address]:
    """Give the address and the IPv4 addresses it stands for."""
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        if address in _TRANSLATED:
            yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        teredo = address.teredo
        held = (address.ipv4_mapped, address.sixtofour, teredo[1] if teredo else None)
        yield from (inner for inner in held if inner is not None)

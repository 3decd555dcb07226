"""The URL of Elasticsearch: what is accepted, and precisely what is wrong with anything else."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*")
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")


class WrongValueError(ValueError):
    """The value cannot be used; the message says why, without repeating the value of a secret."""


def checked_url(value: str) -> str:
    """Return the URL without a trailing slash, or say precisely what is wrong with it.

    A path in front of Elasticsearch's own is kept: a proxy may serve more than one thing.
    """
    try:
        parts = urlsplit(value)
    except ValueError:
        raise WrongValueError("is not a URL (an IPv6 address stands in square brackets)") from None
    if parts.scheme not in {"http", "https"} or not value.lower().startswith(("http://", "https://")):
        raise WrongValueError("does not start with http:// or https://")
    if "@" in parts.netloc:
        raise WrongValueError("contains a user name or password; use username and password, or api_key")
    if "," in parts.netloc:
        raise WrongValueError("names more than one host; write a list of URLs")
    if parts.query or parts.fragment or value.endswith(("?", "#")):
        raise WrongValueError("has a query or a fragment")
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise WrongValueError("has a path that is not one of plain segments such as /es")
    host = _checked_host(parts)
    port = _checked_port(parts)
    bracketed = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{bracketed}" + (f":{port}" if port is not None else "") + path


def is_loopback(host_url: str) -> bool:
    """Tell whether the URL can only reach this very machine."""
    name = (urlsplit(host_url).hostname or "").rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _checked_host(parts: SplitResult) -> str:
    if parts.netloc.count(":") > 1 and not parts.netloc.startswith("["):
        raise WrongValueError("is ambiguous (an IPv6 address stands in square brackets)")
    host = parts.hostname or ""
    if not host:
        raise WrongValueError("names no host")
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise WrongValueError(f"{host!r} is not an IPv6 address") from None
        return host
    if not host.isascii():
        raise WrongValueError("has a host name with letters outside ASCII; write its xn-- form")
    if not _HOST_NAME.fullmatch(host) or len(host) > 253:
        raise WrongValueError(f"{host!r} is not a host name")
    return host


def _checked_port(parts: SplitResult) -> int | None:
    if parts.netloc.endswith(":"):
        raise WrongValueError("has a colon but no port")
    try:
        port = parts.port
    except ValueError:
        raise WrongValueError("has a port that is not a number from 1 to 65535") from None
    if port == 0:
        raise WrongValueError("has a port that is not a number from 1 to 65535")
    return port

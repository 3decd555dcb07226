"""The types of settings: which values each allows, and how the text of `config.yml` becomes one.

YAML guesses types (`no` is false, `0123` is 83, `12:30:45` is 45045), so a type looks at the text a person
wrote and at YAML's guess, and refuses when the two could mean different things.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ingest.config.urls import WrongValueError, checked_url
from ingest.config.yaml_tree import Node, Scalar, Section, Sequence
from ingest.secret import Secret

T = TypeVar("T")

_DIGITS = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,9})?")
_TRUE, _FALSE = {"true", "yes", "on"}, {"false", "no", "off"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADERS_OF_THE_CLIENT = {
    "authorization",
    "content-type",
    "content-length",
    "content-encoding",
    "accept",
    "host",
}


@dataclass(frozen=True, slots=True)
class ValueType(Generic[T]):
    """How a value is read, and the words that tell a person what is allowed."""

    allowed: str
    read: Callable[[Node], T]
    is_secret: bool = False
    is_list: bool = False
    """Whether one value alone stands for a list of it."""


def text(allowed: str = "a text", longest: int = 4096) -> ValueType[str]:
    """Take a text on one line, not empty."""

    def read(node: Node) -> str:
        return _checked_line(_text_of(node), longest)

    return ValueType(allowed, read)


def index_name() -> ValueType[str]:
    """Take the name of a content index. Whether Elasticsearch accepts it shows when it is created."""

    def read(node: Node) -> str:
        value = _checked_line(_text_of(node), 255)
        if value.startswith("."):
            raise WrongValueError("begins with a dot, as the indices of Elasticsearch and Kibana do")
        return value

    return ValueType("the name of an index", read)


def identifier() -> ValueType[str]:
    """Take a connector's id: what can be one segment of a URL's path."""

    def read(node: Node) -> str:
        value = _checked_line(_text_of(node), 512)
        if value.lower() == "changeme":
            raise WrongValueError("is still the placeholder 'changeme'")
        if (
            "/" in value
            or "\\" in value
            or value in {".", ".."}
            or value != value.strip()
            or value.startswith("_")
        ):
            raise WrongValueError(f"cannot be an id: {value!r}")
        return value

    return ValueType("the connector's id, at most 512 bytes, without '/', not starting with '_'", read)


def integer(lowest: int, highest: int) -> ValueType[int]:
    """Take a whole number within a range."""

    def read(node: Node) -> int:
        written = _scalar_of(node)
        if not _DIGITS.fullmatch(written.text) or written.tag == "bool":
            raise WrongValueError(f"{written.text!r} is not a whole number")
        value = int(written.text)
        if not lowest <= value <= highest:
            raise WrongValueError(f"{value} is out of range")
        return value

    return ValueType(f"a whole number from {lowest} to {highest}", read)


def number(lowest: float, highest: float) -> ValueType[float]:
    """Take a decimal number within a range."""

    def read(node: Node) -> float:
        written = _scalar_of(node)
        if not _DECIMAL.fullmatch(written.text):
            raise WrongValueError(f"{written.text!r} is not a number")
        value = float(written.text)
        if not lowest <= value <= highest:
            raise WrongValueError(f"{written.text} is out of range")
        return value

    return ValueType(f"a number from {lowest:g} to {highest:g}", read)


def boolean() -> ValueType[bool]:
    """Take true or false; the words only where they cannot have been meant as a text."""

    def read(node: Node) -> bool:
        written = _scalar_of(node)
        if written.tag != "bool" and not written.is_from_environment:
            raise WrongValueError(f"{written.text!r} is a {written.tag_name}")
        word = written.text.lower()
        if word not in _TRUE | _FALSE:
            raise WrongValueError(f"{written.text!r} is neither true nor false")
        return word in _TRUE

    return ValueType("true or false, without quotes", read)


def choice(*words: str, synonyms: Mapping[str, str] | None = None) -> ValueType[str]:
    """Take one of some words, in any case."""
    other_words = synonyms or {}

    def read(node: Node) -> str:
        written = _text_of(node)
        word = other_words.get(written.lower(), written.lower())
        if word not in words:
            raise WrongValueError(f"{written!r} is unknown")
        return word

    return ValueType("one of " + ", ".join(words), read)


def secret() -> ValueType[Secret]:
    """Take a password: any text without control characters."""
    return ValueType(
        "a text in quotes, not empty", lambda node: Secret(checked_credential(_text_of(node))), is_secret=True
    )


def api_key() -> ValueType[Secret]:
    """Take an API key, encoded or as `id:key`; the result is always encoded."""

    def read(node: Node) -> Secret:
        return Secret(encoded_api_key(checked_credential(_text_of(node))))

    return ValueType("the `encoded` value Elasticsearch returned, or id:key", read, is_secret=True)


def file() -> ValueType[Path]:
    """Take the path of a file; whether it exists is checked by whoever reads it."""

    def read(node: Node) -> Path:
        return Path(_checked_line(_text_of(node), 4096))

    return ValueType("the path of a file", read)


def urls() -> ValueType[tuple[str, ...]]:
    """Take the http or https URL of Elasticsearch, or a list of them, each the way to the same cluster."""

    def read(node: Node) -> tuple[str, ...]:
        items = node.items if isinstance(node, Sequence) else (node,)
        read_urls = tuple(checked_url(_checked_line(_text_of(item), 1024)) for item in items)
        if not read_urls:
            raise WrongValueError("is an empty list")
        for one in read_urls:
            if read_urls.count(one) > 1:
                raise WrongValueError(f"lists {one} twice")
        return read_urls

    return ValueType("a URL such as https://localhost:9200, or a list of them", read, is_list=True)


def texts() -> ValueType[tuple[str, ...]]:
    """Take a list of texts."""

    def read(node: Node) -> tuple[str, ...]:
        if not isinstance(node, Sequence):
            raise WrongValueError(f"is {node.described}")
        return tuple(_checked_line(_text_of(item), 255) for item in node.items)

    return ValueType("a list of texts", read)


def networks() -> ValueType[tuple[str, ...]]:
    """Take a list of address ranges."""

    def read(node: Node) -> tuple[str, ...]:
        ranges = texts().read(node)
        for range_ in ranges:
            try:
                ipaddress.ip_network(range_)
            except ValueError as error:
                raise WrongValueError(f"{range_!r} is not a range of addresses") from error
        return ranges

    return ValueType("a list of address ranges such as 10.0.0.0/8", read)


def headers() -> ValueType[Mapping[str, str]]:
    """Take HTTP headers that do not interfere with those the client sets itself."""

    def read(node: Node) -> Mapping[str, str]:
        if not isinstance(node, Section):
            raise WrongValueError(f"is {node.described}")
        found = {name: _checked_line(_text_of(value), 4096) for name, value in node.members.items()}
        for name in found:
            if not _HEADER_NAME.fullmatch(name):
                raise WrongValueError(f"{name!r} is not a header's name")
            if name.lower() in _HEADERS_OF_THE_CLIENT:
                raise WrongValueError(f"{name!r} is set by the service itself")
        return found

    return ValueType("a map of header names to texts", read)


def checked_credential(value: str) -> str:
    """Return the value if it can be a password or a key. Never says what it was."""
    if not value.strip():
        raise WrongValueError("is empty")
    if _CONTROL.search(value):
        raise WrongValueError("contains a line break or another control character")
    return value


def encoded_api_key(value: str) -> str:
    """Return the key as it goes on the wire. Never says what it was."""
    if value.strip().lower() == "changeme":
        raise WrongValueError("is still the placeholder 'changeme'")
    if value.startswith("essu_"):  # keys of Elastic Cloud: opaque
        return value
    if ":" in value:
        identity, _, key = value.partition(":")
        if not identity or not key or not value.isascii() or " " in value:
            raise WrongValueError("is not of the form id:key")
        return base64.b64encode(value.encode()).decode()
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise WrongValueError("is not an encoded API key (it is not base64)") from None
    if b":" not in decoded[1:-1]:
        raise WrongValueError("is not an encoded API key (it does not hold id:key)")
    return value


def _scalar_of(node: Node) -> Scalar:
    if not isinstance(node, Scalar):
        raise WrongValueError(f"is {node.described}")
    if node.tag == "null":
        raise WrongValueError("is empty")
    return node


def _text_of(node: Node) -> str:
    written = _scalar_of(node)
    if written.tag != "str" and not written.is_from_environment:
        raise WrongValueError(f"is read by YAML as a {written.tag_name}; put it in quotes")
    return written.text


def _checked_line(value: str, longest: int) -> str:
    if not value.strip():
        raise WrongValueError("is empty")
    if _CONTROL.search(value):
        raise WrongValueError("contains a line break or another control character")
    if len(value.encode("utf-8", "surrogatepass")) > longest:
        raise WrongValueError(f"is longer than {longest} bytes")
    return value

"""What the values of the connector's configuration mean: parsed strictly, all problems at once."""

import ipaddress
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sources.errors import SourceConfigurationError
from sources.postgresql.fields import FIELDS
from sources.postgresql.selection import Name, Selection, SelectionError, parse_key_columns, parse_names

MAX_IDENTIFIER_BYTES = 63
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)


class SslMode(Enum):
    """How the connection is encrypted. There is no `prefer`: it goes plaintext without a word."""

    DISABLE = "disable"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class Mappings(Enum):
    """Whether an index which we create gets a mapping derived from the column types."""

    DERIVED = "derived"
    DYNAMIC = "dynamic"


class FullSync(Enum):
    """What a full sync does with rows whose documents did not change."""

    SKIP_UNCHANGED = "skip_unchanged"
    REWRITE = "rewrite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A valid configuration."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    database: str
    schemas: tuple[str, ...]
    selection: Selection
    fetch_size: int
    retry_count: int
    sslmode: SslMode
    ssl_ca: str
    ssl_cert: str
    ssl_key: str = field(repr=False)
    max_value_bytes: int
    mappings: Mappings
    full_sync: FullSync


def parse(configuration: Mapping[str, Any]) -> Settings:
    """Read plain values by field name. Raises SourceConfigurationError naming every problem at once."""
    reader = _Reader(configuration)
    settings = reader.settings()
    problems = [*reader.problems, *_tls_problems(settings)]
    if problems:
        raise SourceConfigurationError(*problems)
    return settings


class _Reader:
    """Reads one field after another and gathers what is wrong with them."""

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        self._values = configuration
        self.problems: list[str] = []

    def settings(self) -> Settings:
        schemas = self._names("schema")
        return Settings(
            host=self._host(),
            port=self._integer("port"),
            username=self._text("username"),
            password=self._text("password"),
            database=self._identifier(self._text("database"), "Database"),
            schemas=tuple(self._identifier(schema.name, "Schema") for schema in schemas),
            selection=self._selection(),
            fetch_size=self._integer("fetch_size"),
            retry_count=self._integer("retry_count"),
            sslmode=self._sslmode(),
            ssl_ca=self._pem("ssl_ca"),
            ssl_cert=self._pem("ssl_cert"),
            ssl_key=self._pem("ssl_key"),
            max_value_bytes=self._integer("max_value_bytes"),
            mappings=Mappings(self._choice("mappings")),
            full_sync=FullSync(self._choice("full_sync")),
        )

    def _value(self, name: str) -> Any:
        value = self._values.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return FIELDS[name]["default_value"] if not FIELDS[name]["required"] else FIELDS[name]["value"]
        return value

    def _problem(self, name: str, what: str) -> None:
        self.problems.append(f"{FIELDS[name]['label']} ({name}) {what}.")

    def _text(self, name: str) -> str:
        value = self._value(name)
        if not isinstance(value, str):
            self._problem(name, "must be a text")
            return ""
        text: str = value
        if FIELDS[name]["required"] and not text:
            self._problem(name, "is missing")
        if "\0" in text:
            self._problem(name, "must not contain a NUL character")
            return ""
        return text

    def _integer(self, name: str) -> int:
        value = self._value(name)
        if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value == "":
            self._problem(name, "is missing")
            return 0
        low, high = _limits(FIELDS[name])
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self._problem(name, f"must be a whole number from {low} to {high}")
            return low
        return value

    def _choice(self, name: str) -> str:
        value = self._value(name)
        allowed = [option["value"] for option in FIELDS[name]["options"]]
        if value not in allowed:
            self._problem(name, f"must be one of {', '.join(option for option in allowed if option)}")
            return str(FIELDS[name]["default_value"])
        return str(value)

    def _boolean(self, name: str) -> bool:
        value = self._value(name)
        if isinstance(value, str):
            value = {"true": True, "false": False}.get(value.strip().lower(), value)
        if not isinstance(value, bool):
            self._problem(name, "must be true or false")
            return False
        return value

    def _sslmode(self) -> SslMode:
        is_enabled, mode = self._boolean("ssl_enabled"), self._choice("sslmode")
        if mode:
            return SslMode(mode)
        return SslMode.VERIFY_FULL if is_enabled else SslMode.DISABLE

    def _host(self) -> str:
        host = self._text("host").strip()
        if not host or host.startswith("/"):
            return host
        address = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        try:
            if ipaddress.ip_address(address).is_link_local:
                self._problem("host", "must not be a link-local address")
        except ValueError:
            if not re.fullmatch(r"[^\s/:@,?#\\\[\]]{1,255}", address):
                self._problem("host", "must be a plain host name, an address, or the folder of a unix socket")
        return address

    def _names(self, name: str) -> list[Name]:
        try:
            names = parse_names(self._value(name))
        except SelectionError as error:
            self._problem(name, str(error))
            return []
        if not names:
            self._problem(name, "is missing")
        return names

    def _selection(self) -> Selection:
        names = self._names("tables")
        try:
            key_columns = parse_key_columns(self._text("id_columns"))
        except SelectionError as error:
            self._problem("id_columns", str(error))
            key_columns = {}
        for name in [*names, *key_columns]:
            self._identifier(name.name, "Table")
        return Selection.of(names, key_columns)

    def _identifier(self, name: str, kind: str) -> str:
        if len(name.encode("utf-8", "surrogatepass")) > MAX_IDENTIFIER_BYTES:
            self.problems.append(
                f"{kind} {name[:20]!r}… is longer than PostgreSQL's names, which have 63 bytes."
            )
        return name

    def _pem(self, name: str) -> str:
        text = self._text(name)
        blocks = [_rewrapped(match[1], match[2]) for match in _PEM.finditer(text)]
        if text and not blocks:
            self._problem(name, "must be PEM text (-----BEGIN …----- to -----END …-----)")
        is_key = any("PRIVATE KEY" in block for block in blocks)
        if blocks and is_key != (name == "ssl_key"):
            self._problem(
                name, "must be a private key" if name == "ssl_key" else "must be certificates, not a key"
            )
        return "".join(blocks)


def _limits(field_: Mapping[str, Any]) -> tuple[int, int]:
    constraints = {rule["type"]: rule["constraint"] for rule in field_["validations"]}
    return constraints["greater_than"] + 1, constraints["less_than"] - 1


def _rewrapped(kind: str, body: str) -> str:
    """Undo what forms do to PEM text, such as turning its line breaks into spaces."""
    content = "\n".join(body.replace("\\n", "\n").split())
    return f"-----BEGIN {kind}-----\n{content}\n-----END {kind}-----\n"


def _tls_problems(settings: Settings) -> Iterator[str]:
    if bool(settings.ssl_cert) != bool(settings.ssl_key):
        yield "SSL client certificate (ssl_cert) and SSL client key (ssl_key) must be given together."
    if settings.ssl_ca:
        try:
            ssl.create_default_context(cadata=settings.ssl_ca)
        except (ssl.SSLError, ValueError):
            yield "SSL certificate (ssl_ca) cannot be read as a certificate."

"""What the values of the connector's configuration mean: parsed strictly, all problems at once."""

import ipaddress
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sources.errors import SourceConfigurationError
from sources.postgresql.fields import FIELDS, MIB
from sources.postgresql.selection import (
    LONGEST_LIST,
    Name,
    Selection,
    SelectionError,
    parse_key_columns,
    parse_names,
)
from sources.settings import SettingsReader

MAX_IDENTIFIER_BYTES = 63
LONGEST_PEM = 1_000_000
"""Characters certificates or a key may have."""
_BEGIN, _END, _DASHES = "-----BEGIN ", "-----END ", "-----"
_HOST_NAME = re.compile(r"[^\s/:@,?#\\\[\]]{1,255}")
_PEM_KIND = re.compile(r"[A-Z0-9 ]{1,64}")


class SslMode(Enum):
    """How the connection is encrypted. There is no `prefer`, which falls back to plaintext silently."""

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
    max_deleted_share: float
    follow: bool
    follow_interval: int
    """Seconds."""
    follow_publication: str
    follow_max_wal_bytes: int
    rejected_index: str


def parse(configuration: Mapping[str, Any]) -> Settings:
    """Read plain values by field name. Raises SourceConfigurationError naming every problem at once."""
    reader = _Reader(configuration)
    settings = reader.settings()
    problems = [*reader.problems, *_tls_problems(settings)]
    if problems:
        raise SourceConfigurationError(*problems)
    return settings


class _Reader(SettingsReader):
    """Reads what needs more than the kinds of fields every source has."""

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        super().__init__(FIELDS, configuration)

    def settings(self) -> Settings:
        schemas = self._names("schema")
        if any(schema.is_excluded for schema in schemas):
            self.problem("schema", "cannot leave out schemas; name those to read")
        return Settings(
            host=self._host(),
            port=self.integer("port"),
            username=self.text("username"),
            password=self._password(),
            database=self._identifier(self.text("database"), "Database"),
            schemas=tuple(self._identifier(schema.name, "Schema") for schema in schemas),
            selection=self._selection(),
            fetch_size=self.integer("fetch_size"),
            retry_count=self.integer("retry_count"),
            sslmode=self._sslmode(),
            ssl_ca=self._pem("ssl_ca"),
            ssl_cert=self._pem("ssl_cert"),
            ssl_key=self._pem("ssl_key"),
            max_value_bytes=self.integer("max_value_bytes"),
            mappings=Mappings(self.choice("mappings")),
            full_sync=FullSync(self.choice("full_sync")),
            max_deleted_share=self.integer("max_deleted_share") / 100,
            follow=self.boolean("follow"),
            follow_interval=self.integer("follow_interval"),
            follow_publication=self._identifier(self.text("follow_publication"), "Publication"),
            follow_max_wal_bytes=self.integer("follow_max_wal") * MIB,
            rejected_index=self.text("rejected_index").strip(),
        )

    def _password(self) -> str:
        """Read the password, which a client certificate makes needless."""
        password = self.text("password")
        if not password and not self.value("ssl_cert"):
            self.problem("password", "is missing; only with a client certificate (ssl_cert) it may be")
        return password

    def _sslmode(self) -> SslMode:
        is_enabled, mode = self.boolean("ssl_enabled"), self.choice("sslmode")
        if mode:
            return SslMode(mode)
        return SslMode.VERIFY_FULL if is_enabled else SslMode.DISABLE

    def _host(self) -> str:
        host = self.text("host").strip()
        if not host or host.startswith("/"):
            return host
        address = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        if not _is_address(address) and not _HOST_NAME.fullmatch(address):
            self.problem("host", "must be a plain host name, an address, or the folder of a unix socket")
        return address

    def _names(self, name: str) -> list[Name]:
        try:
            names = parse_names(self.value(name))
        except SelectionError as error:
            self.problem(name, str(error))
            return []
        if not names:
            self.problem(name, "is missing")
        return names

    def _selection(self) -> Selection:
        names = self._names("tables")
        if names and all(name.is_excluded for name in names):
            self.problem("tables", "only says what to leave out; add * for every other table")
        try:
            key_columns = parse_key_columns(self.text("id_columns", LONGEST_LIST))
        except SelectionError as error:
            self.problem("id_columns", str(error))
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
        text = self.text(name, LONGEST_PEM)
        blocks = _pem_blocks(text)
        if text and not blocks:
            self.problem(name, "must be PEM text (-----BEGIN …----- to -----END …-----)")
        is_key = any("PRIVATE KEY" in block for block in blocks)
        if blocks and is_key != (name == "ssl_key"):
            self.problem(
                name, "must be a private key" if name == "ssl_key" else "must be certificates, not a key"
            )
        return "".join(blocks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _pem_blocks(text: str) -> list[str]:
    """Return the blocks of PEM text with what stands around them left out; none if one is not complete.

    Passes the text once: what begins a block must be followed by its own end before another may begin.
    """
    blocks = []
    position = text.find(_BEGIN)
    while position >= 0:
        kind_end = text.find(_DASHES, position + len(_BEGIN))
        end = text.find(_END, kind_end + len(_DASHES)) if kind_end >= 0 else -1
        kind = text[position + len(_BEGIN) : kind_end]
        is_ended = end >= 0 and text.startswith(f"{kind}{_DASHES}", end + len(_END))
        if not is_ended or not _PEM_KIND.fullmatch(kind):
            return []
        body = text[kind_end + len(_DASHES) : end]
        if _BEGIN in body:
            return []
        blocks.append(_rewrapped(kind, body))
        position = text.find(_BEGIN, end)
    return blocks


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

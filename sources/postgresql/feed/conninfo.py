"""How libpq is told to connect as the rest of the source does: same addresses, same TLS, same secrets.

libpq takes certificates as files only. They are put into anonymous files in memory where the system has them,
otherwise into a folder of our own, and are gone once the connection is up. What libpq would take from the
environment or from the home folder instead of the configuration is switched off.
"""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from psycopg.conninfo import make_conninfo

from sources.errors import SourceConfigurationError
from sources.postgresql.feed.coverage import APPLICATION_NAME
from sources.postgresql.settings import Settings, SslMode
from sources.postgresql.statements import SESSION_SETTINGS

_NOTHING: Final = "/dev/null/nothing"
"""A file that cannot exist, for where libpq would look in the home folder."""
_SHOW_VALUES_AS_READ: Final = ("TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output")
"""The settings that decide how values are written; keys are compared with what a reading session writes."""


@contextmanager
def conninfo(settings: Settings, addresses: list[str], encoding: str) -> Iterator[bytes]:
    """Give the text that libpq connects by. It holds the password: never to be shown or logged.

    `encoding` is what texts are to be sent in.
    """
    with ExitStack() as files:
        options = {
            "host": ",".join([settings.host] * max(1, len(addresses))),
            "hostaddr": ",".join(addresses),
            "port": ",".join([str(settings.port)] * max(1, len(addresses))),
            "dbname": settings.database,
            "user": settings.username,
            "password": settings.password,
            "passfile": _NOTHING,
            "replication": "database",
            "application_name": APPLICATION_NAME,
            "client_encoding": encoding,
            "options": _session_options(),
            "gssencmode": "disable",
            "tcp_user_timeout": "60000",
            "keepalives_idle": "30",
            "keepalives_interval": "10",
            "keepalives_count": "3",
            **_tls_options(settings, files),
        }
        yield make_conninfo("", **{name: value for name, value in options.items() if value}).encode()


def _session_options() -> str:
    pinned = {name: SESSION_SETTINGS[name].strip("'") for name in _SHOW_VALUES_AS_READ}
    return (
        " ".join(f"-c {name}={value.replace(' ', '')}" for name, value in pinned.items()) + " -c search_path="
    )


def _tls_options(settings: Settings, files: ExitStack) -> dict[str, str]:
    mode = settings.sslmode
    if mode is SslMode.DISABLE:
        return {"sslmode": mode.value}
    verifies = mode is not SslMode.REQUIRE
    options = {
        "sslmode": mode.value,
        "sslrootcert": _authorities(settings, files) if verifies else _NOTHING,
        "sslcert": _NOTHING,
        "sslkey": _NOTHING,
        "sslcrl": _NOTHING,
        "ssl_min_protocol_version": "TLSv1.2",
    }
    if settings.ssl_cert:
        options["sslcert"] = files.enter_context(_file(settings.ssl_cert))
        options["sslkey"] = files.enter_context(_file(settings.ssl_key))
    return options


def _authorities(settings: Settings, files: ExitStack) -> str:
    if settings.ssl_ca:
        return files.enter_context(_file(settings.ssl_ca))
    found = ssl.get_default_verify_paths().cafile
    if found is None:
        raise SourceConfigurationError(
            "This system has no file of certificate authorities; give the server's in SSL certificate."
        )
    return found


@contextmanager
def _file(text: str) -> Iterator[str]:
    """Give a path under which libpq finds a text, readable by us alone."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("certificate")
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
            file.flush()
            yield f"/proc/self/fd/{descriptor}"
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "certificate"
        path.touch(mode=0o600)
        path.write_text(text)
        yield str(path)

"""What an error of the driver or of PostgreSQL means: who has to act, and what to say. Pure.

The sentence names what was being done, the cause and the remedy, and carries the SQLSTATE. Messages of
PostgreSQL are passed on only for errors that speak about names; those about values (class 22 and 23) may
quote a row.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from sources.errors import SourceConfigurationError, SourceError, SourceUnavailableError, one_line

_TRANSIENT_CLASSES = {"08", "53", "57", "58", "40"}
_TRANSIENT_STATES = {"55P03", "72000", "55006", "25P03", "25P04"}
_PERMANENT_STATES = {"57P04"}
_OF_A_MOMENT = {
    "XX000": ("cache lookup failed", "tuple concurrently", "could not open relation with OID"),
    "42704": ("publication ",),
}
"""How errors begin that come of a change made at the same time; all others of these states come again.

No statement names a publication: the server finds the name, and is asked to show what is gone by then.
"""

_REMEDIES = {
    "08003": "the server ended the connection; if it does so each time, correct Host and Port, which may"
    " lead to something else than PostgreSQL",
    "28P01": "the password was not accepted; correct Username and Password",
    "28000": "the server does not let this user in; check Username and the server's pg_hba.conf",
    "3D000": "the database does not exist; correct Database",
    "42501": "the role may not read it; grant USAGE on its schema and SELECT on it, and, if it has row"
    " security, exempt the role with BYPASSRLS, or, if it is read through a view, the view's owner",
    "42P01": "it does not exist",
    "3F000": "the schema does not exist",
    "54000": "the text of a value or of a document is longer than the 1 GB that PostgreSQL can make; leave"
    " the column out by an advanced rule or correct the value",
    "55P03": "another session keeps it locked",
    "57P03": "the server is starting or stopping",
    "57014": "the server or somebody canceled the query",
    "53300": "the server has no connection left",
    "22021": "it holds bytes which are no text in the database's encoding; convert them or leave it out",
    "XX000": "the server reports an internal error, as it does for a value that a function cannot take; leave"
    " the column out by an advanced rule or correct the value",
    "XX001": "the server found damaged data; restore the table",
    "XX002": "the server found a damaged index; rebuild it with REINDEX",
    "25006": "the query would write, and this connection only reads",
}
"""What the state means and what to do about it; PostgreSQL's own message follows where it names no values."""


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn whatever the driver raises inside into a SourceError that begins with what was being done."""
    try:
        yield
    except SourceError:
        raise
    except (
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        OSError,
        TimeoutError,
    ) as error:
        raise source_error(doing, error) from error


def source_error(doing: str, error: BaseException) -> SourceError:
    """Say in one sentence what failed, why and what to do, as the kind of error that says who has to act."""
    if isinstance(error, asyncpg.PostgresError):
        return _server_error(doing, error)
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = getattr(error, "verify_message", "not trusted")
        return SourceConfigurationError(
            f"{doing} failed: the server's certificate could not be verified ({reason});"
            " give its authority in SSL certificate or choose another SSL mode."
        )
    if isinstance(error, asyncpg.ClientConfigurationError | ssl.SSLError):
        return SourceConfigurationError(f"{doing} failed: {one_line(str(error))}.")
    if isinstance(error, asyncpg.UnsupportedClientFeatureError):
        return SourceConfigurationError(f"{doing} failed: {one_line(str(error))}.")
    if isinstance(error, TimeoutError):
        return SourceUnavailableError(
            f"{doing} failed: the server did not answer in time; check host, port and network."
        )
    if isinstance(error, ConnectionError) and "rejected SSL upgrade" in str(error):
        return SourceConfigurationError(
            f"{doing} failed: the server does not offer TLS; set SSL mode to disable."
        )
    if isinstance(error, OSError) and not isinstance(error, ConnectionError):
        return SourceUnavailableError(
            f"{doing} failed: {one_line(error.strerror or str(error))}; check host and port."
        )
    if isinstance(error, ConnectionRefusedError):
        return SourceUnavailableError(
            f"{doing} failed: connection refused; check host, port and that the server runs."
        )
    # The driver reports a server that went away as an InterfaceError without SQLSTATE.
    return SourceUnavailableError(f"{doing} failed: the connection was lost.")


def _server_error(doing: str, error: asyncpg.PostgresError) -> SourceError:
    state = error.sqlstate or "08006"
    cause = _REMEDIES.get(state)
    message = "" if state[:2] in ("22", "23") else one_line(str(error))
    if state == "28000" and ("no encryption" in message or "SSL off" in message):  # as of, before 14
        cause = "the server accepts encrypted connections only; set SSL mode to require or verify-full"
    text = "; ".join(part for part in (cause, message) if part) or "the server refused a value"
    is_transient = (
        state[:2] in _TRANSIENT_CLASSES
        or state in _TRANSIENT_STATES
        or str(error).startswith(_OF_A_MOMENT.get(state, ()))
    ) and state not in _PERMANENT_STATES
    kind = SourceUnavailableError if is_transient else SourceConfigurationError
    return kind(f"{doing} failed: {text} (SQLSTATE {state}).")

"""What an error means is decided by its SQLSTATE or its kind, and said without rows and secrets."""

import asyncio
import socket
import ssl

import asyncpg
import pytest

from sources.errors import SourceConfigurationError, SourceUnavailableError
from sources.postgresql.failures import source_error, translated


def server_error(state: str, message: str = "something") -> asyncpg.PostgresError:
    error = asyncpg.PostgresError(message)
    error.sqlstate = state
    return error


@pytest.mark.parametrize(
    "state",
    [
        "08000",
        "08003",
        "08006",
        "57P01",
        "57P02",
        "57P03",
        "57014",
        "53100",
        "53300",
        "40001",
        "40P01",
        "55P03",
        "72000",
    ],
)
def test_states_that_may_pass_are_transient(state: str) -> None:
    error = source_error("Reading table public.t", server_error(state))

    assert isinstance(error, SourceUnavailableError)
    assert state in str(error)
    assert str(error).startswith("Reading table public.t failed: ")


@pytest.mark.parametrize(
    "state",
    [
        "28P01",
        "28000",
        "3D000",
        "42501",
        "42P01",
        "42703",
        "42601",
        "22021",
        "22P02",
        "0A000",
        "25006",
        "57P04",
        "XX000",
        "XX001",
        "XX002",
    ],
)
def test_states_in_which_a_person_must_act_are_not(state: str) -> None:
    assert isinstance(source_error("Reading", server_error(state)), SourceConfigurationError)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("XX000", "cache lookup failed for relation 16385"),
        ("42704", 'publication "elastic_ingest" does not exist'),
    ],
)
def test_what_was_changed_while_it_was_shown_is_transient(state: str, message: str) -> None:
    assert isinstance(source_error("Checking", server_error(state, message)), SourceUnavailableError)
    assert isinstance(source_error("Checking", server_error(state, "another")), SourceConfigurationError)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("got result for unknown protocol state"),
        ConnectionResetError(), ConnectionRefusedError(), BrokenPipeError(), OSError(113, "No route to host"),
        socket.gaierror(-2, "Name or service not known"), TimeoutError(), asyncio.IncompleteReadError(b"", 1),
    ],
    ids=repr,
)  # fmt: skip
def test_a_lost_or_absent_connection_is_transient_without_any_state(error: Exception) -> None:
    assert isinstance(source_error("Reading", error), SourceUnavailableError)


@pytest.mark.parametrize(
    "error",
    [
        ssl.SSLCertVerificationError("self-signed certificate"),
        ssl.SSLError("wrong version number"),
        asyncpg.ClientConfigurationError("bad"),
        ConnectionError("PostgreSQL server at x rejected SSL upgrade"),
    ],
    ids=repr,
)
def test_what_only_another_configuration_can_mend_is_not(error: Exception) -> None:
    assert isinstance(source_error("Connecting", error), SourceConfigurationError)


def test_a_text_that_postgresql_cannot_make_is_said_to_be_too_long() -> None:
    error = source_error("Reading table public.t", server_error("54000", "string buffer exceeds maximum"))

    assert isinstance(error, SourceConfigurationError)
    assert "public.t" in str(error)
    assert "1 GB" in str(error)
    assert "advanced rule" in str(error)


def test_messages_about_values_are_not_passed_on_and_those_about_names_are() -> None:
    secret = server_error("22P02", 'invalid input syntax for type integer: "4111 1111"')
    named = server_error("42703", "column t.x does not exist\nLINE 1")

    assert "4111" not in str(source_error("Reading", secret))
    assert "column t.x does not exist LINE 1" in str(source_error("Reading", named))


def test_the_original_is_kept_as_the_cause_and_our_own_errors_pass_through() -> None:
    original, ours = ConnectionResetError(), SourceConfigurationError("ours")

    with pytest.raises(SourceUnavailableError) as raised, translated("Reading"):
        raise original
    assert raised.value.__cause__ is original
    with pytest.raises(SourceConfigurationError) as passed, translated("Reading"):
        raise ours
    assert passed.value is ours


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyError("a bug")], ids=repr)
def test_neither_a_cancellation_nor_a_bug_is_taken_for_a_failure_of_the_source(error: BaseException) -> None:
    with pytest.raises(type(error)), translated("Reading"):
        raise error

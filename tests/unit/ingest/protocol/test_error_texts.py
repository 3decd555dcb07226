"""What error fields say: nothing secret, and never more than they hold."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.protocol.error_texts import ERROR_LIMIT_BYTES, error_text, secrets_of, shortened


def test_a_short_message_is_left_as_it_is() -> None:
    assert shortened("The table is gone.") == "The table is gone."


@given(st.text(min_size=1, max_size=20), st.integers(0, 2 * ERROR_LIMIT_BYTES))
def test_no_message_is_longer_than_the_field_and_its_beginning_is_kept(part: str, length: int) -> None:
    text = (part * length)[:length]

    short = shortened(text)

    assert len(short.encode("utf-8", "replace")) <= ERROR_LIMIT_BYTES
    assert short == text or text.startswith(short.removesuffix(" ..."))


def test_a_message_is_cut_between_characters() -> None:
    assert shortened("ü" * ERROR_LIMIT_BYTES) == "ü" * ((ERROR_LIMIT_BYTES - 4) // 2) + " ..."


def test_sensitive_values_are_known_so_that_messages_can_leave_them_out() -> None:
    configuration = {
        "host": {"value": "db.example", "sensitive": False},
        "password": {"value": "hunter2", "sensitive": True},
        "token": {"value": "hunter2hunter2", "sensitive": True},
        "pin": {"value": "123", "sensitive": True},
        "port": {"value": 5432, "sensitive": True},
    }

    assert secrets_of(configuration) == ["hunter2hunter2", "hunter2"]


def test_an_error_is_told_without_the_secrets_of_its_configuration() -> None:
    configuration = {"password": {"value": "hunter2", "sensitive": True}}

    assert error_text(ValueError("'hunter2' was refused"), configuration) == "'********' was refused"
    assert error_text(ValueError(), configuration) == "ValueError"

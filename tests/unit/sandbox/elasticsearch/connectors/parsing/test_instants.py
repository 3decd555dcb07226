"""Dates as the documents hold them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.elasticsearch.connectors.parsing.instants import InstantError, canonical_instant, written


@pytest.mark.parametrize(
    ("given_text", "canonical"),
    [
        ("2023-05-25T12:30:00.000Z", "2023-05-25T12:30:00.000Z"),
        ("2023-12-04T08:45:50.567149Z", "2023-12-04T08:45:50.567149Z"),
        ("2023-05-25T12:30:00Z", "2023-05-25T12:30:00.000Z"),
        ("2023-05-25T12:30Z", "2023-05-25T12:30:00.000Z"),
        ("2023-05-25T12Z", "2023-05-25T12:00:00.000Z"),
        ("2023-05-25T12:30:00.1Z", "2023-05-25T12:30:00.100Z"),
        ("2023-05-25T12:30:00,123456789Z", "2023-05-25T12:30:00.123456789Z"),
        ("2023-05-25T12:30:00.120000Z", "2023-05-25T12:30:00.120Z"),
        ("2023-05-25T00:30:00+02:00", "2023-05-24T22:30:00.000Z"),
        ("2023-05-25T12:30:00-0530", "2023-05-25T18:00:00.000Z"),
        ("2023-05-25T12:30:00+02", "2023-05-25T10:30:00.000Z"),
        ("0007-05-25T12:30:00Z", "0007-05-25T12:30:00.000Z"),
        ("1685017800123", "2023-05-25T12:30:00.123Z"),
        ("1685017800123.4", "2023-05-25T12:30:00.1234Z"),
        ("-1", "1969-12-31T23:59:59.999Z"),
        ("0", "1970-01-01T00:00:00.000Z"),
    ],
)
def test_an_instant_is_written_in_one_way(given_text: str, canonical: str) -> None:
    assert canonical_instant(given_text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2023",
        "2023-05-25",
        "2023-05-25T12:30:00",
        "2023-5-25T12:30:00Z",
        "2023-02-30T12:30:00Z",
        "2023-05-25T24:30:00Z",
        "2023-05-25T12:60:00Z",
        "2023-05-25T12:30:00.1234567890Z",
        "2023-05-25 12:30:00Z",
        "2023-05-25T12:30:00+25:00",
        "0001-01-01T00:00:00+02:00",
        "٢٠٢٣-05-25T12:30:00Z",
        "999999999999999999",
    ],
)
def test_what_names_no_instant_is_refused(text: str) -> None:
    with pytest.raises(InstantError):
        canonical_instant(text)


@given(st.datetimes(timezones=st.timezones()))
def test_what_was_written_is_read_back_unchanged(moment: object) -> None:
    try:
        text = written(moment)  # type: ignore[arg-type]  # hypothesis gives datetimes
    except OverflowError:
        return  # the first and last day of all time, in another zone

    assert canonical_instant(text) == text

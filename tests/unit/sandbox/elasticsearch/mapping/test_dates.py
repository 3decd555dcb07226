"""Dates as the server reads them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.elasticsearch.mapping import dates

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2024, 5, 15, 10, 11, 12, 131_000, tzinfo=UTC)


def _milliseconds(text: str) -> float:
    return (datetime.fromisoformat(text) - EPOCH) / timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-15", "2024-05-15T00:00:00+00:00"),
        ("2024-05", "2024-05-01T00:00:00+00:00"),
        ("2024", "2024-01-01T00:00:00+00:00"),
        ("2024-05-15T10", "2024-05-15T10:00:00+00:00"),
        ("2024-05-15T10:11Z", "2024-05-15T10:11:00+00:00"),
        ("2024-05-15T10:11:12.131+02:00", "2024-05-15T08:11:12.131+00:00"),
        ("2024-05-15T10:11:12.131-0530", "2024-05-15T15:41:12.131+00:00"),
        ("2024-02-29", "2024-02-29T00:00:00+00:00"),
        ("1715767872131", "2024-05-15T10:11:12.131+00:00"),
        ("0001-01-01", "0001-01-01T00:00:00+00:00"),
    ],
)
def test_the_default_format_reads(text: str, moment: str) -> None:
    assert dates.parse(text) == _milliseconds(moment)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2023-02-29",
        "2024-13-01",
        "2024-05-15 10:11:12",
        "2024-5-1",
        "2024-05-15T25:00",
        "٢٠٢٤-٠١-٠١",
    ],
)
def test_the_default_format_refuses(text: str) -> None:
    assert dates.parse(text) is None
    assert not dates.is_valid(text)


@pytest.mark.parametrize(
    ("text", "format_", "moment"),
    [
        ("2024/05/15", "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd", "2024-05-15T00:00:00+00:00"),
        ("2024/05/15 10:11:12", "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd", "2024-05-15T10:11:12+00:00"),
        ("15.05.2024", "dd.MM.yyyy", "2024-05-15T00:00:00+00:00"),
        ("20240515", "basic_date", "2024-05-15T00:00:00+00:00"),
        ("1715767872", "epoch_second", "2024-05-15T10:11:12+00:00"),
        ("2024-05-15T10:11:12.131Z", "strict_date_time", "2024-05-15T10:11:12.131+00:00"),
    ],
)
def test_other_formats_read(text: str, format_: str, moment: str) -> None:
    assert dates.parse(text, format_) == _milliseconds(moment)


@pytest.mark.parametrize(
    ("expression", "round_up", "moment"),
    [
        ("now", False, "2024-05-15T10:11:12.131+00:00"),
        ("now-300s", False, "2024-05-15T10:06:12.131+00:00"),
        ("now-1M", False, "2024-04-15T10:11:12.131+00:00"),
        ("now+1y/y", False, "2025-01-01T00:00:00+00:00"),
        ("now/d", False, "2024-05-15T00:00:00+00:00"),
        ("now/d", True, "2024-05-15T23:59:59.999+00:00"),
        ("now/w", False, "2024-05-13T00:00:00+00:00"),
        ("2024-01-31||+1M", False, "2024-02-29T00:00:00+00:00"),
        ("2024-05-15", True, "2024-05-15T23:59:59.999+00:00"),
        ("2024-02", True, "2024-02-01T23:59:59.999+00:00"),
    ],
)
def test_date_math(expression: str, round_up: bool, moment: str) -> None:
    found = dates.evaluate(expression, dates.DEFAULT_FORMAT, NOW, round_up=round_up)

    assert found == pytest.approx(_milliseconds(moment), abs=1e-3)


@pytest.mark.parametrize("expression", ["now-", "now-1x", "never", "2024||+1", "now+999999999y"])
def test_date_math_that_makes_no_sense_is_none(expression: str) -> None:
    assert dates.evaluate(expression, dates.DEFAULT_FORMAT, NOW) is None


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_printed_is_read_back(moment: datetime) -> None:
    milliseconds = (moment - EPOCH) // timedelta(milliseconds=1)
    if moment.year < 1000:
        return  # printed without leading zeros by the C library

    assert dates.parse(dates.iso(milliseconds)) == milliseconds


@given(st.text(st.sampled_from("0123456789-T:.Z+"), max_size=24))
def test_the_quick_check_agrees_with_the_reading(text: str) -> None:
    assert dates.is_valid(text) == (dates.parse(text) is not None)

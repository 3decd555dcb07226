"""Which schedules the server takes."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.elasticsearch.connectors.members.cron import CronError, check_cron


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 0 * * ?",
        "0 0 12 ? * *",
        "0 0/5 14,18 * * ?",
        "*/10 * * * * ?",
        "/10 * * * * ?",
        "0 0-5 14 * * ?",
        "0 10-50/20 14 * * ?",
        "0 0 22-2 * * ?",
        "0 0 0 ? NOV-FEB FRI-MON",
        "0 0 0 L * ?",
        "0 0 0 L-3 * ?",
        "0 0 0 L-3W * ?",
        "0 0 0 LW * ?",
        "0 0 0 15W * ?",
        "0 0 0 1,15 JAN,JUL ?",
        "0 0 0 ? * L",
        "0 0 0 ? * 6L",
        "0 0 0 ? * FRIL",
        "0 0 0 ? * 6#3",
        "0 0 0 ? * FRI#3",
        "0 0 0 ? * MON,WED,FRI",
        "0 0 0 1 1 ? 2030",
        "0 0 0 1 1 ? 2030-2040/2",
        "0 0 0 1 1 ? * and whatever follows",
        "  0\t0 0  * * ?  ",
    ],
)
def test_a_schedule_is_taken(expression: str) -> None:
    assert check_cron(expression) == expression.upper()


def test_a_schedule_is_kept_in_upper_case() -> None:
    assert check_cron("0 0 0 ? jan mon-fri") == "0 0 0 ? JAN MON-FRI"


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("", "unexpected end of expression at pos [0]."),
        ("0 0 0 * *", "unexpected end of expression at pos [9]."),
        ("61 0 0 * * ?", "Minute and Second values must be between 0 and 59"),
        ("0 60 0 * * ?", "Minute and Second values must be between 0 and 59"),
        ("0 0 24 * * ?", "Hour values must be between 0 and 23"),
        ("0 0 0 0 * ?", "Day of month values must be between 1 and 31"),
        ("0 0 0 32 * ?", "Day of month values must be between 1 and 31"),
        ("0 0 0 1 13 ?", "Month values must be between 1 and 12"),
        ("0 0 0 ? * 0", "Day-of-Week values must be between 1 and 7"),
        ("0 0 0 ? * 8", "Day-of-Week values must be between 1 and 7"),
        ("0 0 0 ? * 8L", "Day-of-Week values must be between 1 and 7"),
        ("0 0-60 0 * * ?", "Minute and Second values must be between 0 and 59"),
        ("0 0 0 * * ? x", "Unexpected character"),
        ("*/60 0 0 * * ?", "increment [60] > 59 at pos [1]"),
        ("0 0 0 * * *", "support for specifying both a day-of-week AND a day-of-month parameter"),
        ("0 0 0 ? * ?", "'?' can only be specified for Day-of-Month -OR- Day-of-Week."),
        ("? 0 0 * * ?", "Unexpected character"),
        ("0 0 0 ? FOO *", "illegal characters [FOO] at pos [0]"),
        ("0 0 0 ? * FOO", "illegal characters [FOO] at pos [0]"),
        ("MON 0 0 * * ?", "illegal characters [MON] at pos [0]"),
        ("L 0 0 * * ?", "Unexpected character"),
        ("0 0 0 L-31 * ?", "offset from last day must be <= 30 at pos [2]"),
        ("0 0 0 32W * ?", "the 'W' option does not make sense with values larger than 31"),
        ("0 0 0 ? * 6#6", "a numeric value between 1 and 5 must follow the '#' option at pos [2]"),
        ("0 0 0 1,L * ?", "support for specifying 'L', 'LW' or \"nth\" with other days is not implemented"),
        ("0 0 0 ? * 3#1,6#3", "support for specifying 'L', 'LW' or \"nth\" with other days"),
        ("0 0 0 ? * 1-FRI", "Unexpected character"),
        ("0 0 0 1 1 ? 2030-2020", "Start year must be less than stop year"),
        ("1- 0 0 * * ?", "Unexpected character"),
        ("1,,2 0 0 * * ?", "Unexpected character"),
        ("*5 0 0 * * ?", "Unexpected character"),
        ("*/x 0 0 * * ?", "Unexpected character"),
        ("٣ 0 0 * * ?", "Unexpected character"),
        ("every day at noon", "Unexpected character"),
    ],
)
def test_what_is_no_schedule_is_refused(expression: str, problem: str) -> None:
    with pytest.raises(CronError) as caught:
        check_cron(expression)
    assert problem in str(caught.value)


@given(st.text(alphabet="0123456789*?/-,LW#MONJA \t", max_size=30))
def test_any_text_is_either_taken_or_refused(text: str) -> None:
    with contextlib.suppress(CronError):
        assert check_cron(text) == text.upper()

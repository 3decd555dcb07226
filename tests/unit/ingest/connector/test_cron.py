"""When cron expressions fire: tables of Quartz's special forms, and a naive matcher to compare with."""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingest.connector.cron import Schedule, ScheduleError

SUNDAY_NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]


def firings(expression: str, count: int, since: datetime = SUNDAY_NOON) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        following = Schedule.parse(expression).next_after(since)
        if following is None:
            return [*found, "never"]
        found.append(f"{following:%Y-%m-%d %H:%M:%S}")
        since = following
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # every field
        ("0 0 0 * * ?", ["2026-11-23 00:00:00", "2026-11-24 00:00:00"]),
        ("0 0 12 * * ?", ["2026-11-23 12:00:00"]),
        ("* * * * * ?", ["2026-11-22 12:00:01", "2026-11-22 12:00:02"]),
        ("0 0 0 * * *", ["2026-11-23 00:00:00"]),
        ("0 0 0 ? * *", ["2026-11-23 00:00:00"]),
        ("30 15 10 1 1 ? 2030", ["2030-01-01 10:15:30", "never"]),
        ("0 0 0 1 1 ? 2020-2030/4", ["2028-01-01 00:00:00", "never"]),
        ("0 0 0 1 1 ? 2020", ["never"]),
        # seconds, steps, lists, ranges
        ("0/5 * * * * ?", ["2026-11-22 12:00:05", "2026-11-22 12:00:10"]),
        ("*/20 * * * * ?", ["2026-11-22 12:00:20", "2026-11-22 12:00:40", "2026-11-22 12:01:00"]),
        ("/30 * * * * ?", ["2026-11-22 12:00:30", "2026-11-22 12:01:00"]),
        ("7/25 0 * * * ?", ["2026-11-22 12:00:07", "2026-11-22 12:00:32", "2026-11-22 12:00:57"]),
        ("0 0,30 9-10 * * ?", ["2026-11-23 09:00:00", "2026-11-23 09:30:00", "2026-11-23 10:00:00"]),
        ("0 10-30/10 12 * * ?", ["2026-11-22 12:10:00", "2026-11-22 12:20:00", "2026-11-22 12:30:00"]),
        ("0 0 22-2 * * ?", ["2026-11-22 22:00:00", "2026-11-22 23:00:00", "2026-11-23 00:00:00"]),
        ("0 0 22-2/3 * * ?", ["2026-11-22 22:00:00", "2026-11-23 01:00:00"]),
        ("0 0 0 30-2 * ?", ["2026-11-30 00:00:00", "2026-12-01 00:00:00", "2026-12-02 00:00:00"]),
        ("0 0 0 1 NOV-JAN ?", ["2026-12-01 00:00:00", "2027-01-01 00:00:00", "2027-11-01 00:00:00"]),
        ("0 0 0 1 jan,Jul ?", ["2027-01-01 00:00:00", "2027-07-01 00:00:00"]),
        # days of the week, Sunday is 1
        ("0 0 0 ? * 1", ["2026-11-29 00:00:00"]),
        ("0 0 0 ? * 2", ["2026-11-23 00:00:00"]),
        ("0 0 0 ? * 7", ["2026-11-28 00:00:00"]),
        ("0 0 0 ? * L", ["2026-11-28 00:00:00", "2026-12-05 00:00:00"]),
        ("0 0 0 ? * MON-WED", ["2026-11-23 00:00:00", "2026-11-24 00:00:00", "2026-11-25 00:00:00"]),
        ("0 0 0 ? * 6-2", ["2026-11-23 00:00:00", "2026-11-27 00:00:00", "2026-11-28 00:00:00"]),
        ("0 0 0 ? * FRI-MON", ["2026-11-23 00:00:00", "2026-11-27 00:00:00"]),
        ("0 0 0 ? * 2/2", ["2026-11-23 00:00:00", "2026-11-25 00:00:00", "2026-11-27 00:00:00"]),
        ("0 0 0 ? * 6L", ["2026-11-27 00:00:00", "2026-12-25 00:00:00"]),
        ("0 0 0 ? * friL", ["2026-11-27 00:00:00"]),
        ("0 0 0 ? * 2#1", ["2026-12-07 00:00:00", "2027-01-04 00:00:00"]),
        ("0 0 0 ? * MON#5", ["2026-11-30 00:00:00", "2027-03-29 00:00:00"]),
        ("0 0 0 ? * MON#1,FRIL", ["2026-11-27 00:00:00", "2026-12-07 00:00:00"]),
        # days of the month
        ("0 0 0 31 * ?", ["2026-12-31 00:00:00", "2027-01-31 00:00:00", "2027-03-31 00:00:00"]),
        ("0 0 0 L * ?", ["2026-11-30 00:00:00", "2026-12-31 00:00:00"]),
        ("0 0 0 L 2 ?", ["2027-02-28 00:00:00", "2028-02-29 00:00:00"]),
        ("0 0 0 L-3 * ?", ["2026-11-27 00:00:00", "2026-12-28 00:00:00"]),
        ("0 0 0 L-30 * ?", ["2026-12-01 00:00:00", "2027-01-01 00:00:00", "2027-03-01 00:00:00"]),
        ("0 0 0 29 2 ?", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 0 30 2 ?", ["never"]),
        ("0 0 0 1,L * ?", ["2026-11-30 00:00:00", "2026-12-01 00:00:00"]),
        # the nearest weekday: a Sunday moves to Monday, a Saturday to Friday, never out of the month
        ("0 0 0 15W * ?", ["2026-12-15 00:00:00", "2027-01-15 00:00:00"]),
        ("0 0 0 22W 11 ?", ["2026-11-23 00:00:00"]),
        ("0 0 0 28W 11 ?", ["2026-11-27 00:00:00"]),
        ("0 0 0 1W 5 ?", ["2027-05-03 00:00:00"]),
        ("0 0 0 31W 1 ?", ["2027-01-29 00:00:00"]),
        ("0 0 0 31W * ?", ["2026-12-31 00:00:00", "2027-01-29 00:00:00", "2027-03-31 00:00:00"]),
        ("0 0 0 LW * ?", ["2026-11-30 00:00:00", "2026-12-31 00:00:00", "2027-01-29 00:00:00"]),
        ("0 0 0 L-1W 11 ?", ["2026-11-30 00:00:00"]),
    ],
)
def test_an_expression_fires_as_quartz_fires_it(expression: str, expected: list[str]) -> None:
    assert firings(expression, len(expected)) == expected


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("", "has 0 fields"),
        ("* * * * *", "has 5 fields"),
        ("* * * * * ? * *", "has 8 fields"),
        ("61 0 0 * * ?", "'61' is no second (from 0 to 59)"),
        ("0 60 0 * * ?", "'60' is no minute"),
        ("0 0 24 * * ?", "'24' is no hour"),
        ("0 0 0 0 * ?", "'0' is no day of month"),
        ("0 0 0 32 * ?", "'32' is no day of month"),
        ("0 0 0 1 13 ?", "'13' is no month"),
        ("0 0 0 ? * 0", "'0' is no day of week"),
        ("0 0 0 ? * 8", "'8' is no day of week"),
        ("0 0 0 ? * MOX", "'MOX' is no day of week"),
        ("0 0 0 1 MON ?", "'MON' is no month"),
        ("0 0 0 1 1 ? 1969", "'1969' is no year"),
        ("0 0 0 1 1 ? 2030-2020", "ends before it starts"),
        ("? 0 0 * * ?", "'?' is no second"),
        ("0 0 0 ? * ?", "'?' stands in both day fields"),
        ("0 0 0 1 * 2", "a day of month and a day of week are given"),
        ("0/0 0 0 * * ?", "step that is not from 1 to 59"),
        ("0/60 0 0 * * ?", "step that is not from 1 to 59"),
        ("0/ 0 0 * * ?", "is no second"),
        ("1,,2 0 0 * * ?", "'' is no second"),
        ("-5 0 0 * * ?", "'-5' is no second"),
        ("*-5 0 0 * * ?", "is no second"),
        ("a 0 0 * * ?", "is no second"),
        ("٣ 0 0 * * ?", "is no second"),
        ("L 0 0 * * ?", "is no second"),
        ("0 0 0 L-31 * ?", "more than 30 days"),
        ("0 0 0 32W * ?", "'32' is no day of month"),
        ("0 0 0 W * ?", "is no day of month"),
        ("0 0 0 ? * 2#0", "none of the five"),
        ("0 0 0 ? * 2#6", "none of the five"),
        ("0 0 0 ? * 8#1", "'8' is no day of week"),
        ("0 0 0 ? * #1", "is no day of week"),
    ],
)
def test_an_expression_that_means_nothing_is_refused(expression: str, complaint: str) -> None:
    with pytest.raises(ScheduleError) as refused:
        Schedule.parse(expression)

    assert complaint in str(refused.value)
    assert repr(expression) in str(refused.value)


def test_the_next_firing_is_later_even_within_a_second() -> None:
    schedule = Schedule.parse("0 0 * * * ?")

    assert schedule.next_after(SUNDAY_NOON) == SUNDAY_NOON + timedelta(hours=1)
    assert schedule.next_after(SUNDAY_NOON - timedelta(microseconds=1)) == SUNDAY_NOON
    assert schedule.next_after(SUNDAY_NOON + timedelta(microseconds=1)) == SUNDAY_NOON + timedelta(hours=1)


def test_moments_of_other_zones_are_understood() -> None:
    in_tokyo = SUNDAY_NOON.astimezone(timezone(timedelta(hours=9)))

    assert Schedule.parse("0 30 12 * * ?").next_after(in_tokyo) == SUNDAY_NOON + timedelta(minutes=30)


def test_a_schedule_that_never_fires_is_found_out_quickly() -> None:
    assert Schedule.parse("59 59 23 31 2,4,6,9,11 ?").next_after(SUNDAY_NOON) is None


def test_schedules_of_equal_expressions_are_equal() -> None:
    assert Schedule.parse("0 0 0 * * ?") == Schedule.parse("0 0 0 * * ?")
    assert Schedule.parse("0 0 0 * * ?") != Schedule.parse("0 0 1 * * ?")


# --- a naive matcher: does an expression fire at this very second? ---


def fires_at(expression: str, moment: datetime) -> bool:
    second, minute, hour, day, month, weekday, *year = expression.split()
    weekday_number = moment.isoweekday() % 7 + 1
    return (
        in_field(second, moment.second, 0, 59)
        and in_field(minute, moment.minute, 0, 59)
        and in_field(hour, moment.hour, 0, 23)
        and in_field(numbered(month, MONTHS), moment.month, 1, 12)
        and in_field(year[0] if year else "*", moment.year, 1970, 2199)
        and any(on_day(part, moment) for part in day.split(","))
        and any(on_weekday(part, moment, weekday_number) for part in numbered(weekday, DAYS).split(","))
    )


def numbered(text: str, names: list[str]) -> str:
    for number, name in enumerate(names, 1):
        text = text.replace(name, str(number))
    return text


def in_field(text: str, value: int, lowest: int, highest: int) -> bool:
    return any(in_part(part, value, lowest, highest) for part in text.split(","))


def in_part(part: str, value: int, lowest: int, highest: int) -> bool:
    """Walk from the start of the range in steps, around the end, until its end is reached."""
    start, _, step = part.partition("/")
    if start in {"*", "?", ""}:
        first, last = lowest, highest
    else:
        first = int(start.split("-")[0])
        last = int(start.split("-")[1]) if "-" in start else highest if step else first
    walked, steps = first, 0
    while True:
        if walked == value and steps % int(step or 1) == 0:
            return True
        if walked == last:
            return False
        walked, steps = (lowest if walked == highest else walked + 1), steps + 1


def on_day(part: str, moment: datetime) -> bool:
    length = monthrange(moment.year, moment.month)[1]
    if found := re.fullmatch(r"L(?:-(\d+))?(W?)", part):
        wanted, is_nearest = length - int(found[1] or 0), bool(found[2])
    elif part.endswith("W"):
        wanted, is_nearest = int(part[:-1]), True
    else:
        return in_part(part, moment.day, 1, 31)
    if not is_nearest or not 1 <= wanted <= length:
        return moment.day == wanted
    workdays = [d for d in range(1, length + 1) if moment.replace(day=d).isoweekday() <= 5]
    distances = {d: abs(d - wanted) for d in workdays}
    return distances.get(moment.day) == min(distances.values())


def on_weekday(part: str, moment: datetime, number: int) -> bool:
    length = monthrange(moment.year, moment.month)[1]
    if part == "L":
        return number == 7
    if part.endswith("L"):
        return number == int(part[:-1]) and moment.day + 7 > length
    if "#" in part:
        weekday, nth = part.split("#")
        return number == int(weekday) and (moment.day - 1) // 7 + 1 == int(nth)
    return in_part(part, number, 1, 7)


def numbers(lowest: int, highest: int) -> st.SearchStrategy[str]:
    one = st.integers(lowest, highest).map(str)
    several = st.tuples(one, one).map("-".join)
    step = st.integers(1, max(highest, 1)).map(lambda by: f"/{by}")
    part = one | several | st.tuples(one | several | st.just("*"), step).map("".join)
    return st.just("*") | st.lists(part, min_size=1, max_size=3).map(",".join)


NEVER_MIND = st.just("?")
DAY = (
    numbers(1, 31)
    | st.sampled_from(["L", "LW", "L-1", "L-3", "L-29", "L-2W", "1,L"])
    | st.integers(1, 31).map(lambda day: f"{day}W")
)
WEEKDAY = (
    numbers(1, 7)
    | st.sampled_from(["L", "MON-FRI", "FRI-MON", "SUN", "TUE,THU", "FRIL", "MON#1,3#2"])
    | st.tuples(st.integers(1, 7), st.integers(1, 5)).map(lambda pair: f"{pair[0]}#{pair[1]}")
    | st.integers(1, 7).map(lambda day: f"{day}L")
)
BOTH_DAYS = st.tuples(DAY, NEVER_MIND) | st.tuples(NEVER_MIND, WEEKDAY)
MONTH = numbers(1, 12) | st.sampled_from(["NOV-FEB", "JAN,JUL", "MAR-JUN/2"])
MOMENTS = st.datetimes(datetime(1999, 1, 1), datetime(2060, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)


@given(numbers(0, 59), numbers(0, 59), numbers(0, 23), MOMENTS)
def test_times_of_a_day_are_those_a_search_second_by_second_finds(
    second: str, minute: str, hour: str, moment: datetime
) -> None:
    expression = f"{second} {minute} {hour} * * ?"

    following = Schedule.parse(expression).next_after(moment)

    assert following is not None
    assert fires_at(expression, following)
    # A sample of the seconds before it: the first and last two minutes, and every full minute between.
    start = moment.replace(microsecond=0)
    passed = range(1, int((following - start).total_seconds()))
    sample = {
        *passed[:120],
        *passed[-120:],
        *(n for n in passed if (start + timedelta(seconds=n)).second == 0),
    }
    assert not [n for n in sample if fires_at(expression, start + timedelta(seconds=n))]


@given(BOTH_DAYS, MONTH, MOMENTS)
def test_days_are_those_a_search_day_by_day_finds(
    days: tuple[str, str], month: str, moment: datetime
) -> None:
    expression = f"0 0 0 {days[0]} {month} {days[1]}"
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    candidates = (midnight + timedelta(days=number) for number in range(1, 366 * 4 + 2))
    naive = next((day for day in candidates if fires_at(expression, day)), None)

    following = Schedule.parse(expression).next_after(moment)

    assume(naive is not None)
    assert following == naive


@given(st.text("0123456789*?/,-LW#MONJAN ", max_size=30) | st.text(max_size=30), MOMENTS)
def test_any_text_is_refused_or_is_a_schedule(text: str, moment: datetime) -> None:
    try:
        schedule = Schedule.parse(text)
    except ScheduleError:
        return

    following = schedule.next_after(moment)

    assert following is None or following > moment

"""When a scheduled sync is due: cron expressions as Elasticsearch accepts them (Quartz), in UTC. Pure.

second minute hour day-of-month month day-of-week [year]

*   ,   -   /        every, lists, ranges (also around the end: FRI-MON, 22-2), steps (0/15, 10-20/5)
?                    in one of the two day fields: it does not matter
JAN-DEC  SUN-SAT     names, in any case; as numbers, Sunday is 1
L   L-3              the last day of the month, the third before it; as a day of the week, Saturday
15W   LW   L-3W      the day from Monday to Friday nearest to that one, in the same month
6L   FRIL            the last Friday of the month
2#1  MON#1           the first Monday of the month
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from ingest.errors import IngestError

YEARS_AHEAD = 100
"""How far a firing is looked for; an expression can name a day that never comes, such as February 30."""

LONGEST_EXPRESSION = 1_000
"""Characters; every minute of a day listed one by one has fewer."""

_MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SATURDAY = 7
_LAST_DAY = re.compile(r"L(?:-(?P<before>[0-9]{1,2}))?(?P<nearest>W)?")
_NEAREST_DAY = re.compile(r"(?P<day>[0-9]{1,2})W")
_LAST_OF_WEEKDAY = re.compile(r"(?P<weekday>[A-Z]{3}|[0-9])L")
_NTH_OF_WEEKDAY = re.compile(r"(?P<weekday>[A-Z]{3}|[0-9])#(?P<nth>[0-9])")
_RANGE = re.compile(
    r"(?P<first>[A-Z]{3}|[0-9]{1,4}|\*)?(?:-(?P<last>[A-Z]{3}|[0-9]{1,4}))?(?:/(?P<step>[0-9]{1,4}))?"
)


class ScheduleError(IngestError):
    """The cron expression cannot be used; the message says which part and why."""


class _Month(NamedTuple):
    """A month as the rules for days see it; weekdays count from 1 for Sunday."""

    length: int
    first_weekday: int

    def weekday(self, day: int) -> int:
        return (self.first_weekday + day - 2) % 7 + 1

    def days_on(self, weekday: int) -> range:
        return range((weekday - self.first_weekday) % 7 + 1, self.length + 1, 7)


_Parts = tuple[int, ...]
"""Year, month, day, hour, minute, second, as far as they are known."""

_DayRule = Callable[[_Month], Iterable[int]]
"""The days of a month that one part of an expression names, perhaps days the month does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A parsed cron expression: the moments at which it fires, to the second."""

    expression: str
    _seconds: tuple[int, ...] = field(repr=False)
    _minutes: tuple[int, ...] = field(repr=False)
    _hours: tuple[int, ...] = field(repr=False)
    _day_rules: tuple[_DayRule, ...] = field(repr=False, compare=False)
    _months: tuple[int, ...] = field(repr=False)
    _years: tuple[int, ...] = field(repr=False)

    @classmethod
    def parse(cls, expression: str) -> Self:
        """Read an expression. Raises ScheduleError."""
        if len(expression) > LONGEST_EXPRESSION:
            raise ScheduleError(
                f"The schedule {expression[:80]!r}... is longer than {LONGEST_EXPRESSION} characters."
            )
        parts = expression.upper().split()
        if len(parts) not in (6, 7):
            raise ScheduleError(
                f"The schedule {expression!r} has {len(parts)} fields; it needs second, minute, hour, "
                "day of month, month and day of week, and may have a year."
            )
        try:
            return cls(
                expression=expression,
                _seconds=_SECOND.values(parts[0]),
                _minutes=_MINUTE.values(parts[1]),
                _hours=_HOUR.values(parts[2]),
                _day_rules=_day_rules(parts[3], parts[5]),
                _months=_MONTH.values(parts[4]),
                _years=_YEAR.values(parts[6] if len(parts) == 7 else "*"),
            )
        except _PartError as error:
            raise ScheduleError(f"The schedule {expression!r} cannot be used: {error}.") from error

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first firing later than the moment, in UTC; None if a hundred years see none."""
        following = moment.astimezone(UTC) + timedelta(seconds=1)
        limit = following.timetuple()[:6]
        found = self._first((), limit)
        if found is None:
            return None
        year, month, day, hour, minute, second = found
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)

    def _first(self, known: _Parts, limit: _Parts) -> _Parts | None:
        """Complete what is known of a moment to the first firing that is not before the limit."""
        if len(known) == len(limit):
            return known
        for value in self._choices(known, limit[0]):
            candidate = (*known, value)
            if candidate >= limit[: len(candidate)] and (found := self._first(candidate, limit)):
                return found
        return None

    def _choices(self, known: _Parts, year: int) -> Sequence[int]:
        match known:
            case ():
                return [choice for choice in self._years if year <= choice <= year + YEARS_AHEAD]
            case (_,):
                return self._months
            case (year, month):
                return self._days(year, month)
            case (_, _, _):
                return self._hours
            case (_, _, _, _):
                return self._minutes
            case _:
                return self._seconds

    def _days(self, year: int, month: int) -> Sequence[int]:
        first_weekday, length = monthrange(year, month)  # 0 is Monday
        shape = _Month(length, (first_weekday + 1) % 7 + 1)
        return sorted({day for rule in self._day_rules for day in rule(shape) if 1 <= day <= length})


class _PartError(ValueError):
    """A part of an expression is wrong; the message names it."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of an expression: its name and the numbers and names it may hold."""

    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()
    is_cyclic: bool = True

    def values(self, text: str) -> tuple[int, ...]:
        """Return what a comma list of numbers, ranges and steps stands for, in ascending order."""
        return tuple(sorted({value for part in text.split(",") for value in self.range(part)}))

    def range(self, part: str) -> Sequence[int]:
        """Return what one element of a list stands for."""
        found = _RANGE.fullmatch(part)
        if not found or not part or (found["first"] in {None, "*"} and found["last"]):
            raise _PartError(f"{part!r} is no {self.name}")
        step = int(found["step"] or 1)
        if not 1 <= step <= self.highest:
            raise _PartError(f"{part!r} has a step that is not from 1 to {self.highest}")
        if found["first"] in {None, "*"}:
            first, last = self.lowest, self.highest
        else:
            first = self.number(found["first"])
            last = self.number(found["last"]) if found["last"] else self.highest if found["step"] else first
        return self._between(first, last, part)[::step]

    def number(self, text: str) -> int:
        """Return the number a name or digits stand for."""
        if text in self.names:
            return self.names.index(text) + self.lowest
        if not text.isdigit() or not self.lowest <= int(text) <= self.highest:
            raise _PartError(f"{text!r} is no {self.name} (from {self.lowest} to {self.highest})")
        return int(text)

    def _between(self, first: int, last: int, part: str) -> Sequence[int]:
        if first <= last:
            return range(first, last + 1)
        if not self.is_cyclic:
            raise _PartError(f"{part!r} ends before it starts")
        return [*range(first, self.highest + 1), *range(self.lowest, last + 1)]


_SECOND = _Field("second", 0, 59)
_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTH_NAMES)
_WEEKDAY = _Field("day of week", 1, 7, _DAY_NAMES)
_YEAR = _Field("year", 1970, 2199, is_cyclic=False)


def _day_rules(days: str, weekdays: str) -> tuple[_DayRule, ...]:
    """Read both day fields. One of them must not matter: what both together mean is not defined."""
    if days == weekdays == "?":
        raise _PartError("'?' stands in both day fields")
    if days not in {"?", "*"} and weekdays not in {"?", "*"}:
        raise _PartError("a day of month and a day of week are given; write '?' for one of them")
    if weekdays in {"?", "*"}:
        return tuple(_day_rule(part) for part in ("*" if days == "?" else days).split(","))
    return tuple(_weekday_rule(part) for part in weekdays.split(","))


def _day_rule(part: str) -> _DayRule:
    if found := _LAST_DAY.fullmatch(part):
        before = int(found["before"] or 0)
        if before > 30:
            raise _PartError(f"{part!r} is more than 30 days before the last day")
        if found["nearest"]:
            return lambda month: _nearest_weekday(month, month.length - before)
        return lambda month: (month.length - before,)
    if found := _NEAREST_DAY.fullmatch(part):
        day = _DAY.number(found["day"])
        return lambda month: _nearest_weekday(month, day)
    days = _DAY.range(part)
    return lambda month: days


def _weekday_rule(part: str) -> _DayRule:
    if found := _LAST_OF_WEEKDAY.fullmatch(part):
        last = _WEEKDAY.number(found["weekday"])
        return lambda month: month.days_on(last)[-1:]
    if found := _NTH_OF_WEEKDAY.fullmatch(part):
        weekday, nth = _WEEKDAY.number(found["weekday"]), int(found["nth"])
        if not 1 <= nth <= 5:
            raise _PartError(f"{part!r} is none of the five a month can have")
        return lambda month: month.days_on(weekday)[nth - 1 : nth]
    weekdays = [_SATURDAY] if part == "L" else _WEEKDAY.range(part)
    return lambda month: [day for weekday in weekdays for day in month.days_on(weekday)]


def _nearest_weekday(month: _Month, day: int) -> Iterable[int]:
    """Return the day from Monday to Friday nearest to a day of the month, never in another month."""
    if not 1 <= day <= month.length:
        return ()
    match month.weekday(day):
        case 7:
            return (day + 2 if day == 1 else day - 1,)
        case 1:
            return (day - 2 if day == month.length else day + 1,)
        case _:
            return (day,)

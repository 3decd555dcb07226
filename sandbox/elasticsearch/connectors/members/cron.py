"""Quartz schedules: which `interval` texts the server takes.

    second minute hour day-of-month month day-of-week [year]

Each field is a comma list of `*`, a value, a range `a-b` (which may wrap around), a step `a/n`, `a-b/n` or
`*/n`; months and days of the week also go by name. Exactly one of the two day fields is `?`. Day of month
knows `L`, `L-n`, `LW`, `nW`; day of week knows `L`, `nL`, `n#k`. Further fields are not looked at.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_LARGEST_LAST_DAY_OFFSET = 30
_REQUIRED_FIELDS = 6


class CronError(ValueError):
    """A text is not a schedule; the text says what is wrong in the server's words."""


def check_cron(expression: str) -> str:
    """Return the schedule as the server keeps it, in upper case; raise CronError."""
    canonical = expression.upper()
    fields = canonical.replace("\t", " ").split()
    for specification, text in zip(_FIELDS, fields, strict=False):
        specification.check(text)
    if len(fields) < _REQUIRED_FIELDS:
        raise CronError(f"unexpected end of expression at pos [{len(canonical)}].")
    _check_days(day_of_month=fields[3], day_of_week=fields[5])
    return canonical


def _check_days(*, day_of_month: str, day_of_week: str) -> None:
    if "?" in day_of_month.split(",") and "?" in day_of_week.split(","):
        raise CronError("'?' can only be specified for Day-of-Month -OR- Day-of-Week. at pos [1]")
    if "?" not in day_of_month.split(",") and "?" not in day_of_week.split(","):
        raise CronError(
            "support for specifying both a day-of-week AND a day-of-month parameter is not implemented."
        )


_Special = Callable[[str], bool]
_ITEM = re.compile(
    r"(?P<every>\*)?(?:(?P<first>\d+|[A-Z]{3})(?:-(?P<last>\d+|[A-Z]{3}))?)?(?:/(?P<step>\d+))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class _FieldRule:
    """What one field takes."""

    described: str
    smallest: int
    largest: int | None
    largest_step: int | None
    names: Mapping[str, int]
    wraps: bool
    special: _Special

    def check(self, text: str) -> None:
        for item in text.split(","):
            if not self.special(item):
                self._check_item(item)
        if len(text.split(",")) > 1 and re.search(r"[L#]", self._without_names(text)):
            raise CronError("support for specifying 'L', 'LW' or \"nth\" with other days is not implemented")

    def _without_names(self, text: str) -> str:
        for name in self.names:
            text = text.replace(name, "")
        return text

    def _check_item(self, item: str) -> None:
        match = _ITEM.fullmatch(item)
        if match is None or not item or (match["every"] and match["first"]):
            raise CronError(f"Unexpected character in [{item}]")
        if match["last"] is not None and match["first"].isdigit() != match["last"].isdigit():
            raise CronError(f"Unexpected character in [{item}]")
        if match["step"] is not None and not match["first"]:
            self._check_step(int(match["step"]))
        first = self._value(match["first"])
        last = self._value(match["last"])
        if not self.wraps and first is not None and last is not None and last < first:
            raise CronError("Start year must be less than stop year")

    def _check_step(self, step: int) -> None:
        if self.largest_step is not None and step > self.largest_step:
            raise CronError(f"increment [{step}] > {self.largest_step} at pos [1]")

    def _value(self, text: str | None) -> int | None:
        if text is None:
            return None
        value = int(text) if text.isdigit() else self.names.get(text)
        if value is None:
            raise CronError(f"illegal characters [{text}] at pos [0]")
        if value < self.smallest or (self.largest is not None and value > self.largest):
            raise CronError(f"{self.described} values must be between {self.smallest} and {self.largest}")
        return value


def _nothing_special(item: str) -> bool:
    return False


def _special_day_of_month(item: str) -> bool:
    if item in {"?", "L", "LW"}:
        return True
    if match := re.fullmatch(r"L-(\d+)W?", item, re.ASCII):
        if int(match[1]) > _LARGEST_LAST_DAY_OFFSET:
            raise CronError(f"offset from last day must be <= {_LARGEST_LAST_DAY_OFFSET} at pos [2]")
        return True
    if match := re.fullmatch(r"(\d+)W", item, re.ASCII):
        if not 1 <= int(match[1]) <= 31:
            raise CronError("the 'W' option does not make sense with values larger than 31")
        return True
    return False


def _special_day_of_week(item: str) -> bool:
    if item in {"?", "L"}:
        return True
    match = re.fullmatch(r"(\d|[A-Z]{3})(L|#(\d+))", item, re.ASCII)
    if match is None:
        return False
    if match[1] not in _DAYS and not ("1" <= match[1] <= "7"):
        raise CronError("Day-of-Week values must be between 1 and 7")
    if match[3] is not None and not 1 <= int(match[3]) <= 5:
        raise CronError("a numeric value between 1 and 5 must follow the '#' option at pos [2]")
    return True


def _numbered(names: tuple[str, ...]) -> Mapping[str, int]:
    return {name: number for number, name in enumerate(names, 1)}


_FIELDS = (
    _FieldRule("Minute and Second", 0, 59, 59, {}, True, _nothing_special),
    _FieldRule("Minute and Second", 0, 59, 59, {}, True, _nothing_special),
    _FieldRule("Hour", 0, 23, 23, {}, True, _nothing_special),
    _FieldRule("Day of month", 1, 31, 31, {}, True, _special_day_of_month),
    _FieldRule("Month", 1, 12, 12, _numbered(_MONTHS), True, _nothing_special),
    _FieldRule("Day-of-Week", 1, 7, 7, _numbered(_DAYS), True, _special_day_of_week),
    _FieldRule("Year", 0, None, None, {}, False, _nothing_special),
)

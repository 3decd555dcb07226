"""Dates as the server reads them: its named formats, Java patterns, and date math such as `now-300s`.

A moment is a number of milliseconds since 1970, UTC; `None` means that the text is not in the format.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

DEFAULT_FORMAT = "strict_date_optional_time||epoch_millis"
DETECTED_FORMATS = ("strict_date_optional_time", "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis")

ISO = re.compile(
    r"(?P<y>-?\d{4}|[+-]\d{5,9})(?:-(?P<M>\d\d)(?:-(?P<d>\d\d))?)?"
    r"(?:T(?:(?P<H>\d\d)(?::(?P<m>\d\d)(?::(?P<s>\d\d)(?:[.,](?P<S>\d{1,9}))?)?)?)?"
    r"(?P<Z>Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
LENIENT_ISO = re.compile(ISO.pattern.replace(r"\d\d", r"\d{1,2}").replace(r"\d{4}", r"\d{1,9}"), re.ASCII)
# What nearly every date looks like; a match needs no further look to be known as a date.
PLAIN = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"
    r"(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
MATH = re.compile(r"([+-])(\d*)([yMwdhHms])|/([yMwdhHms])")

PATTERN_FIELDS = {
    "yyyy": r"(?P<y>\d{4})",
    "uuuu": r"(?P<y>\d{4})",
    "MM": r"(?P<M>\d\d)",
    "dd": r"(?P<d>\d\d)",
    "HH": r"(?P<H>\d\d)",
    "mm": r"(?P<m>\d\d)",
    "ss": r"(?P<s>\d\d)",
    "SSSSSSSSS": r"(?P<S>\d{9})",
    "SSSSSS": r"(?P<S>\d{6})",
    "SSS": r"(?P<S>\d{3})",
    "XXX": r"(?P<Z>Z|[+-]\d\d:\d\d)",
    "XX": r"(?P<Z>Z|[+-]\d{4})",
    "X": r"(?P<Z>Z|[+-]\d\d)",
    "Z": r"(?P<Z>[+-]\d{4}|Z)",
    "z": r"(?P<Z>Z|UTC|GMT)",
}
PATTERN_TOKEN = re.compile(r"'([^']*)'|(yyyy|uuuu|MM|dd|HH|mm|ss|S{9}|S{6}|S{3}|X{1,3}|Z|z)|([A-Za-z]+)|(.)")
NAMED_PATTERNS = {
    "date": "yyyy-MM-dd",
    "strict_date": "yyyy-MM-dd",
    "basic_date": "yyyyMMdd",
    "date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss",
    "strict_date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss",
    "date_time": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "strict_date_time": "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "date_time_no_millis": "yyyy-MM-dd'T'HH:mm:ssXXX",
    "strict_date_time_no_millis": "yyyy-MM-dd'T'HH:mm:ssXXX",
    "basic_date_time": "yyyyMMdd'T'HHmmss.SSSZ",
    "basic_date_time_no_millis": "yyyyMMdd'T'HHmmssZ",
    "year_month": "yyyy-MM",
    "strict_year_month": "yyyy-MM",
    "year": "yyyy",
    "strict_year": "yyyy",
}


def parse(text: str, format_: str = DEFAULT_FORMAT, *, round_up: bool = False) -> float | None:
    """The moment a text stands for under a format (alternatives parted by `||`).

    `round_up` fills the time of day that the text leaves open with its end, as an upper bound wants it.
    """
    for name in format_.split("||"):
        moment = _parser(name.strip())(text, round_up)
        if moment is not None:
            return moment
    return None


def is_valid(text: str, format_: str = DEFAULT_FORMAT) -> bool:
    """Whether a text is a date under a format; quicker than reading it."""
    if format_ == DEFAULT_FORMAT and PLAIN.fullmatch(text) is not None:
        return True
    return parse(text, format_) is not None


def evaluate(expression: str, format_: str, now: datetime, *, round_up: bool = False) -> float | None:
    """The moment of a date-math expression: `now-300s`, `2024-01-01||+1M/d`, or a plain date."""
    if expression.startswith("now"):
        start: float | None = _milliseconds(now)
        rest = expression[3:]
    else:
        anchor, _, rest = expression.partition("||")
        start = parse(anchor, format_, round_up=round_up and not rest)
    if start is None:
        return None
    return _apply_math(start, rest, round_up) if rest else start


def iso(milliseconds: float) -> str:
    """A moment as `strict_date_optional_time` prints it: with milliseconds and `Z`."""
    whole = int(milliseconds // 1)
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=whole)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{whole % 1000:03d}Z"


def printed(milliseconds: float, format_: str | None) -> str:
    """A moment in a format, the first of its alternatives; `ValueError` for one that is not known."""
    name = (format_ or DEFAULT_FORMAT).split("||")[0].strip()
    if name in ("strict_date_optional_time", "date_optional_time", "iso8601"):
        return iso(milliseconds)
    if name in ("epoch_millis", "epoch_second"):
        return str(int(milliseconds // (1 if name == "epoch_millis" else 1000)))
    text = iso(milliseconds)
    parts = {"yyyy": text[:4], "uuuu": text[:4], "MM": text[5:7], "dd": text[8:10], "HH": text[11:13]}
    parts |= {"mm": text[14:16], "ss": text[17:19], "SSS": text[20:23], "SSSSSS": f"{text[20:23]}000"}
    parts |= {"SSSSSSSSS": f"{text[20:23]}000000", "XXX": "Z", "XX": "Z", "X": "Z", "Z": "+0000", "z": "Z"}
    written = []
    for literal, known, unknown, other in PATTERN_TOKEN.findall(NAMED_PATTERNS.get(name, name)):
        if unknown:
            raise ValueError(f"unknown pattern letter in [{name}]")
        written.append(parts[known] if known else literal or other)
    return "".join(written)


def is_known(format_: str) -> bool:
    """Whether every alternative of a format is one the server (or this double) can read."""
    try:
        for name in format_.split("||"):
            _parser(name.strip())
    except ValueError:
        return False
    return True


Parser = Callable[[str, bool], float | None]


@lru_cache(maxsize=256)
def _parser(name: str) -> Parser:
    match name:
        case "strict_date_optional_time" | "strict_date_optional_time_nanos" | "iso8601":
            return lambda text, round_up: _from_match(ISO.fullmatch(text), round_up)
        case "date_optional_time":
            return lambda text, round_up: _from_match(LENIENT_ISO.fullmatch(text), round_up)
        case "epoch_millis":
            return lambda text, _: float(text) if NUMBER.fullmatch(text) else None
        case "epoch_second":
            return lambda text, _: float(text) * 1000 if NUMBER.fullmatch(text) else None
        case _:
            pattern = _compiled(NAMED_PATTERNS.get(name, name))
            return lambda text, round_up: _from_match(pattern.fullmatch(text), round_up)


def _compiled(pattern: str) -> re.Pattern[str]:
    parts = []
    for literal, known, unknown, other in PATTERN_TOKEN.findall(pattern):
        if unknown:
            raise ValueError(f"unknown pattern letter in [{pattern}]")
        parts.append(PATTERN_FIELDS[known] if known else re.escape(literal or other))
    return re.compile("".join(parts), re.ASCII)


def _from_match(found: re.Match[str] | None, round_up: bool) -> float | None:
    if found is None:
        return None
    part = found.groupdict()
    year = int(part["y"])
    month = int(part.get("M") or 1)  # rounded up, too: a year and a month stand for their first day
    if not 1 <= month <= 12:
        return None
    day = int(part.get("d") or 1)
    hour = int(part.get("H") or (23 if round_up else 0))
    minute = int(part.get("m") or (59 if round_up else 0))
    second = int(part.get("s") or (59 if round_up else 0))
    if not 1 <= day <= _days_in_month(year, month) or hour > 23 or minute > 59 or second > 59:
        return None
    fraction = part.get("S")
    milliseconds = int(fraction.ljust(9, "0")) / 1e6 if fraction else (999.0 if round_up else 0.0)
    seconds = ((_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
    return (seconds - _offset_seconds(part.get("Z"))) * 1000 + milliseconds


def _offset_seconds(zone: str | None) -> int:
    if not zone or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60
    return -seconds if zone[0] == "-" else seconds


def _days_in_month(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _days(year: int, month: int, day: int) -> int:
    # Days since 1970 in the proleptic Gregorian calendar; datetime knows only the years 1 to 9999.
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719468


def _milliseconds(moment: datetime) -> float:
    return (moment - datetime.fromtimestamp(0, UTC)) / timedelta(milliseconds=1)


def _apply_math(start: float, operations: str, round_up: bool) -> float | None:
    try:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=start)
        position = 0
        while position < len(operations):
            found = MATH.match(operations, position)
            if found is None:
                return None
            sign, amount, unit, rounding = found.groups()
            if rounding:
                moment = _rounded(moment, rounding, round_up)
            else:
                moment = _moved(moment, int(amount or 1) * (-1 if sign == "-" else 1), unit)
            position = found.end()
    except (OverflowError, ValueError):
        return None
    return _milliseconds(moment)


def _moved(moment: datetime, amount: int, unit: str) -> datetime:
    match unit:
        case "y" | "M":
            months = moment.year * 12 + moment.month - 1 + amount * (12 if unit == "y" else 1)
            year, month = months // 12, months % 12 + 1
            return moment.replace(year=year, month=month, day=min(moment.day, _days_in_month(year, month)))
        case _:
            seconds = {"w": 604800, "d": 86400, "h": 3600, "H": 3600, "m": 60, "s": 1}[unit]
            return moment + timedelta(seconds=amount * seconds)


def _rounded(moment: datetime, unit: str, round_up: bool) -> datetime:
    down = moment.replace(microsecond=0)
    if unit != "s":
        down = down.replace(second=0)
    if unit in "hHdwMy":
        down = down.replace(minute=0)
    if unit in "dwMy":
        down = down.replace(hour=0)
    if unit == "w":
        down -= timedelta(days=down.weekday())
    if unit in "My":
        down = down.replace(day=1)
    if unit == "y":
        down = down.replace(month=1)
    return _moved(down, 1, unit) - timedelta(milliseconds=1) if round_up else down

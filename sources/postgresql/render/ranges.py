"""Ranges as JSON: an object of bounds that the range types of Elasticsearch take.

They refuse ends that have become equal or have changed places, which happens to ends that are right in
PostgreSQL: a date there has milliseconds and a number is a double. An open end is moved by the smallest step
first, and one that shows whole seconds only is rounded to the end of its second before that, so times are
written with a fraction.

What does not fit is null and counted.
"""

from collections.abc import Callable

from sources.postgresql.catalog.types import Type
from sources.postgresql.render.numbers import not_numbers
from sources.postgresql.render.sql import NULLED

RenderValue = Callable[[str, Type], str]

_TIMES = {"timestamp", "timestamptz"}
_DATES = {"date", *_TIMES}
_FLOATS = {"float4", "float8"}
_LEAST = {"int4": "-2147483648", "int8": "-9223372036854775808"}
_LARGEST_DOUBLE = "1.7976931348623157e308"
_RELATIVE_STEP = "4.5e-16"
"""Doubles that are farther apart, relative to their size, have another double between them."""
_SMALLEST_STEP = "1e-307"
_MOST_DIGITS = 600


def range_text(value: str, of: Type, server_version: int, render: RenderValue) -> str:
    """Return the SQL of a range's JSON; `render` gives that of its bounds."""
    subtype = of.inner.base_name
    lower, upper = f"lower({value})", f"upper({value})"
    no_lower, no_upper, is_unusable = f"lower_inf({value})", f"upper_inf({value})", f"isempty({value})"
    if (infinities := _infinities(subtype, server_version)) is not None:
        lowest, highest = infinities
        no_lower += f" OR {lower}={lowest}"
        no_upper += f" OR {upper}={highest}"
        is_unusable += f" OR {lower}={highest} OR {upper}={lowest}"
    tests = [is_unusable, *_unfit(value, subtype, server_version)]
    bounds = ",".join(
        f"CASE WHEN {is_open} THEN NULL ELSE concat(CASE WHEN {function}({value})"
        f" THEN '\"{closed}\":' ELSE '\"{opened}\":' END,{_bound(bound, of.inner, render)}) END"
        for is_open, function, closed, opened, bound in (
            (no_lower, "lower_inc", "gte", "gt", lower),
            (no_upper, "upper_inc", "lte", "lt", upper),
        )
    )
    nulled = " ".join(f"WHEN {test} THEN {NULLED}" for test in tests)
    return (
        f"CASE WHEN {value} IS NULL THEN 'null' {nulled} ELSE concat('{{',concat_ws(',',{bounds}),'}}') END"
    )


def _bound(value: str, subtype: Type, render: RenderValue) -> str:
    text = render(value, subtype)
    if subtype.base_name not in _TIMES:
        return text
    whole = r"(T\d\d:\d\d:\d\d)(?!\.)"
    return rf"regexp_replace({text},'{whole}','\1.000')"


def _infinities(subtype: str, server_version: int) -> tuple[str, str] | None:
    if subtype in _DATES:
        return "'-infinity'", "'infinity'"
    if subtype in _FLOATS or (subtype == "numeric" and server_version >= 14):
        return "'-Infinity'", "'Infinity'"
    return None


def _unfit(value: str, subtype: str, server_version: int) -> list[str]:
    """Return the conditions under which Elasticsearch would refuse a range.

    Each is sound once those before it do not hold.
    """
    lower, upper = f"lower({value})", f"upper({value})"
    open_ends = f"(2-lower_inc({value})::int-upper_inc({value})::int)"
    if subtype in _LEAST:
        return [
            f"{upper}={_LEAST[subtype]} AND NOT upper_inc({value})",
            f"{upper}::numeric-{lower}::numeric<{open_ends}",
        ]
    if subtype in _DATES:
        last = "9999-12-31" if subtype == "date" else "9999-12-31 23:59:59.999999"
        years = f"NOT BETWEEN '0001-01-01' AND '{last}'"
        beyond = " OR ".join(f"(isfinite({end}) AND {end} {years})" for end in (lower, upper))
        both = f"isfinite({lower}) AND isfinite({upper})"
        if subtype == "date":
            shorter = f"{upper}-{lower}<{open_ends}"
        else:
            start, end = (f"date_trunc('milliseconds',{bound})" for bound in (lower, upper))
            shorter = f"{end}-{start}<interval '1 millisecond'*{open_ends}"
        return [beyond, f"CASE WHEN {both} THEN {shorter} END"]
    if subtype in _FLOATS or subtype == "numeric":
        return _unfit_numbers(value, subtype, server_version)
    return []


def _unfit_numbers(value: str, subtype: str, server_version: int) -> list[str]:
    ends = (f"lower({value})", f"upper({value})")
    lower, upper = ends
    tests = [f"{lower}='NaN' OR {upper}='NaN'"]
    if subtype == "numeric":
        no_number = not_numbers(server_version)
        tests += [
            f"{end} NOT IN ({no_number}) AND (abs({end})>{_LARGEST_DOUBLE} OR scale({end})>{_MOST_DIGITS})"
            for end in ends
        ]
    else:
        lower, upper = f"{lower}::text::numeric", f"{upper}::text::numeric"
    is_finite = " AND ".join(f"abs({end})<={_LARGEST_DOUBLE}" for end in ends)
    width, size = f"({upper}-{lower})", f"greatest(abs({lower}),abs({upper}))"
    is_narrow = f"{width}<{_SMALLEST_STEP} OR {width}<{_RELATIVE_STEP}*{size}"
    is_open = f"NOT (lower_inc({value}) AND upper_inc({value}))"
    return [*tests, f"CASE WHEN {is_finite} AND {is_open} THEN {is_narrow} END"]

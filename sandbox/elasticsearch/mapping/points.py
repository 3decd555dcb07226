"""The values of `geo_point` fields: latitude and longitude, in one of the ways the server reads them."""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.elasticsearch.mapping.fields import Field, UnfitError

MEMBERS = ("lon", "lat", "z", "type", "coordinates")
BASE_32 = frozenset("0123456789bcdefghjkmnpqrstuvwxyz")
LARGEST = {"latitude": 90.0, "longitude": 180.0}
_WELL_KNOWN_TEXT = re.compile(r"\s*POINT\s*\(\s*(\S+)\s+(\S+?)(\s+\S+?)?\s*\)\s*", re.IGNORECASE)


def check_points(target: Field, value: Any) -> None:
    """Raise `UnfitError` unless the value is a point or an array of points."""
    if not isinstance(value, list):
        _check_point(target, value)
    elif value and _is_number(value[0]):
        _check_numbers(target, value)
    else:
        for number, element in enumerate(value):
            try:
                if element is not None:
                    check_points(target, element)
            except UnfitError as problem:
                problem.path = (number, *problem.path)
                raise


def _check_point(target: Field, value: Any) -> None:
    match value:
        case dict():
            _check_object(target, value)
        case str() if "POINT" in value.upper():
            _check_well_known_text(value)
        case str() if "," in value:
            _check_pair(target, value)
        case str():
            _check_geohash(value)
        case _:
            raise _unread("geo_point expected")


def _check_numbers(target: Field, value: list[Any]) -> None:
    if not 2 <= len(value) <= 3 or not all(map(_is_number, value)):
        raise _unread("geo_point expected")
    _check_place(target, latitude=float(value[1]), longitude=float(value[0]))


def _check_object(target: Field, value: Mapping[str, Any]) -> None:
    unknown = next((name for name in value if name not in MEMBERS), None)
    if unknown is not None:
        raise _unread(f"field [{unknown}] not supported - must be one of: {', '.join(MEMBERS)}")
    if "coordinates" in value or "type" in value:
        _check_geo_json(target, value)
        return
    if "lat" not in value and "lon" not in value:
        raise _unread("field must be either lat/lon, geohash string or type/coordinates")
    latitude = _member(value, "lat", "latitude")
    _check_place(target, latitude=latitude, longitude=_member(value, "lon", "longitude"))


def _check_geo_json(target: Field, value: Mapping[str, Any]) -> None:
    coordinates = value.get("coordinates")
    if not isinstance(coordinates, list) or not all(map(_is_number, coordinates)):
        raise _unread("coordinates must be a number")
    if value.get("type") != "Point":
        raise _unread("[type] for geo_point can only be 'Point'")
    _check_numbers(target, coordinates)


def _member(value: Mapping[str, Any], name: str, whole_name: str) -> float:
    if name not in value:
        raise _unread(f"Required [{name}]")
    text = value[name]
    if text is None or isinstance(text, bool | dict | list):
        raise _unread(f"{whole_name} must be a number")
    try:
        return float(text)
    except ValueError:
        cause = ("number_format_exception", f'For input string: "{text}"')
        raise _unread(f"[{whole_name}] must be a valid double value", caused_by=cause) from None


def _check_well_known_text(text: str) -> None:
    found = _WELL_KNOWN_TEXT.fullmatch(text)
    try:
        longitude, latitude = (float(found[1]), float(found[2])) if found else (0.0, float("nan"))
    except ValueError:
        latitude = longitude = float("nan")
    for name, number in (("longitude", longitude), ("latitude", latitude)):
        most = LARGEST[name]
        if not -most <= number <= most:
            reason = f"invalid {name} {number}; must be between -{most} and {most}"
            raise _unread("Invalid WKT format", caused_by=("illegal_argument_exception", reason))


def _check_pair(target: Field, text: str) -> None:
    parts = [part.strip() for part in text.split(",")]
    if not 2 <= len(parts) <= 3:
        raise _unread(f"failed to parse [{text}], expected 2 or 3 coordinates but found: [{len(parts)}]")
    numbers = []
    for name, part in zip(("latitude", "longitude"), parts, strict=False):
        try:
            numbers.append(float(part))
        except ValueError:
            raise _unread(f"{name} must be a number") from None
    _check_place(target, latitude=numbers[0], longitude=numbers[1])


def _check_geohash(text: str) -> None:
    odd = next((character for character in text if character not in BASE_32), None)
    if not text:
        reason = "empty geohash"
    elif odd is not None:
        reason = f"unsupported symbol [{odd}] in geohash [{text}]"
    else:
        return
    raise _unread(reason, caused_by=("illegal_argument_exception", reason))


def _check_place(target: Field, *, latitude: float, longitude: float) -> None:
    for name, number in (("latitude", latitude), ("longitude", longitude)):
        if not -LARGEST[name] <= number <= LARGEST[name]:
            reason = f"illegal {name} value [{number}] for {target.path}"
            raise UnfitError("illegal_argument_exception", reason)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unread(reason: str, *, caused_by: tuple[str, str] | None = None) -> UnfitError:
    return UnfitError("parse_exception", reason, caused_by=caused_by)

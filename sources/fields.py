"""The fields of a source's configuration, as data in the exact shape of the Connector API.

FIELDS = {
    "host": field(1, "Host", tooltip="..."),
    "mode": choice(2, "Mode", "fast", {"fast": "Fast", "exact": "Exact"}, "..."),
}
"""

from collections.abc import Mapping
from typing import Any, Final

PROPERTY_DEFAULTS: Final[Mapping[str, Any]] = {
    "default_value": None,
    "depends_on": [],
    "display": "text",
    "label": "",
    "options": [],
    "order": 1,
    "required": True,
    "sensitive": False,
    "tooltip": None,
    "type": "str",
    "ui_restrictions": [],
    "validations": [],
    "value": "",
}
"""The properties a field has in Kibana, and what an absent one means."""


def field(order: int, label: str, **properties: Any) -> dict[str, Any]:
    """Complete a field, so that every property the Connector API stores is present."""
    return {**PROPERTY_DEFAULTS, "order": order, "label": label, **properties}


def advanced(order: int, label: str, default: Any, **properties: Any) -> dict[str, Any]:
    """Complete a field that has a default and is hidden in simple forms."""
    return field(
        order, label, required=False, default_value=default, ui_restrictions=["advanced"], **properties
    )


def number(
    order: int, label: str, default: int | None, limits: tuple[int, int], tooltip: str
) -> dict[str, Any]:
    """Complete a field for a whole number within limits, which is required if it has no default."""
    properties = {
        "type": "int", "display": "numeric", "validations": between(*limits), "tooltip": tooltip,
    }  # fmt: skip
    if default is None:
        return field(order, label, **properties)
    return advanced(order, label, default, **properties)


def choice(order: int, label: str, default: str, options: Mapping[str, str], tooltip: str) -> dict[str, Any]:
    """Complete a hidden field for one of some values, each given with its text."""
    return advanced(
        order,
        label,
        default,
        display="dropdown",
        options=[{"label": text, "value": value} for value, text in options.items()],
        validations=[{"type": "included_in", "constraint": list(options)}],
        tooltip=tooltip,
    )


def max_deleted_share(order: int) -> dict[str, Any]:
    """Complete the field for `Preferences.max_deleted_share`, in percent."""
    return number(
        order,
        "Largest share deleted",
        50,
        (1, 100),
        "Percent of a table's documents one job may delete; more ends it in error. Spares small tables.",
    )


def rejected_index(order: int) -> dict[str, Any]:
    """Complete the field for `Preferences.rejected_index`."""
    return advanced(
        order,
        "Index of refused documents",
        "",
        tooltip="Where to keep which documents Elasticsearch refused and why; empty for nowhere.",
    )


def between(low: int, high: int) -> list[dict[str, Any]]:
    """Return the validations of a whole number within these limits."""
    return [{"type": "greater_than", "constraint": low - 1}, {"type": "less_than", "constraint": high + 1}]


def limits_of(properties: Mapping[str, Any]) -> tuple[int, int]:
    """Return the limits that `between` wrote into a field."""
    constraints = {rule["type"]: rule["constraint"] for rule in properties["validations"]}
    return constraints["greater_than"] + 1, constraints["less_than"] - 1

"""The values an index's settings may have, of those settings that change how it behaves."""

from collections.abc import Mapping
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.indices.settings import BLOCKS, duration_seconds

LARGEST = 2**31 - 1
NUMBERS: Mapping[str, tuple[int, int]] = {
    "mapping.total_fields.limit": (0, LARGEST),
    "max_result_window": (1, LARGEST),
    "number_of_replicas": (0, LARGEST),
    "number_of_shards": (1, 1024),
    "priority": (0, LARGEST),
}
"""The smallest and the largest value."""
FLAGS = frozenset({"hidden", *BLOCKS})


def check(values: Mapping[str, Any]) -> None:
    """Refuse a value that cannot be; takes flat settings, of which null removes one."""
    for name, value in values.items():
        if value is None:
            continue
        if name in NUMBERS:
            _check_number(name, str(value))
        elif name in FLAGS and value not in ("true", "false"):
            raise errors.illegal_argument(
                f"Failed to parse value [{value}] as only [true] or [false] are allowed."
            )
        elif name == "refresh_interval":
            duration_seconds(str(value), "index.refresh_interval")


def _check_number(name: str, value: str) -> None:
    reason = f"Failed to parse value [{value}] for setting [index.{name}]"
    smallest, largest = NUMBERS[name]
    try:
        number = int(value)
    except ValueError:
        cause = errors.ElasticsearchError(400, "number_format_exception", f'For input string: "{value}"')
        raise errors.illegal_argument(reason, caused_by=cause) from None
    if number < smallest:
        raise errors.illegal_argument(f"{reason} must be >= {smallest}")
    if number > largest:
        raise errors.illegal_argument(f"{reason} must be <= {largest}")

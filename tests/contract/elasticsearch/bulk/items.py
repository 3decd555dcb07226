"""The items of a bulk answer."""

from typing import Any


def items_of(body: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [next(iter(item.items())) for item in body["items"]]

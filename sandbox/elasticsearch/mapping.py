"""The mapping of an index: which fields there are and whether a document fits them."""

from collections.abc import Mapping as Dictionary
from typing import Any


class Mapping:
    """What an index knows of its fields."""

    def __init__(self, body: Dictionary[str, Any] | None = None) -> None:
        self._body: dict[str, Any] = dict(body or {})

    def accept(self, document_id: str, source: bytes, parsed: Dictionary[str, Any] | None) -> None:
        """Check a document, and add the fields it brings; raises if it does not fit."""

    def to_wire(self) -> dict[str, Any]:
        """The mapping as an answer shows it."""
        return self._body

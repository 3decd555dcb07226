"""The mapping of an index: which fields there are, whether a document fits them, which fields it adds.

Most documents of an index look alike. So what a document of a given shape (its keys and the types of their
values) needs checked is worked out once, by the full walk of `document_parser`, and kept as a plan: the few
fields whose values have to be looked at each time. Only a document that does not pass its plan is walked
again, to be refused in full words.
"""

from collections.abc import Callable
from collections.abc import Mapping as Dictionary
from typing import Any

import orjson

from sandbox.elasticsearch import document_parser, mapping_definition
from sandbox.elasticsearch.fields import Field, quick_check, takes_any

MAX_PLANS = 1024
ALWAYS_WALKED = (dict, list)

Plan = tuple[tuple[str, Callable[[Any], Any]], ...]


class Mapping:
    """What an index knows of its fields."""

    def __init__(self, body: Dictionary[str, Any] | None = None, *, total_fields_limit: int = 1000) -> None:
        self.total_fields_limit = total_fields_limit
        self.root = Field("", "object")
        self.meta: dict[str, Any] = {}
        self.runtime: dict[str, Field] = {}
        self._plans: dict[tuple[Any, ...], Plan | None] = {}
        self.merge(body or {})

    def merge(self, body: Dictionary[str, Any]) -> None:
        """Add the fields of a mapping as a request gives it; raises, changing nothing, if they do not fit."""
        mapping_definition.merge(self, body)
        self._plans.clear()

    def accept(self, document_id: str, source: bytes, parsed: Dictionary[str, Any] | None = None) -> None:
        """Check a document and add the fields it brings.

        Raises `document_parsing_exception` or `strict_dynamic_mapping_exception`, and then adds none.
        `parsed` spares reading `source` again.
        """
        if parsed is None:
            parsed = _object(document_id, source)
        shape = (*parsed, *map(type, parsed.values()))
        plan = self._plans.get(shape)
        if plan is None:
            self._walk(document_id, source, parsed)
            if shape not in self._plans:
                self._remember(shape, parsed)
            return
        for name, surely_fits in plan:
            if not surely_fits(parsed[name]):
                self._walk(document_id, source, parsed)
                return

    def field(self, path: str) -> Field | None:
        """The field of a path as queries name it, also multi-fields (`title.keyword`) and runtime fields."""
        found = self._resolve(path)
        if found is not None and found.type == "alias":
            return self._resolve(str(found.parameters.get("path", "")))
        return found or self.runtime.get(path)

    def leaves(self) -> list[Field]:
        """Every field that holds values, without multi-fields."""
        found: list[Field] = []
        waiting = list(self.root.properties.values())
        while waiting:
            field = waiting.pop()
            if field.is_object:
                waiting.extend(field.properties.values())
            else:
                found.append(field)
        return found

    def to_wire(self) -> dict[str, Any]:
        """The mapping as an answer shows it."""
        wire: dict[str, Any] = dict(self.meta)
        wire.update(self.root.parameters)
        if self.runtime:
            wire["runtime"] = {name: {"type": field.type} for name, field in self.runtime.items()}
        if self.root.properties:
            properties = self.root.properties
            wire["properties"] = {name: properties[name].to_wire() for name in sorted(properties)}
        return wire

    def copy(self) -> "Mapping":
        """An independent mapping with the same fields."""
        return Mapping(self.to_wire(), total_fields_limit=self.total_fields_limit)

    def count(self) -> int:
        """How many fields there are towards the limit."""
        return self.root.count() - 1

    def _resolve(self, path: str) -> Field | None:
        node = self.root
        parts = path.split(".")
        for number, part in enumerate(parts):
            child = node.properties.get(part)
            if child is None:
                return node.fields.get(part) if number == len(parts) - 1 else None
            node = child
        return node if node is not self.root else None

    def _walk(self, document_id: str, source: bytes, parsed: Dictionary[str, Any]) -> None:
        if document_parser.parse(self, document_id, source, parsed):
            self._plans.clear()

    def _remember(self, shape: tuple[Any, ...], parsed: Dictionary[str, Any]) -> None:
        if len(self._plans) >= MAX_PLANS:
            self._plans.clear()
        plan = self._plan(parsed)
        if plan is not None:
            self._plans[shape] = plan

    def _plan(self, parsed: Dictionary[str, Any]) -> Plan | None:
        """What to check on a document of this shape; None if only the full walk will do."""
        steps = []
        for name, value in parsed.items():
            if value is None:
                continue
            field = self.root.properties.get(name)
            if field is None:
                if isinstance(value, ALWAYS_WALKED) or "." in name:
                    return None
                continue  # not mapped and not to be: the walk just passed
            if isinstance(value, ALWAYS_WALKED):
                if not (field.is_object and not field.is_enabled):
                    return None
                continue
            if not takes_any(field, type(value)):
                steps.append((name, quick_check(field, type(value))))
        return tuple(steps)


def _object(document_id: str, source: bytes) -> Dictionary[str, Any]:
    try:
        parsed = orjson.loads(source)
    except orjson.JSONDecodeError as error:
        raise document_parser.malformed(document_id, error.lineno, error.colno, error.msg) from None
    if not isinstance(parsed, dict):
        raise document_parser.malformed(document_id, 1, 1, "malformed document, expected an object")
    return parsed

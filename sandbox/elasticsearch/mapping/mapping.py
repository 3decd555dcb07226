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

from sandbox.elasticsearch.mapping import definitions, document_parser
from sandbox.elasticsearch.mapping.fields import quick_check, takes_any
from sandbox.elasticsearch.mapping.tree import FieldTree

MAX_PLANS = 1024
ALWAYS_WALKED = (dict, list)

Plan = tuple[tuple[str, Callable[[Any], Any]], ...]


class Mapping(FieldTree):
    """The fields of an index, as they grow with mappings and documents."""

    def __init__(self, body: Dictionary[str, Any] | None = None, *, total_fields_limit: int = 1000) -> None:
        super().__init__(total_fields_limit)
        self._plans: dict[tuple[Any, ...], Plan | None] = {}
        self.merge(body or {})

    def merge(self, body: Dictionary[str, Any]) -> None:
        """Add the fields of a mapping as a request gives it; raises, changing nothing, if they do not fit."""
        definitions.merge(self, body)
        self._plans.clear()

    def accept(self, document_id: str, source: bytes, parsed: Dictionary[str, Any] | None = None) -> None:
        """Check a document and add the fields it brings.

        Raises `document_parsing_exception` or `strict_dynamic_mapping_exception`, and then adds none.
        `parsed` spares reading `source` again.
        """
        if parsed is None:
            parsed = _object(source)
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
            steps += [
                (name, quick_check(one, type(value)))
                for one in (field, *field.fields.values())
                if not takes_any(one, type(value))
            ]
        return tuple(steps)


def _object(source: bytes) -> Dictionary[str, Any]:
    try:
        parsed = orjson.loads(source)
    except orjson.JSONDecodeError as error:
        raise document_parser.malformed(error.lineno, error.colno, error.msg) from None
    if not isinstance(parsed, dict):
        raise document_parser.malformed(1, 1, "malformed document, expected an object")
    return parsed

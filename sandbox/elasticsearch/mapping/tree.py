"""The fields of an index as a tree, and how a path finds one."""

from typing import Any

from sandbox.elasticsearch.mapping.fields import Field


class FieldTree:
    """Every field there is: those of documents below `root`, those that only searches see in `runtime`."""

    def __init__(self, total_fields_limit: int) -> None:
        self.total_fields_limit = total_fields_limit
        self.root = Field("", "object")
        self.meta: dict[str, Any] = {}
        self.runtime: dict[str, Field] = {}

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

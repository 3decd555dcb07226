"""The answer of a bulk request, cut down by `filter_path` without building what is cut away again.

Clients ask for a few members of thousands of items. All successful items have the same members, so which of
them a filter keeps is found out once for each action, on a sample.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.elasticsearch.json import filter_path

SAMPLE = {
    "_index": "i",
    "_id": "1",
    "_version": 1,
    "result": "created",
    "forced_refresh": True,
    "_shards": {"total": 2, "successful": 1, "failed": 0},
    "_seq_no": 0,
    "_primary_term": 1,
    "status": 201,
}
VARYING = frozenset({"error", "get"})
"""Members that only some items have: those are cut one by one."""


@dataclass(slots=True)
class ItemFilter:
    """What of the answer to give."""

    expression: str | None = None
    _kept: dict[str, tuple[str, ...] | None] = field(default_factory=dict)

    @classmethod
    def of(cls, expression: str | None) -> "ItemFilter":
        """The filter of a `filter_path`; without one everything is kept."""
        return cls(expression or None)

    def rendered(self, head: dict[str, Any], items: list[dict[str, Any]], *, pretty: bool) -> bytes:
        """The whole answer."""
        body: dict[str, Any] = {**head, "items": items}
        if self.expression is not None:
            body = filter_path.filtered(head, self.expression)
            kept = [item for item in map(self._item, items) if item is not None]
            if kept:
                body["items"] = kept
        return orjson.dumps(body, option=orjson.OPT_INDENT_2 if pretty else 0)

    def _item(self, item: dict[str, Any]) -> dict[str, Any] | None:
        action, members = next(iter(item.items()))
        names = None if members.keys() & VARYING else self._names(action)
        if names is None:
            cut = filter_path.filtered({"items": [item]}, self.expression or "").get("items")
            return cut[0] if cut else None
        kept = {name: members[name] for name in names if name in members}
        return {action: kept} if kept else None

    def _names(self, action: str) -> tuple[str, ...] | None:
        """The members of a successful item that are kept whole; None if one is kept in part."""
        if action not in self._kept:
            cut = filter_path.filtered({"items": [{action: SAMPLE}]}, self.expression or "")
            kept = cut["items"][0][action] if cut.get("items") else {}
            is_whole = all(SAMPLE[name] == value for name, value in kept.items())
            self._kept[action] = tuple(kept) if is_whole else None
        return self._kept[action]

"""The settings of an index that change how it behaves; every other setting is kept and given back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.elasticsearch import errors

DURATION = re.compile(r"^(-?\d+(?:\.\d+)?)(nanos|micros|ms|s|m|h|d)$")
SECONDS = {"nanos": 1e-9, "micros": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}

STATIC = frozenset({"number_of_shards", "codec", "routing_partition_size", "sort.field", "sort.order"})
FLOOD_STAGE = "disk usage exceeded flood-stage watermark, index has read-only-allow-delete block"
BLOCKS = {
    # setting: (id, status, description)
    "blocks.read_only": (5, 403, "FORBIDDEN/5/index read-only (api)"),
    "blocks.read": (7, 403, "FORBIDDEN/7/index read (api)"),
    "blocks.write": (8, 403, "FORBIDDEN/8/index write (api)"),
    "blocks.metadata": (9, 403, "FORBIDDEN/9/index metadata (api)"),
    "blocks.read_only_allow_delete": (
        12,
        429,
        f"TOO_MANY_REQUESTS/12/{FLOOD_STAGE}",
    ),
}


@dataclass(slots=True)
class IndexSettings:
    """The settings of one index, flat (`mapping.total_fields.limit`), values as strings."""

    values: dict[str, Any] = field(default_factory=dict)

    @property
    def refresh_interval_seconds(self) -> float:
        """How long a write may stay invisible to searches; negative: until a refresh is asked for."""
        value = str(self.values.get("refresh_interval", "1s"))
        return -1.0 if value == "-1" else duration_seconds(value, "index.refresh_interval")

    @property
    def max_result_window(self) -> int:
        """The largest `from` + `size`."""
        return int(self.values.get("max_result_window", 10_000))

    @property
    def total_fields_limit(self) -> int:
        """How many fields the mapping may have."""
        return int(self.values.get("mapping.total_fields.limit", 1000))

    @property
    def has_pipeline(self) -> bool:
        """Whether documents go through a pipeline that no request names."""
        return "default_pipeline" in self.values or "final_pipeline" in self.values

    def change(self, values: Mapping[str, Any]) -> None:
        """Take over new values; null removes one."""
        for name, value in values.items():
            if value is None:
                self.values.pop(name, None)
            else:
                self.values[name] = value

    def block(self, kind: str) -> errors.ElasticsearchError | None:
        """The block, if any, that forbids to `write`, to `read`, or `metadata` or `metadata_read`."""
        stopping = {
            "write": ("blocks.read_only", "blocks.write", "blocks.read_only_allow_delete"),
            "read": ("blocks.read",),
            "metadata": ("blocks.read_only", "blocks.metadata"),
            "metadata_read": ("blocks.metadata",),
        }[kind]
        hit = [BLOCKS[name] for name in stopping if self.values.get(name) == "true"]
        if not hit:
            return None
        status = 403 if any(status == 403 for _, status, _ in hit) else 429
        described = "".join(f"[{text}];" for _, _, text in hit)
        return errors.ElasticsearchError(status, "cluster_block_exception", described)


def flattened(body: Any, prefix: str = "") -> dict[str, Any]:
    """Settings as a request gives them (nested or dotted, with or without `index.`) in one flat form."""
    if not isinstance(body, Mapping):
        raise errors.illegal_argument("malformed settings, expected an object")
    flat: dict[str, Any] = {}
    for name, value in body.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            flat.update(flattened(value, f"{path}."))
        else:
            flat[path.removeprefix("index.")] = wire(value)
    return flat


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Flat settings as an answer shows them."""
    tree: dict[str, Any] = {}
    for path, value in sorted(flat.items()):
        *parents, last = path.split(".")
        node = tree
        for parent in parents:
            child = node.setdefault(parent, {})
            if not isinstance(child, dict):
                child = node[parent] = {}
            node = child
        node[last] = value
    return tree


def wire(value: Any) -> Any:
    """A setting's value as the server keeps it: strings, also for numbers and booleans."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case list():
            return [wire(element) for element in value]
        case _:
            return str(value)


def duration_seconds(value: str, name: str) -> float:
    """A duration such as `1s`, `500ms` or `5m` in seconds."""
    if value in ("0", "-1"):
        return float(value)
    found = DURATION.match(value)
    if found is None:
        raise errors.illegal_argument(
            f"failed to parse setting [{name}] with value [{value}] as a time value: "
            "unit is missing or unrecognized"
        )
    return float(found[1]) * SECONDS[found[2]]

"""One document against one mapping, in full: every value checked, new fields worked out, refusals worded.

The fields a document brings are gathered while it is walked and join the mapping only when all of it fits.
"""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.json.position import Anchor, locate
from sandbox.elasticsearch.mapping import dynamic_fields
from sandbox.elasticsearch.mapping.fields import HERE, PAST, STRUCTURED, Field, UnfitError
from sandbox.elasticsearch.mapping.structures import RANGES, check_structure
from sandbox.elasticsearch.mapping.tree import FieldTree

Path = tuple[str | int, ...]
MAX_DEPTH = 20
WHOLE = STRUCTURED - RANGES - {"flattened"}
"""Types to which an array is one value."""


def parse(mapping: FieldTree, document_id: str, source: bytes, parsed: Dictionary[str, Any]) -> bool:
    """Check a whole document and add the fields it brings; whether there were any."""
    walk = _Walk(mapping, document_id, source)
    walk.object(mapping.root, parsed, (), mapping.root.parameters.get("dynamic", True))
    if walk.disagreement is not None:
        raise errors.illegal_argument(walk.disagreement)
    if not walk.added and not walk.runtime:
        return False
    new = sum(child.count() for _, child in walk.added.values())
    if mapping.count() + new > mapping.total_fields_limit:
        reason = (
            f"Limit of total fields [{mapping.total_fields_limit}] has been exceeded while "
            f"adding new fields [{new}]"
        )
        raise walk.refused(
            f"failed to parse: {reason}",
            walk.first_new,
            errors.ElasticsearchError(400, "illegal_argument_exception", reason),
        )
    for parent, child in walk.added.values():
        parent.properties[child.path.rpartition(".")[2]] = child
    mapping.runtime.update(walk.runtime)
    return True


def malformed(line: int, column: int, message: str) -> errors.ElasticsearchError:
    """The refusal of a source that is not a JSON object."""
    return errors.ElasticsearchError(
        400,
        "document_parsing_exception",
        f"[{line}:{column}] failed to parse: [{line}:{column}] {message}",
        caused_by=errors.ElasticsearchError(400, "x_content_parse_exception", f"[{line}:{column}] {message}"),
    )


@dataclass(slots=True)
class _Walk:
    mapping: FieldTree
    document_id: str
    source: bytes
    added: dict[str, tuple[Field, Field]] = field(default_factory=dict)
    runtime: dict[str, Field] = field(default_factory=dict)
    first_new: Path = ()
    disagreement: str | None = None
    """Why what the document brings cannot be mapped, if all of it fits what is mapped."""

    def object(self, node: Field, value: Dictionary[str, Any], where: Path, dynamic: Any) -> None:
        """Every member of an object."""
        if len(where) > MAX_DEPTH:
            reason = (
                f"Limit of mapping depth [{MAX_DEPTH}] has been exceeded due to object field [{node.path}]"
            )
            raise self.refused(
                f"failed to parse: {reason}",
                where,
                errors.ElasticsearchError(400, "illegal_argument_exception", reason),
            )
        for name, member in value.items():
            here = (*where, name)
            parent, last = self._parent(node, name, here, dynamic)
            if parent is not None:
                self._member(parent, last, member, here, parent.parameters.get("dynamic", dynamic))

    def refused(
        self, reason: str, where: Path, cause: errors.ElasticsearchError | None = None
    ) -> errors.ElasticsearchError:
        """The exception for the value at this place."""
        line, column = locate(self.source, where)
        return errors.ElasticsearchError(
            400, "document_parsing_exception", f"[{line}:{column}] {reason}", caused_by=cause
        )

    def _parent(self, node: Field, name: str, where: Path, dynamic: Any) -> tuple[Field | None, str]:
        """The object that directly holds a name; a dotted name stands for nested objects."""
        if "." not in name and name.strip():
            return node, name
        parts = name.split(".")
        if any(not part.strip() for part in parts):
            raise self._bad_name(name, where)
        for part in parts[:-1]:
            child = self._child(node, part)
            if child is None:
                if not self._may_add(node, part, where, dynamic):
                    return None, ""
                child = self._add(node, part, Field(_joined(node, part), "object"), where)
            if not child.is_object:
                raise self._concrete(child, name, where)
            if not child.is_enabled:
                return None, ""
            node = child
        return node, parts[-1]

    def _bad_name(self, name: str, where: Path) -> errors.ElasticsearchError:
        if not name.strip():
            reason = (
                "field name cannot be an empty string"
                if not name
                else "field name cannot contain only whitespace"
            )
        else:
            reason = f"field name cannot contain only whitespace or have empty parts: [{name}]"
            if name.startswith(".") or name.endswith("."):
                reason = f"field name cannot contain only dots or start or end with a dot: [{name}]"
        return self.refused(
            f"failed to parse: {reason}",
            where,
            errors.ElasticsearchError(400, "illegal_argument_exception", reason),
        )

    def _member(self, parent: Field, name: str, value: Any, where: Path, dynamic: Any) -> None:
        child = self._child(parent, name)
        if child is None:
            if not parent.path and name.startswith("_") and name in METADATA_FIELDS:
                raise self._metadata_field(name, value, where)
            child = self._introduced(parent, name, value, where, dynamic)
            if child is None:
                return
        if child.path in self.added and child.type not in WHOLE:
            problem = dynamic_fields.disagreement(self.mapping, child, name, value)
            if problem is not None:
                self.disagreement = self.disagreement or problem
                return
        self._value(child, value, where, dynamic)

    def _value(self, target: Field, value: Any, where: Path, dynamic: Any) -> None:
        if value is None:
            return
        if target.is_object:
            self._object_value(target, value, where, dynamic)
        elif isinstance(value, list) and target.type not in WHOLE:
            for number, element in enumerate(value):
                self._value(target, element, (*where, number), dynamic)
        else:
            self._leaf(target, value, where)

    def _object_value(self, target: Field, value: Any, where: Path, dynamic: Any) -> None:
        if not target.is_enabled:
            return
        if isinstance(value, dict):
            self.object(target, value, where, target.parameters.get("dynamic", dynamic))
        elif isinstance(value, list):
            for number, element in enumerate(value):
                if element is not None:
                    self._object_value(target, element, (*where, number), dynamic)
        else:
            raise self._concrete(target, str(where[-1]), where)

    def _leaf(self, target: Field, value: Any, where: Path) -> None:
        try:
            check_structure(target, value)
        except UnfitError as problem:
            for number in problem.path:
                value, where = value[number], (*where, number)
            if problem.member is not None:
                value, where = value[problem.member], (*where, problem.member)
            cause = errors.ElasticsearchError(400, problem.type, problem.reason)
            if problem.caused_by is not None:
                cause.caused_by = errors.ElasticsearchError(400, *problem.caused_by)
            cause.reason = self._placed(problem.reason, value, where)
            shown = _preview(value) if problem.shows_value else "null"
            raise self._unfit(target, value, where, cause, shown) from None
        for sub in target.fields.values():
            self._leaf(sub, value, where)

    def _placed(self, reason: str, value: Any, where: Path) -> str:
        """A reason with the positions it speaks of."""
        line, column = locate(self.source, where)
        end = column if isinstance(value, dict | list) else locate(self.source, where, Anchor.END)[1]
        return reason.replace(HERE, f"{line}:{column}").replace(PAST, f"{line}:{end + 1}")

    def _unfit(
        self, target: Field, value: Any, where: Path, cause: errors.ElasticsearchError, shown: str
    ) -> errors.ElasticsearchError:
        """The refusal of a value by its field; the position is where the parser stands by then."""
        anchor = Anchor.END if isinstance(value, dict | list) else Anchor.VALUE
        line, column = locate(self.source, where, anchor)
        reason = f"[{line}:{column}] failed to parse field [{target.path}] of type [{target.type}]"
        if target.type != "geo_point":  # the server says no more about a point
            reason += f" in document with id '{self.document_id}'. Preview of field's value: '{shown}'"
        return errors.ElasticsearchError(400, "document_parsing_exception", reason, caused_by=cause)

    def _introduced(self, parent: Field, name: str, value: Any, where: Path, dynamic: Any) -> Field | None:
        """The field a value brings; None if it brings none (null, empty, or the mapping is not dynamic)."""
        if not parent.is_enabled or not self._may_add(parent, name, where, dynamic, value=value):
            return None
        path = _joined(parent, name)
        if str(dynamic) == "runtime" and not isinstance(value, dict):
            kind = dynamic_fields.runtime_type(self.mapping, value)
            if kind is not None:
                self.runtime[path] = Field(path, kind)
            return None
        created = dynamic_fields.created(self.mapping, path, name, value)
        return None if created is None else self._add(parent, name, created, where)

    def _may_add(self, parent: Field, name: str, where: Path, dynamic: Any, *, value: Any = ...) -> bool:
        setting = str(parent.parameters.get("dynamic", dynamic)).lower()
        if setting == "false":
            return False
        if setting == "strict" and value is not None:
            line, column = locate(self.source, where)
            within = parent.path or "_doc"
            raise errors.ElasticsearchError(
                400,
                "strict_dynamic_mapping_exception",
                f"[{line}:{column}] mapping set to strict, dynamic introduction of [{name}] within "
                f"[{within}] is not "
                "allowed",
            )
        return True

    def _child(self, parent: Field, name: str) -> Field | None:
        found = parent.properties.get(name)
        if found is None:
            new = self.added.get(_joined(parent, name))
            return new[1] if new is not None else None
        return found

    def _add(self, parent: Field, name: str, child: Field, where: Path) -> Field:
        if not self.added:
            self.first_new = where
        self.added[_joined(parent, name)] = (parent, child)
        return child

    def _concrete(self, target: Field, name: str, where: Path) -> errors.ElasticsearchError:
        if not target.is_object:
            reason = (
                f"Could not dynamically add mapping for field [{name}]. Existing mapping for "
                f"[{target.path}] must be of type object but found [{target.type}]."
            )
            cause = errors.ElasticsearchError(400, "illegal_argument_exception", reason)
            return self.refused(f"failed to parse: {reason}", where, cause)
        shown = "null" if isinstance(where[-1], int) else where[-1]
        return self.refused(
            f"object mapping for [{target.path}] tried to parse field [{shown}] as object, but found "
            "a concrete value",
            where,
        )

    def _metadata_field(self, name: str, value: Any, where: Path) -> errors.ElasticsearchError:
        if isinstance(value, list) and value:
            value, where = value[0], (*where, 0)
        reason = (
            f"Field [{name}] is a metadata field and cannot be added inside a document. "
            "Use the index API request parameters."
        )
        line, column = locate(self.source, where)
        cause = errors.ElasticsearchError(400, "document_parsing_exception", f"[{line}:{column}] {reason}")
        refusal = self._unfit(Field(name, name), value, where, cause, _preview(value))
        refusal.root_cause = cause
        return refusal


METADATA_FIELDS = frozenset(
    {
        "_id",
        "_index",
        "_source",
        "_routing",
        "_seq_no",
        "_version",
        "_field_names",
        "_ignored",
        "_tier",
        "_nested_path",
        "_data_stream_timestamp",
        "_ignored_source",
    }
)


def _joined(parent: Field, name: str) -> str:
    return f"{parent.path}.{name}" if parent.path else name


def _preview(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return "{" + ", ".join(f"{name}={_preview(member)}" for name, member in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_preview, value)) + "]"
        case None:
            return "null"
        case _:
            return str(value)

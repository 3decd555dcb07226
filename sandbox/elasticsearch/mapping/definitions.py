"""Mappings as requests give them: read, checked, and merged into what is there."""

from collections.abc import Mapping as Dictionary
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.mapping import dates
from sandbox.elasticsearch.mapping.fields import DATES, OBJECTS, TYPES, Field
from sandbox.elasticsearch.mapping.tree import FieldTree

ROOT_PARAMETERS = frozenset(
    {
        "_meta",
        "_source",
        "_routing",
        "_data_stream_timestamp",
        "date_detection",
        "dynamic_date_formats",
        "dynamic_templates",
        "numeric_detection",
    }
)
DYNAMIC_VALUES = frozenset({"true", "false", "strict", "runtime"})
MAY_CHANGE = frozenset(
    {"ignore_above", "meta", "search_analyzer", "ignore_malformed", "coerce", "dynamic", "boost"}
)


def merge(mapping: FieldTree, body: Any) -> None:
    """Merge a mapping's definition into a mapping; raises and changes nothing if they do not go together."""
    if not isinstance(body, Dictionary):
        raise _unparsable("mappings must be an object")
    unknown = {
        key: body[key]
        for key in body
        if key not in ROOT_PARAMETERS | {"properties", "dynamic", "runtime", "subobjects", "enabled"}
    }
    if unknown:
        described = " ".join(f"[{key} : {_as_java(value)}]" for key, value in unknown.items())
        raise _unparsable(f"Root mapping definition has unsupported parameters:  {described}")
    root = _object_field(
        "", {key: body[key] for key in body if key in ("properties", "dynamic", "subobjects", "enabled")}
    )
    runtime = {
        name: Field(name, str(definition.get("type")), {})
        for name, definition in (body.get("runtime") or {}).items()
        if isinstance(definition, dict)
    }
    _check_merge(mapping.root, root)
    added = _new_fields(mapping.root, root)
    if added and mapping.count() + added > mapping.total_fields_limit:
        raise errors.illegal_argument(
            f"Limit of total fields [{mapping.total_fields_limit}] has been exceeded"
        )
    _apply_merge(mapping.root, root)
    mapping.runtime.update(runtime)
    mapping.meta.update({key: body[key] for key in body if key in ROOT_PARAMETERS})


def field(path: str, body: Any) -> Field:
    """One field from its definition."""
    if not isinstance(body, Dictionary):
        raise _unparsable(
            f"Expected map for property [fields] on field [{path}] but got a class java.lang.String"
        )
    kind = body.get("type", "object")
    name = path.rpartition(".")[2]
    if not isinstance(kind, str) or kind not in TYPES:
        if "type" in body and not isinstance(kind, str):
            raise _unparsable(f"No type specified for field [{name}]")
        raise _unparsable(
            f"The mapper type [{kind}] declared on field [{name}] does not exist. It might have been "
            "created within a "
            "future version or requires a plugin to be installed. Check the documentation."
        )
    if kind in OBJECTS:
        return _object_field(path, body)
    if "properties" in body:
        raise _unparsable(
            f"Mapping definition for [{name}] has unsupported parameters:  [properties : "
            f"{body['properties']}]"
        )
    return _leaf_field(path, kind, body)


def _object_field(path: str, body: Dictionary[str, Any]) -> Field:
    dynamic = body.get("dynamic")
    if dynamic is not None and str(dynamic).lower() not in DYNAMIC_VALUES:
        raise _unparsable(f"Could not convert [{path}.dynamic] to boolean")
    parameters = {key: value for key, value in body.items() if key not in ("type", "properties")}
    if dynamic is not None:
        parameters["dynamic"] = str(dynamic).lower()
    result = Field(path, str(body.get("type", "object")), parameters)
    properties = body.get("properties") or {}
    if not isinstance(properties, Dictionary):
        raise errors.ElasticsearchError(400, "parse_exception", "properties must be a map type")
    for name, definition in properties.items():
        if not name.strip():
            raise _unparsable("field name cannot be an empty string")
        _place(result, name, definition)
    return result


def _place(parent: Field, name: str, definition: Any) -> None:
    """Put a field below its parent, through the objects a dotted name stands for."""
    *parents, last = name.split(".")
    for part in parents:
        path = f"{parent.path}.{part}" if parent.path else part
        parent = parent.properties.setdefault(part, Field(path, "object"))
    path = f"{parent.path}.{last}" if parent.path else last
    parent.properties[last] = field(path, definition)


def _leaf_field(path: str, kind: str, body: Dictionary[str, Any]) -> Field:
    name = path.rpartition(".")[2]
    parameters = {key: value for key, value in body.items() if key not in ("type", "fields")}
    if kind in DATES and "format" in parameters and not dates.is_known(str(parameters["format"])):
        reason = f"Invalid format: [{parameters['format']}]"
        raise _unparsable(f"Failed to parse mapping: {reason}", errors.illegal_argument(reason), prefix=False)
    if kind == "scaled_float" and "scaling_factor" not in parameters:
        raise _unparsable(f"Field [scaling_factor] is required for field [{name}]")
    result = Field(path, kind, parameters)
    for sub, definition in (body.get("fields") or {}).items():
        result.fields[sub] = field(f"{path}.{sub}", definition)
    return result


def _check_merge(present: Field, new: Field) -> None:
    for name, child in new.properties.items():
        existing = present.properties.get(name)
        if existing is None:
            continue
        if existing.is_object != child.is_object:
            kinds = ("non object", "an object") if child.is_object else ("object", "a non object")
            raise errors.illegal_argument(
                f"can't merge a {kinds[0]} mapping [{child.path}] with {kinds[1]} mapping"
            )
        if existing.type != child.type:
            if existing.is_object:
                raise errors.illegal_argument(
                    f"can't merge a nested mapping [{child.path}] with a non-nested mapping"
                )
            raise errors.illegal_argument(
                f"mapper [{child.path}] cannot be changed from type [{existing.type}] to [{child.type}]"
            )
        if existing.is_object:
            _check_merge(existing, child)
        else:
            _check_parameters(existing, child)


def _check_parameters(existing: Field, new: Field) -> None:
    for key in sorted(existing.parameters.keys() | new.parameters.keys()):
        before, after = existing.parameters.get(key), new.parameters.get(key)
        if key not in MAY_CHANGE and before != after:
            shown = [str(value).lower() if isinstance(value, bool) else value for value in (before, after)]
            raise errors.illegal_argument(
                f"Mapper for [{existing.path}] conflicts with existing mapper:\n\tCannot update "
                f"parameter [{key}] "
                f"from [{_default(shown[0])}] to [{_default(shown[1])}]"
            )
    for name, sub in new.fields.items():
        present = existing.fields.get(name)
        if present is not None and present.type != sub.type:
            raise errors.illegal_argument(
                f"mapper [{sub.path}] cannot be changed from type [{present.type}] to [{sub.type}]"
            )


def _default(value: Any) -> Any:
    return "default" if value is None else value


def _new_fields(present: Field, new: Field) -> int:
    total = 0
    for name, child in new.properties.items():
        existing = present.properties.get(name)
        if existing is None:
            total += child.count()
        elif existing.is_object:
            total += _new_fields(existing, child)
        else:
            total += len(child.fields.keys() - existing.fields.keys())
    return total


def _apply_merge(present: Field, new: Field) -> None:
    present.parameters.update(new.parameters)
    for name, child in new.properties.items():
        existing = present.properties.get(name)
        if existing is None:
            present.properties[name] = child
        elif existing.is_object:
            _apply_merge(existing, child)
        else:
            existing.parameters = {**existing.parameters, **child.parameters}
            existing.fields.update(child.fields)


def _as_java(value: Any) -> str:
    """A value as the server prints it."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}={_as_java(child)}" for key, child in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_as_java, value)) + "]"
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case _:
            return str(value)


def _unparsable(
    reason: str, cause: errors.ElasticsearchError | None = None, *, prefix: bool = True
) -> errors.ElasticsearchError:
    root = errors.ElasticsearchError(400, "mapper_parsing_exception", reason)
    shown = f"Failed to parse mapping: {reason}" if prefix else reason
    return errors.ElasticsearchError(
        400, "mapper_parsing_exception", shown, caused_by=cause or root, root_cause=root
    )

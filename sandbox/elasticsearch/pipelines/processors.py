"""The processors of ingest pipelines that the double executes, each a function on one document.

A processor that is known but not executed (scripts, attachments, inference) fails where it is reached;
it is never skipped.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.clock import Clock

TEMPLATE = re.compile(r"\{\{\{?\s*([\w.@]+)\s*\}?\}\}")


class DroppedError(Exception):
    """The document is not to be indexed."""


@dataclass(slots=True)
class Ingested:
    """A document on its way through a pipeline: its body, and the metadata processors may change."""

    index: str
    id: str | None
    body: dict[str, Any]
    clock: Clock = field(default_factory=Clock)

    def get(self, path: str) -> Any:
        """The value at a path; raises if there is none."""
        if path in ("_index", "_id"):
            return self.index if path == "_index" else self.id
        if path == "_ingest.timestamp":
            return self.clock.timestamp()
        node: Any = self.body
        for step in _steps(path):
            node = _child(node, step, path)
        return node

    def has(self, path: str) -> bool:
        """Whether there is a value at a path."""
        try:
            self.get(path)
        except errors.ElasticsearchError:
            return False
        return True

    def set(self, path: str, value: Any) -> None:
        """Put a value at a path, creating the objects that lead there."""
        if path == "_index":
            self.index = str(value)
            return
        if path == "_id":
            self.id = None if value is None else str(value)
            return
        *parents, last = _steps(path)
        node: Any = self.body
        for step in parents:
            if isinstance(node, list):
                node = _child(node, step, path)
                continue
            if not isinstance(node.get(step), dict | list):
                if step in node and node[step] is not None:
                    raise errors.illegal_argument(
                        f"cannot set [{last}] with parent object of type [java.lang.String] as part "
                        f"of path [{path}]"
                    )
                node[step] = {}
            node = node[step]
        if isinstance(node, list):
            node[int(last)] = value
        else:
            node[last] = value

    def remove(self, path: str) -> None:
        """Take away the value at a path; raises if there is none."""
        if path in ("_index", "_id"):
            if path == "_id":
                self.id = None
            return
        *parents, last = _steps(path)
        node: Any = self.body
        for step in parents:
            node = _child(node, step, path)
        _child(node, last, path)
        if isinstance(node, list):
            del node[int(last)]
        else:
            del node[last]

    def rendered(self, template: Any) -> Any:
        """A value with its `{{field}}` parts filled in."""
        if not isinstance(template, str) or "{{" not in template:
            return template
        return TEMPLATE.sub(lambda found: self._text(found[1]), template)

    def _text(self, path: str) -> str:
        value = self.get(path) if self.has(path) else ""
        return "" if value is None else str(value)


def _steps(path: str) -> list[str]:
    return path.removeprefix("_source.").removeprefix("ctx.").split(".")


def _child(node: Any, step: str, path: str) -> Any:
    if isinstance(node, dict) and step in node:
        return node[step]
    if isinstance(node, list) and step.isdigit() and int(step) < len(node):
        return node[int(step)]
    raise errors.illegal_argument(f"field [{step}] not present as part of path [{path}]")


Processor = Callable[[Ingested, Mapping[str, Any]], None]


def _field(options: Mapping[str, Any]) -> str:
    return str(options["field"])


def _set(document: Ingested, options: Mapping[str, Any]) -> None:
    path = document.rendered(_field(options))
    if options.get("override") is False and document.has(path) and document.get(path) is not None:
        return
    if "copy_from" in options:
        value = document.get(str(options["copy_from"]))
    else:
        value = document.rendered(options.get("value"))
    if options.get("ignore_empty_value") and value in (None, ""):
        return
    document.set(path, value)


def _remove(document: Ingested, options: Mapping[str, Any]) -> None:
    if "keep" in options:
        kept = _listed(options["keep"])
        for name in [name for name in document.body if name not in kept]:
            del document.body[name]
        return
    for name in _listed(options.get("field")):
        path = document.rendered(name)
        if options.get("ignore_missing") and not document.has(path):
            continue
        if not document.has(path):
            raise errors.illegal_argument(f"field [{path}] doesn't exist")
        document.remove(path)


def _rename(document: Ingested, options: Mapping[str, Any]) -> None:
    source, target = document.rendered(_field(options)), document.rendered(str(options["target_field"]))
    if not document.has(source):
        if options.get("ignore_missing"):
            return
        raise errors.illegal_argument(f"field [{source}] doesn't exist")
    if document.has(target) and not options.get("override"):
        raise errors.illegal_argument(f"field [{target}] already exists")
    value = document.get(source)
    document.remove(source)
    document.set(target, value)


def _drop(document: Ingested, options: Mapping[str, Any]) -> None:
    raise DroppedError


def _fail(document: Ingested, options: Mapping[str, Any]) -> None:
    # The server answers this one with 500: the pipeline failed, not the request.
    raise errors.ElasticsearchError(
        500, "fail_processor_exception", document.rendered(str(options["message"]))
    )


def _append(document: Ingested, options: Mapping[str, Any]) -> None:
    path = _field(options)
    present = document.get(path) if document.has(path) else []
    values = [document.rendered(value) for value in _any_list(options.get("value"))]
    together = [*_any_list(present)]
    for value in values:
        if options.get("allow_duplicates") is not False or value not in together:
            together.append(value)
    document.set(path, together)


def _text_processor(change: Callable[[str, Mapping[str, Any]], Any]) -> Processor:
    def process(document: Ingested, options: Mapping[str, Any]) -> None:
        path = _field(options)
        target = str(options.get("target_field", path))
        if not document.has(path) or document.get(path) is None:
            if options.get("ignore_missing"):
                return
            if document.has(path):
                raise errors.illegal_argument(f"field [{path}] is null, cannot process it.")
            document.get(path)
        value = document.get(path)
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(element, str) for element in values):
            raise errors.illegal_argument(
                f"field [{path}] of type [{_java_type(value)}] cannot be cast to [java.lang.String]"
            )
        changed = [change(element, options) for element in values]
        document.set(target, changed if isinstance(value, list) else changed[0])

    return process


def _gsub(text: str, options: Mapping[str, Any]) -> str:
    replacement = re.sub(r"\$(\d)", r"\\\1", str(options["replacement"]))
    return re.sub(str(options["pattern"]), replacement, text)


def _convert(document: Ingested, options: Mapping[str, Any]) -> None:
    path = _field(options)
    if not document.has(path) and options.get("ignore_missing"):
        return
    value = document.get(path)
    values = value if isinstance(value, list) else [value]
    converted = [_converted(element, str(options["type"])) for element in values]
    document.set(
        str(options.get("target_field", path)), converted if isinstance(value, list) else converted[0]
    )


def _converted(value: Any, kind: str) -> Any:
    try:
        match kind:
            case "integer" | "long":
                return int(value)
            case "float" | "double":
                return float(value)
            case "boolean":
                return {"true": True, "false": False}[str(value).lower()]
            case "string" | "auto":
                return str(value).lower() if isinstance(value, bool) else str(value)
    except (ValueError, KeyError, TypeError):
        pass
    raise errors.illegal_argument(f"unable to convert [{value}] to {kind}")


def _unsupported(name: str) -> Processor:
    def process(document: Ingested, options: Mapping[str, Any]) -> None:
        if "field" in options and options.get("ignore_missing") and not document.has(_field(options)):
            return
        raise errors.illegal_argument(f"[{name}] processors are stored but not executed by this server")

    return process


PROCESSORS: Mapping[str, tuple[Processor, tuple[str, ...]]] = {
    # name: (what it does, the options it cannot do without)
    "append": (_append, ("field", "value")),
    "convert": (_convert, ("field", "type")),
    "drop": (_drop, ()),
    "fail": (_fail, ("message",)),
    "gsub": (_text_processor(_gsub), ("field", "pattern", "replacement")),
    "lowercase": (_text_processor(lambda text, _: text.lower()), ("field",)),
    "remove": (_remove, ()),
    "rename": (_rename, ("field", "target_field")),
    "set": (_set, ("field",)),
    "split": (
        _text_processor(lambda text, options: re.split(options["separator"], text)),
        ("field", "separator"),
    ),
    "trim": (_text_processor(lambda text, _: text.strip()), ("field",)),
    "uppercase": (_text_processor(lambda text, _: text.upper()), ("field",)),
    **{
        name: (_unsupported(name), ())
        for name in (
            "attachment",
            "bytes",
            "csv",
            "date",
            "date_index_name",
            "dissect",
            "dot_expander",
            "enrich",
            "fingerprint",
            "foreach",
            "geoip",
            "grok",
            "html_strip",
            "inference",
            "join",
            "json",
            "kv",
            "redact",
            "reroute",
            "script",
            "set_security_user",
            "sort",
            "uri_parts",
            "urldecode",
            "user_agent",
        )
    },
}


def _listed(value: Any) -> list[str]:
    return [str(element) for element in value] if isinstance(value, list) else [str(value)]


def _any_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _java_type(value: Any) -> str:
    match value:
        case bool():
            return "java.lang.Boolean"
        case int():
            return "java.lang.Integer"
        case float():
            return "java.lang.Double"
        case dict():
            return "java.util.HashMap"
        case _:
            return "java.util.ArrayList"

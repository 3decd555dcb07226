"""Routes of index templates."""

import fnmatch
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Template, setting_values
from sandbox.elasticsearch.indices.aliases import definition
from sandbox.elasticsearch.indices.settings import flattened, nested
from sandbox.elasticsearch.json import token_of
from sandbox.elasticsearch.mapping import Mapping as IndexMapping
from sandbox.elasticsearch.security import ClusterPrivilege

PARAMETERS = frozenset(
    {"master_timeout", "timeout", "create", "cause", "local", "flat_settings", "include_defaults"}
)

PARTS = frozenset({"settings", "mappings", "aliases"})
ECHOED = ("version", "_meta", "allow_auto_create")
UNSUPPORTED = ("composed_of", "data_stream")
MEMBERS = frozenset({"index_patterns", "template", "priority", *ECHOED, *UNSUPPORTED})


def put(request: Request) -> Answer:
    """Store a template, in place of one of the same name."""
    body = request.json_object()
    name, state = request.parameter("name"), request.state
    _check_members("index_template", body, MEMBERS)
    if unsupported := [member for member in UNSUPPORTED if body.get(member)]:
        raise errors.illegal_argument(f"[{unsupported[0]}] of a template is not supported by this server")
    parts = _parts(body)
    if request.flag("create") and any(template.name == name for template in state.templates):
        raise errors.illegal_argument(f"index template [{name}] already exists")
    template = Template(
        name=name,
        patterns=_patterns(body),
        priority=_number(body, "priority") or 0,
        settings=_settings(name, parts),
        mappings=parts.get("mappings") or {},
        aliases={alias: definition(it or {}) for alias, it in (parts.get("aliases") or {}).items()},
        body={**body, **({"template": parts} if "template" in body else {})},
    )
    state.templates = [known for known in state.templates if known.name != name]
    state.templates.append(template)
    return Answer({"acknowledged": True})


def get(request: Request) -> Answer:
    """The templates of these names."""
    name = request.parameter("name")
    if "," in name:
        raise errors.illegal_argument("template name may not contain ','")
    found = _named(request)
    if not found and name and "*" not in name:
        raise errors.not_found(f"index template matching [{name}] not found")
    is_flat = request.flag("flat_settings")
    shown = [{"name": known.name, "index_template": _body(known, is_flat=is_flat)} for known in found]
    return Answer({"index_templates": shown}, 404 if name and not found else 200)


def exists(request: Request) -> Answer:
    """Whether there is such a template."""
    return Answer(b"", 200 if _named(request) else 404)


def delete(request: Request) -> Answer:
    """Remove the templates of these names."""
    found = _named(request)
    if not found:
        raise errors.ElasticsearchError(
            404, "index_template_missing_exception", f"index_template [{request.parameter('name')}] missing"
        )
    request.state.templates = [template for template in request.state.templates if template not in found]
    return Answer({"acknowledged": True})


def _named(request: Request) -> list[Template]:
    patterns = (request.parameter("name") or "*").split(",")
    return [
        template
        for template in request.state.templates
        if any(fnmatch.fnmatchcase(template.name, pattern) for pattern in patterns)
    ]


def _check_members(kind: str, body: dict[str, Any], known: frozenset[str]) -> None:
    unknown = [name for name in body if name not in known]
    if unknown:
        raise errors.parsing(f"[{kind}] unknown field [{unknown[0]}]")


def _settings(name: str, parts: dict[str, Any]) -> dict[str, Any]:
    values = flattened(parts.get("settings") or {})
    try:
        setting_values.check(values)
    except errors.ElasticsearchError as error:
        reason = f"index_template [{name}] invalid, cause [Validation Failed: 1: {error.reason};]"
        raise errors.ElasticsearchError(400, "invalid_index_template_exception", reason) from None
    return values


def _patterns(body: dict[str, Any]) -> tuple[str, ...]:
    if "index_patterns" not in body:
        raise errors.illegal_argument("Required [index_patterns]")
    patterns = body["index_patterns"]
    if not isinstance(patterns, str | list):
        raise errors.parsing(
            f"[index_template] index_patterns doesn't support values of type: {token_of(patterns)}"
        )
    if not patterns:
        raise errors.illegal_argument("There must be at least one pattern, zero given")
    return (patterns,) if isinstance(patterns, str) else tuple(map(str, patterns))


def _parts(body: dict[str, Any]) -> dict[str, Any]:
    """What an index gets, its mappings no longer nested under a type."""
    parts = body.get("template") or {}
    if not isinstance(parts, dict):
        raise errors.parsing("[index_template] failed to parse field [template]")
    _check_members("template", parts, PARTS)
    mappings = parts.get("mappings") or {}
    if list(mappings) == ["_doc"]:
        mappings = mappings["_doc"]
    IndexMapping(mappings)
    return {**parts, **({"mappings": mappings} if "mappings" in parts else {})}


def _number(body: dict[str, Any], name: str) -> int | None:
    try:
        return None if body.get(name) is None else int(body[name])
    except (TypeError, ValueError):
        raise errors.parsing(f"[index_template] failed to parse field [{name}]") from None


def _body(template: Template, *, is_flat: bool) -> dict[str, Any]:
    """A template as the server gives it back: patterns in a list, settings as strings below `index`."""
    given = template.body
    shown: dict[str, Any] = {"index_patterns": list(template.patterns)}
    if not given or "template" in given:
        shown["template"] = _shown_parts(template, is_flat=is_flat)
    shown["composed_of"] = []
    if not given or "priority" in given:
        shown["priority"] = template.priority
    return {**shown, **{name: given[name] for name in ECHOED if given.get(name) is not None}}


def _shown_parts(template: Template, *, is_flat: bool) -> dict[str, Any]:
    settings = flattened(template.settings)
    wanted = template.body.get("template", PARTS)
    parts: dict[str, Any] = {
        "settings": (
            {f"index.{name}": value for name, value in settings.items()}
            if is_flat
            else {"index": nested(settings)}
        ),
        "mappings": dict(template.mappings),
        "aliases": dict(template.aliases),
    }
    return {name: parts[name] for name in parts if name in wanted}


MANAGE = ClusterPrivilege("manage_index_templates", "indices:admin/index_template/put")
READ = ClusterPrivilege("manage_index_templates", "indices:admin/index_template/get")

ROUTES = [
    Route("PUT", "/_index_template/{name}", put, PARAMETERS, Body.REQUIRED, MANAGE),
    Route("POST", "/_index_template/{name}", put, PARAMETERS, Body.REQUIRED, MANAGE),
    Route("GET", "/_index_template/{name}", get, PARAMETERS, Body.NONE, READ),
    Route("GET", "/_index_template", get, PARAMETERS, Body.NONE, READ),
    Route("HEAD", "/_index_template/{name}", exists, PARAMETERS, Body.NONE, READ),
    Route("DELETE", "/_index_template/{name}", delete, PARAMETERS, Body.NONE, MANAGE),
]

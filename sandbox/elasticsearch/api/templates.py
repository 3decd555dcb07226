"""Routes of index templates."""

import fnmatch
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import Template
from sandbox.elasticsearch.indices.settings import flattened
from sandbox.elasticsearch.mapping import Mapping as IndexMapping
from sandbox.elasticsearch.security import ClusterPrivilege

PARAMETERS = frozenset(
    {"master_timeout", "timeout", "create", "cause", "local", "flat_settings", "include_defaults"}
)


def put(request: Request) -> Answer:
    """Store a template, in place of one of the same name."""
    body = request.json_object()
    name = request.parameter("name")
    patterns = body.get("index_patterns")
    if isinstance(patterns, str):
        patterns = [patterns]
    if not isinstance(patterns, list) or not patterns:
        raise errors.illegal_argument("Required [index_patterns]")
    parts = body.get("template") or {}
    if not isinstance(parts, dict):
        raise errors.parsing("[index_template] failed to parse field [template]")
    IndexMapping(parts.get("mappings"))
    priority = body.get("priority", 0)
    if not isinstance(priority, int):
        raise errors.parsing("[index_template] failed to parse field [priority]")
    state = request.state
    state.templates = [template for template in state.templates if template.name != name]
    state.templates.append(
        Template(
            name=name,
            patterns=tuple(map(str, patterns)),
            priority=priority,
            settings=flattened(parts.get("settings") or {}),
            mappings=parts.get("mappings") or {},
            aliases=parts.get("aliases") or {},
            body=body,
        )
    )
    return Answer({"acknowledged": True})


def get(request: Request) -> Answer:
    """The templates of these names."""
    found = _named(request)
    if not found and request.parameter("name") and "*" not in request.parameter("name"):
        raise errors.not_found(f"index template matching [{request.parameter('name')}] not found")
    return Answer({"index_templates": [{"name": t.name, "index_template": _body(t)} for t in found]})


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
    pattern = request.parameter("name") or "*"
    return [template for template in request.state.templates if fnmatch.fnmatchcase(template.name, pattern)]


def _body(template: Template) -> dict[str, Any]:
    if template.body:
        return dict(template.body)
    return {
        "index_patterns": list(template.patterns),
        "priority": template.priority,
        "template": {
            "settings": dict(template.settings),
            "mappings": dict(template.mappings),
            "aliases": dict(template.aliases),
        },
        "composed_of": [],
        "allow_auto_create": True,
    }


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

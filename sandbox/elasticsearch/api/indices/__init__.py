"""Routes of indices, with their mappings and settings, of aliases and of templates."""

from sandbox.elasticsearch.api.indices import aliases, indices, templates

ROUTES = [*indices.ROUTES, *aliases.ROUTES, *templates.ROUTES]

__all__ = ["ROUTES"]

"""The routes of every API but the connectors': a module a family, and what their handlers have in common."""

from sandbox.elasticsearch.api import (
    aliases,
    bulk,
    by_query,
    cat,
    cluster,
    documents,
    health,
    indices,
    pipelines,
    search,
    security,
    statistics,
    templates,
    updates,
)

ROUTES = [
    *cluster.ROUTES,
    *health.ROUTES,
    *cat.ROUTES,
    *statistics.ROUTES,
    *indices.ROUTES,
    *documents.ROUTES,
    *updates.ROUTES,
    *bulk.ROUTES,
    *pipelines.ROUTES,
    *search.ROUTES,
    *by_query.ROUTES,
    *aliases.ROUTES,
    *templates.ROUTES,
    *security.ROUTES,
]

__all__ = ["ROUTES"]

"""The routes of every API but the connectors': a module a family, and what their handlers have in common."""

from sandbox.elasticsearch.api import cluster, documents, indices, pipelines, search, security

ROUTES = [
    *cluster.ROUTES,
    *indices.ROUTES,
    *documents.ROUTES,
    *pipelines.ROUTES,
    *search.ROUTES,
    *security.ROUTES,
]

__all__ = ["ROUTES"]

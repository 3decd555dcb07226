"""All routes of the server, gathered from the modules that define them."""

from sandbox.elasticsearch import (
    aliases,
    bulk,
    by_query,
    cluster,
    connectors,
    documents,
    indices,
    ingest_routes,
    search,
    security_routes,
    template_routes,
)
from sandbox.elasticsearch.routing import Route


def routes() -> list[Route]:
    """Every route the server knows."""
    return [
        *cluster.ROUTES,
        *indices.ROUTES,
        *documents.ROUTES,
        *bulk.ROUTES,
        *ingest_routes.ROUTES,
        *search.ROUTES,
        *by_query.ROUTES,
        *aliases.ROUTES,
        *template_routes.ROUTES,
        *security_routes.ROUTES,
        *connectors.ROUTES,
    ]

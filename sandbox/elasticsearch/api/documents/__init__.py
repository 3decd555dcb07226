"""Routes that read and write documents: one, several at once, by a query."""

from sandbox.elasticsearch.api.documents import bulk, by_query, single, updates

ROUTES = [*single.ROUTES, *updates.ROUTES, *bulk.ROUTES, *by_query.ROUTES]

__all__ = ["ROUTES"]

"""Routes that describe the cluster: version and license, health, indices as a table, statistics."""

from sandbox.elasticsearch.api.cluster import cat, health, info, statistics

ROUTES = [*info.ROUTES, *health.ROUTES, *cat.ROUTES, *statistics.ROUTES]

__all__ = ["ROUTES"]

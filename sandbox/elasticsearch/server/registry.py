"""Every route the server knows."""

from sandbox.elasticsearch import api, connectors

ROUTES = (*api.ROUTES, *connectors.ROUTES)

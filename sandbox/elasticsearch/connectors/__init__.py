"""The Connector APIs: connectors, sync jobs and secrets.

parsing, members, bodies              a body -> its declared members, or the error in the server's words
configuration, filtering, scheduling,
features, cron, instants              what the members hold, normalised as the server stores it
states                                the two state machines
documents                             the documents in the two `.elastic-connectors*` indices
connectors, connector_updates,
sync_jobs, secrets                    the routes
"""

from sandbox.elasticsearch.connectors import connector_updates, connectors, secrets, sync_jobs

ROUTES = [*connectors.ROUTES, *connector_updates.ROUTES, *sync_jobs.ROUTES, *secrets.ROUTES]

__all__ = ["ROUTES"]

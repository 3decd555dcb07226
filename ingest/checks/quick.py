"""What a container's health check asks, every few seconds: imports nothing that jobs need."""

from collections.abc import AsyncIterator

from ingest.checks import cluster
from ingest.checks.readiness import readiness
from ingest.checks.report import Check
from ingest.config import Config
from ingest.elasticsearch.client import Client


async def quick_checks(config: Config, client: Client) -> AsyncIterator[Check]:
    """Check quickly whether the service can work: ask the service if it runs here, else Elasticsearch."""
    service = config.service
    if service.status_port:
        yield await readiness(service.status_host, service.status_port)
        return
    async for check in cluster.checks(client, ", ".join(config.elasticsearch.hosts)):
        yield check

"""All checks in order: the cluster, then each connector with its index and its source."""

from collections.abc import AsyncIterator

from ingest import errors
from ingest.checks import cluster, connector, tables
from ingest.checks.report import Check, Severity, note, problem
from ingest.config import Config, ConnectorEntry
from ingest.config.consistency import unknown_types
from ingest.elasticsearch.client import Client
from ingest.protocol import Connector, connectors
from sources.registry import SOURCES

BUDGET_SECONDS = 5.0


async def examine(config: Config, client: Client, *, connector_id: str | None = None) -> AsyncIterator[Check]:
    """Look at everything the service and the first job of each connector need, or of one connector.

    Checks come as they are made. What cannot be looked at because of a problem before it is left out.
    """
    if not connector_id and not config.connectors and not config.service.worker_mode:
        yield problem(
            "config.yml", "It names no connector: list them under connectors, or set service.worker_mode."
        )
    for wrong in unknown_types(config, SOURCES):
        yield problem("config.yml", f"{wrong.at}: {wrong.problem}")
    hosts = ", ".join(config.elasticsearch.hosts)
    async for check in cluster.checks(client, hosts):
        yield check
        if check.severity is Severity.PROBLEM:
            return
    async for check in cluster.privilege_checks(client, cluster.SUBJECT, cluster.SERVICE_PRIVILEGES):
        yield check
    try:
        existing = await listed(config, client, connector_id)
    except errors.IngestError as error:
        yield problem(cluster.SUBJECT, str(error))
        return
    entries = {entry.connector_id: entry for entry in config.connectors}
    for wanted in [connector_id] if connector_id else entries:
        if wanted not in existing:
            yield _missing(wanted, entries.get(wanted))
    for found in existing.values():
        async for check in _connector_checks(client, found, entries.get(found.id)):
            yield check


async def listed(config: Config, client: Client, connector_id: str | None) -> dict[str, Connector]:
    """Return the connector of this id, or all that `config.yml` stands for, by their ids."""
    service = config.service
    ids = [connector_id] if connector_id else [entry.connector_id for entry in config.connectors]
    served = service.service_types if service.worker_mode and not connector_id else ()
    found = await connectors.search(client, ids=ids, service_types=served, budget_seconds=BUDGET_SECONDS)
    return {one.id: one for one in found}


def _missing(connector_id: str, entry: ConnectorEntry | None) -> Check:
    subject = connector.subject_of(connector_id)
    if entry is not None and entry.create:
        return note(subject, "It does not exist yet; the service creates it when it starts.")
    return problem(
        subject,
        f"It does not exist. Create it: elastic-ingest connector create {connector_id} --index-name INDEX",
    )


async def _connector_checks(
    client: Client, found: Connector, entry: ConnectorEntry | None
) -> AsyncIterator[Check]:
    seen = connector.checks(found, entry)
    for check in seen:
        yield check
    content = client.for_content("check", entry.api_key if entry else None)
    if found.index_name is not None:
        subject = connector.subject_of(found.id)
        privileges = cluster.content_privileges(found.index_name)
        async for check in cluster.privilege_checks(content, subject, privileges):
            yield check
        async for check in connector.index_checks(content, found):
            yield check
    source_class = connector.source_of(found)
    is_configured = not any(check.severity is Severity.PROBLEM for check in seen)
    if source_class is not None and is_configured:
        async for check in connector.shared_index_checks(client, content, found, source_class):
            yield check
        async for check in connector.rejected_index_checks(content, found, source_class):
            yield check
        async for check in tables.checks(source_class, found, content):
            yield check

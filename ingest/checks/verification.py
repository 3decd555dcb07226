"""Whether the index of a connector is its tables, by what the connector is configured with now."""

from collections.abc import Mapping

from ingest.checks.all_checks import listed
from ingest.config import Config, ConnectorEntry
from ingest.elasticsearch.client import Client
from ingest.protocol import Connector, values_of
from ingest.sync.request import SyncOptions, SyncRequest
from ingest.sync.rules import BasicRules
from ingest.sync.verification.findings import Findings
from ingest.sync.verification.verify import Tell, Thoroughness, verify
from sources import registry
from sources.errors import SourceConfigurationError
from sources.registry import SOURCES


async def chosen(config: Config, client: Client, connector_id: str | None) -> list[Connector]:
    """Return the connector of this id, or all that `config.yml` stands for, in the order of their ids."""
    return sorted((await listed(config, client, connector_id)).values(), key=lambda one: one.id)


async def verify_connector(
    config: Config,
    client: Client,
    connector: Connector,
    *,
    thoroughness: Thoroughness,
    tell: Tell,
) -> Findings:
    """Compare a connector's tables with its index. Raises IngestError or SourceError if it cannot be done."""
    if connector.index_name is None:
        raise SourceConfigurationError(f"Connector {connector.id} has no index.")
    entries: Mapping[str, ConnectorEntry] = {entry.connector_id: entry for entry in config.connectors}
    entry = entries.get(connector.id)
    content = client.for_content("verify", entry.api_key if entry else None)
    source_class = registry.find(SOURCES, connector.service_type)
    async with source_class(values_of(connector.configuration)) as source:
        await source.ping()
        rules = connector.active.advanced_snippet
        problems = [message for one in await source.validate(rules) for message in one.messages]
        problems += [str(one) for one in await source.check(rules) if one.is_fatal]
        if problems:
            raise SourceConfigurationError(*problems)
        request = SyncRequest(
            source=source,
            index_name=connector.index_name,
            pipeline=connector.pipeline,
            rules=BasicRules.from_wire(list(connector.active.rules)),
            advanced_rules=rules,
            options=SyncOptions(bulk=config.elasticsearch.bulk, readings=source.preferences.readings),
        )
        return await verify(request, content, thoroughness, tell)

"""The connectors this service works for: which there are, what is known of each, and a tick for each.

list -> create missing ones that `config.yml` wants -> tick each in a task of its own
     -> note what is known of when a job of each completed last
"""

import asyncio
from collections.abc import Mapping, Set
from datetime import UTC, datetime
from typing import Final

from ingest.config import Config
from ingest.connector.state import ConnectorState
from ingest.connector.tick import Ticker, passed_over
from ingest.elasticsearch.client import Client
from ingest.log import get_logger
from ingest.protocol import Connector, connectors
from ingest.service.completions import Completions
from ingest.service.loops import attempt
from ingest.service.lost_jobs import StaleSyncs
from ingest.service.pacing import Pace
from ingest.service.queue import Queue
from sources.contract import Source

LISTING_SECONDS: Final = 5.0
"""Connectors are listed at least this often: a new one wants its schema, an edited one its status."""
STALE_SHARE: Final = 1 / 30
"""Share of the idle limit after which a connector in progress without a running job counts as stale."""


class Fleet:
    """Keeps the list of connectors up to date and sees to each of them."""

    def __init__(
        self, *, client: Client, config: Config, sources: Mapping[str, type[Source]], queue: Queue
    ) -> None:
        self._client = client
        self._sources = sources
        self._queue = queue
        self._missing: set[str] = set()
        self._ticking: set[str] = set()
        self.connectors: Mapping[str, Connector] = {}
        """Every connector we work for by its id, as it was listed last."""
        self.completions = Completions(client)
        self.states: dict[str, ConnectorState] = {}
        self.pace = Pace(LISTING_SECONDS)
        self.configure(config)

    def configure(self, config: Config) -> None:
        """Work by this configuration from the next round on."""
        service = config.service
        self._service = service
        self._entries = {entry.connector_id: entry for entry in config.connectors}
        self._ticker = Ticker(
            client=self._client,
            sources=self._sources,
            service_types={entry.connector_id: entry.service_type for entry in config.connectors},
            heartbeat_seconds=service.heartbeat_seconds,
            recheck_seconds=service.idling_seconds,
            source_checks=asyncio.Semaphore(service.max_concurrent_scheduling_tasks),
        )
        self._stale = StaleSyncs(grace_seconds=service.idle_limit_seconds * STALE_SHARE)
        self.pace.interval_seconds = min(LISTING_SECONDS, service.idling_seconds)

    @property
    def connector_ids(self) -> Set[str]:
        """The connectors that `config.yml` names, whether or not they exist, and all others we work for."""
        return self._entries.keys() | self.connectors.keys()

    async def round(self, group: asyncio.TaskGroup) -> None:
        """List our connectors, create missing ones that `config.yml` wants, start a tick for each."""
        listed = await connectors.search(
            self._client, ids=self._entries, service_types=self._served_types(), known=self.connectors
        )
        for connector in listed:
            known = self.connectors.get(connector.id)
            if known is None or known.version != connector.version:
                self._queue.reconsider(connector.id)
        self.connectors = {connector.id: connector for connector in listed}
        self.states = {one: state for one, state in self.states.items() if one in self.connectors}
        await self._create_missing()
        for connector in listed:
            # One that hangs in its source does not hold up the others; it is just not ticked again meanwhile.
            if connector.id in self._ticking:
                passed_over(connector, self.states[connector.id], "the last look has not ended yet")
                continue
            self._ticking.add(connector.id)
            group.create_task(self._tick(connector))
        self.completions.note(self.connectors, group)

    def _served_types(self) -> tuple[str, ...]:
        return self._service.service_types if self._service.worker_mode else ()

    async def _create_missing(self) -> None:
        for connector_id, entry in self._entries.items():
            if connector_id in self.connectors:
                continue
            was_created = entry.create and await connectors.create(
                self._client,
                connector_id,
                service_type=entry.service_type,
                index_name=entry.index_name,
                name=entry.name or connector_id,
            )
            if was_created:
                get_logger().info("connector.created", connector_id=connector_id)
                self.pace.wake()
            elif connector_id not in self._missing:
                get_logger().warning(
                    "connector.missing",
                    connector_id=connector_id,
                    remedy=f"elastic-ingest connector create {connector_id} --index-name INDEX, or "
                    "create: true and index_name in its entry of config.yml.",
                )
                self._missing.add(connector_id)
        self._missing -= self.connectors.keys()

    async def _tick(self, connector: Connector) -> None:
        state = self.states.setdefault(connector.id, ConnectorState())
        try:
            await attempt("connector", lambda: self._see_to(connector, state), connector_id=connector.id)
        finally:
            self._ticking.discard(connector.id)
        if state.agenda.next_at is not None:
            self.pace.look_within((state.agenda.next_at - datetime.now(UTC)).total_seconds())

    async def _see_to(self, connector: Connector, state: ConnectorState) -> None:
        await self._ticker.tick(connector, state)
        if connector.id not in self._queue.running:
            await self._stale.repair(self._client, connector)

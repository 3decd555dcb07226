"""One connector's tick: everything the service does for a connector besides running its jobs.

    check in when due -> register the schema -> validate draft rules -> check the source -> create due jobs

A tick starts from the connector as it was listed and writes only what changes. A guarded write that lost
its race is dropped: the next tick starts from what the winner wrote.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import orjson

from ingest import errors
from ingest.connector import registration
from ingest.connector.agenda import require_schedules
from ingest.connector.cron import ScheduleError
from ingest.connector.state import ConnectorState, Examined
from ingest.elasticsearch.client import Client
from ingest.log import get_logger
from ingest.protocol import (
    ADVANCED_SNIPPET,
    Connector,
    ConnectorStatus,
    FilteringError,
    JobStatus,
    ValidationState,
    connectors,
    timestamp,
    values_of,
)
from ingest.protocol.error_texts import error_text
from ingest.sync import rules
from sources import registry
from sources.contract import Features, Source
from sources.errors import SourceConfigurationError, SourceError, SourceUnavailableError

MOST_ASKING = 16
"""How many connectors are read or checked in at the same time: each takes a connection to Elasticsearch."""
_UNCONFIGURED = (ConnectorStatus.CREATED, ConnectorStatus.NEEDS_CONFIGURATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """Does the ticks of a service's connectors."""

    client: Client
    sources: Mapping[str, type[Source]]
    service_types: Mapping[str, str] = field(default_factory=dict)
    """Which service type `config.yml` gives a connector, by its id."""
    heartbeat_seconds: float = 300.0
    recheck_seconds: float = 30.0
    """How often a source that could not be used is tried again."""
    check_timeout_seconds: float = 60.0
    """How long one check of a source may take."""
    source_checks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(4))
    """How many sources are checked at the same time."""
    asking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_ASKING))
    """Without it a service of a thousand connectors would begin with a thousand requests at once."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic

    async def tick(self, connector: Connector, state: ConnectorState) -> None:
        """Do what is due for this connector. Safe in any number of replicas.

        The listing a connector comes from is a search and may lag behind; so what looks like work is read
        again.
        """
        if state.check_in_at is None:
            state.agenda.unattended_since = connector.last_seen
        async with self.asking:
            current = await self._read_if_due(connector, state)
        if current is not None:
            await self._work(current, state)

    async def _read_if_due(self, connector: Connector, state: ConnectorState) -> Connector | None:
        """Check in if that is due; read the connector if there is work, None if not."""
        has_checked_in = await self._check_in(connector, state)
        if has_checked_in or self._has_work(connector, state):
            return await connectors.get(self.client, connector.id)
        passed_over(connector, state, _why_nothing_is_done(connector, state))
        return None

    def _has_work(self, connector: Connector, state: ConnectorState) -> bool:
        try:
            examined = self._examined(connector, state)
            return (
                not examined.is_registered
                or connector.draft.state is ValidationState.EDITED
                or self._is_check_due(connector, state)
                or bool(state.agenda.due(connector, self._scheduled(connector, state), self.now()))
                or (self._follows(connector, state) and state.follow_schedule.is_due(connector))
                or (state.agenda.has_uncreated_runs and state.usable == examined.digest)
            )
        except (SourceError, ScheduleError) as error:
            return connector.error != error_text(error, connector.configuration)

    async def _work(self, connector: Connector, state: ConnectorState) -> None:
        try:
            source_class = self._source_class(connector)
            if await self._register(connector, source_class):
                return
            if connector.status in _UNCONFIGURED:
                return
            await self._validate_draft(connector, source_class)
            require_schedules(connector, source_class.features)
            if await self._is_usable(connector, source_class, state):
                features = self._scheduled(connector, state)
                await state.agenda.create_due_jobs(self.client, connector, features, self.now())
                if self._follows(connector, state) and state.follow_schedule.is_due(connector):
                    await state.follow_schedule.create(self.client, connector, self.now())
        except (SourceError, ScheduleError) as error:
            await self._show_error(connector, error_text(error, connector.configuration))

    async def _check_in(self, connector: Connector, state: ConnectorState) -> bool:
        """Check in unless somebody did within the interval; say whether we did.

        Compares no clock of ours with the server's: what counts is when we saw `last_seen` change.
        """
        now = self.monotonic()
        # Replicas that saw the same check-in must not all do the next one.
        next_at = now + self.heartbeat_seconds * random.uniform(0.7, 1.0)  # noqa: S311
        is_first = state.check_in_at is None
        if connector.last_seen != state.last_seen:
            state.last_seen, state.check_in_at = connector.last_seen, next_at
        if not is_first and state.check_in_at is not None and now < state.check_in_at:
            return False
        await connectors.check_in(self.client, connector.id)
        state.check_in_at = next_at
        return True

    def _examined(self, connector: Connector, state: ConnectorState) -> Examined:
        """Examine the connector unless that was done already. Raises SourceError."""
        known, configured = state.examined, self.service_types.get(connector.id)
        if known is None or known.connector is not connector or known.configured_type != configured:
            source_class = self._source_class(connector)
            known = state.examined = Examined(
                connector=connector,
                configured_type=configured,
                source_class=source_class,
                is_registered=not registration.missing_members(connector, source_class),
                digest=_digest(connector),
            )
        return known

    def _source_class(self, connector: Connector) -> type[Source]:
        configured = self.service_types.get(connector.id)
        service_type = connector.service_type or configured
        if configured is not None and service_type != configured:
            raise SourceConfigurationError(
                f"The connector's service type is {service_type!r}, but config.yml says {configured!r}; "
                "make them agree."
            )
        return registry.find(self.sources, service_type)

    async def _register(self, connector: Connector, source_class: type[Source]) -> bool:
        """Describe the source on the connector; say whether anything was written."""
        members = registration.missing_members(connector, source_class)
        if not members:
            return False
        try:
            await connectors.register(self.client, connector, members)
        except errors.ConflictError:
            return True
        get_logger().info("connector.registered", connector_id=connector.id, wrote=sorted(members))
        return True

    async def _validate_draft(self, connector: Connector, source_class: type[Source]) -> None:
        """Say what is wrong with an edited draft, or make it the active set of rules.

        The server activates only what is valid at that moment, and every edit makes a draft `edited`. So
        the one race left is an edit between our reading and our verdict; the reading back finds it and
        takes the verdict back.
        """
        if connector.draft.state is not ValidationState.EDITED:
            return
        problems = await self._problems_of(connector, source_class)
        state = ValidationState.INVALID if problems else ValidationState.VALID
        await connectors.update_filtering_validation(self.client, connector.id, state, problems)
        current = await connectors.get(self.client, connector.id)
        if current is None:
            return
        if replace(current.draft, state=None) != replace(connector.draft, state=None):
            await connectors.update_filtering_validation(self.client, connector.id, ValidationState.EDITED)
        elif state is ValidationState.VALID and current.draft.state is ValidationState.VALID:
            await connectors.activate_filtering(self.client, connector.id)
        get_logger().info("filtering.validated", connector_id=connector.id, state=state.value)

    async def _problems_of(
        self, connector: Connector, source_class: type[Source]
    ) -> tuple[FilteringError, ...]:
        problems = tuple(rules.validate(connector.draft.rules))
        snippet = connector.draft.advanced_snippet
        if not snippet:
            return problems
        async with self._opened(source_class, connector) as source:
            found = await source.validate(snippet)
        return problems + tuple(
            FilteringError(ids=(ADVANCED_SNIPPET,), messages=problem.messages) for problem in found
        )

    def _scheduled(self, connector: Connector, state: ConnectorState) -> Features:
        """Return the features whose jobs have schedules: while a connector follows, one goes on anyway."""
        features = self._examined(connector, state).source_class.features
        return replace(features, incremental_sync=False) if self._follows(connector, state) else features

    def _follows(self, connector: Connector, state: ConnectorState) -> bool:
        """Whether the configuration asks to follow; one that cannot be used asks for nothing."""
        if connector.status in _UNCONFIGURED:
            return False
        examined = self._examined(connector, state)
        if state.follows is None or state.follows[0] != examined.digest:
            state.follows = (examined.digest, _asks_to_follow(examined.source_class, connector))
        return state.follows[1]

    def _is_check_due(self, connector: Connector, state: ConnectorState) -> bool:
        """Whether to check the source: its configuration is new, or its last check failed a while ago."""
        if connector.status in _UNCONFIGURED:
            return False
        digest = self._examined(connector, state).digest
        if digest == state.unusable:
            return self.monotonic() >= state.check_again_at
        return digest != state.usable or _needs_clearing(connector)

    async def _is_usable(
        self, connector: Connector, source_class: type[Source], state: ConnectorState
    ) -> bool:
        """Check the source if that is due, and clear an error that is gone. Raises SourceError."""
        digest = self._examined(connector, state).digest
        if not self._is_check_due(connector, state):
            return digest == state.usable
        state.usable, state.unusable = None, digest
        state.check_again_at = self.monotonic() + self.recheck_seconds
        async with self._opened(source_class, connector) as source:
            await source.ping()
            findings = await source.check(connector.active.advanced_snippet)
        fatal = [str(finding) for finding in findings if finding.is_fatal]
        if fatal:
            raise SourceConfigurationError(*fatal)
        state.usable, state.unusable = digest, None
        if _needs_clearing(connector):
            await connectors.update_error(self.client, connector.id, None)
            get_logger().info("connector.connected", connector_id=connector.id)
        return True

    @asynccontextmanager
    async def _opened(self, source_class: type[Source], connector: Connector) -> AsyncIterator[Source]:
        """Open the source for a short check: one that hangs must not hold up the tick."""
        try:
            async with (
                self.source_checks,
                asyncio.timeout(self.check_timeout_seconds),
                source_class(values_of(connector.configuration)) as source,
            ):
                yield source
        except TimeoutError as error:
            raise SourceUnavailableError(
                f"{source_class.name} did not answer within {self.check_timeout_seconds:.0f} s."
            ) from error

    async def _show_error(self, connector: Connector, text: str) -> None:
        """Make the connector show the error; written once, not at every tick."""
        if connector.status is ConnectorStatus.ERROR and connector.error == text:
            return
        get_logger().warning("connector.unusable", connector_id=connector.id, error=text)
        await connectors.update_error(self.client, connector.id, text)


def passed_over(connector: Connector, state: ConnectorState, reason: str) -> None:
    """Log why nothing is done for a connector, once for each reason."""
    if state.passed_over != reason:
        state.passed_over = reason
        get_logger().debug("connector.passed_over", connector_id=connector.id, reason=reason)


def _why_nothing_is_done(connector: Connector, state: ConnectorState) -> str:
    if connector.status in _UNCONFIGURED:
        return "it is not configured yet"
    due = state.agenda.next_at
    return "nothing is due" if due is None else f"nothing is due before {timestamp(due)}"


def _digest(connector: Connector) -> bytes:
    """Return what decides whether the source can be used: its values, and whether rules say what is read."""
    has_rules = bool(connector.active.advanced_snippet)
    return orjson.dumps([values_of(connector.configuration), has_rules], option=orjson.OPT_SORT_KEYS)


def _asks_to_follow(source_class: type[Source], connector: Connector) -> bool:
    if not source_class.features.incremental_sync:
        return False
    try:
        return source_class(values_of(connector.configuration)).preferences.follows
    except SourceError:
        return False


def _needs_clearing(connector: Connector) -> bool:
    """Whether the connector shows less than `connected` for a reason that is ours to take back.

    An error its last job ended with is not: it stays until a job starts.
    """
    is_of_a_job = (
        connector.last_sync_status is JobStatus.ERROR and connector.error == connector.last_sync_error
    )
    has_own_error = connector.status is ConnectorStatus.ERROR and not is_of_a_job
    return connector.status is ConnectorStatus.CONFIGURED or has_own_error

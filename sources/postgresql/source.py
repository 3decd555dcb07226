"""The PostgreSQL source: configuration in, slices out."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, ClassVar, Self

from sources.contract import Features, Finding, Preferences, RuleProblem, Slice
from sources.errors import SourceConfigurationError
from sources.feed import Feed
from sources.network import Network
from sources.postgresql import settings, statements
from sources.postgresql.catalog.catalog import Catalog
from sources.postgresql.catalog.discovery import discover
from sources.postgresql.catalog.findings import database_findings
from sources.postgresql.changes.server_state import STATE
from sources.postgresql.changes.table_state import Servers
from sources.postgresql.connection import Database, Limits
from sources.postgresql.failures import translated
from sources.postgresql.fields import FIELDS
from sources.postgresql.read.rule_results import RuleSlice
from sources.postgresql.read.tables import TableSlice
from sources.postgresql.render.mappings import keyword
from sources.postgresql.rules import advanced
from sources.postgresql.settings import FullSync, Mappings


class PostgreSQL:
    """A database whose tables, or whose advanced rules' results, are read as documents.

    While it is open, one connection at most waits for the next piece of work.
    """

    service_type: ClassVar[str] = "postgresql"
    name: ClassVar[str] = "PostgreSQL"
    fields: ClassVar[Mapping[str, Mapping[str, Any]]] = FIELDS
    features: ClassVar[Features] = Features(
        basic_sync_rules=True, advanced_sync_rules=True, incremental_sync=True
    )
    members: ClassVar[Mapping[str, Any]] = {name: keyword() for name in ("database", "schema", "table")}

    network: ClassVar[Network] = Network()

    def __init__(self, configuration: Mapping[str, Any], limits: Limits | None = None) -> None:
        self.settings = settings.parse(configuration)
        self.database = Database(self.settings, limits or Limits(), self.network)
        self._opening: Any = None
        """How feeds are opened; its driver is loaded only by who follows."""

    @property
    def scope(self) -> Mapping[str, str]:
        return {"database": self.settings.database}

    @property
    def preferences(self) -> Preferences:
        return Preferences(
            rewrites=self.settings.full_sync is FullSync.REWRITE,
            derives_mappings=self.settings.mappings is Mappings.DERIVED,
            # As Elastic's service means it: attempts in all.
            readings=max(1, self.settings.retry_count),
            max_deleted_share=self.settings.max_deleted_share,
            follows=self.settings.follow,
            follow_seconds=self.settings.follow_interval,
            rejected_index=self.settings.rejected_index,
        )

    async def __aenter__(self) -> Self:
        self.database.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.database.close()

    async def ping(self) -> None:
        with translated(f"Asking database {self.settings.database!r}"):
            async with self.database.transaction() as connection:
                await connection.fetch(statements.PING, timeout=self.database.limits.command_seconds)

    async def check(self, advanced_rules: Any) -> Sequence[Finding]:
        with translated(f"Checking database {self.settings.database!r}"):
            async with self.database.transaction() as connection:
                catalog = Catalog(connection, self.database.limits.command_seconds)
                findings = await database_findings(catalog)
                if advanced.are_given(advanced_rules):
                    return findings  # they say what is read, whatever the list of tables says
                discovery = await discover(catalog, self.settings)
                findings = [*discovery.findings, *findings]
                if self.settings.follow:
                    from sources.postgresql.feed import readiness  # its driver is loaded only by who follows

                    findings += await readiness.findings(self.database, connection, discovery.targets)
                return findings

    async def state(self) -> str | None:
        with translated(f"Asking database {self.settings.database!r}"):
            async with self.database.transaction() as connection:
                state: str | None = await connection.fetchval(
                    STATE, timeout=self.database.limits.command_seconds
                )
                return state

    async def validate(self, advanced_rules: Any) -> Sequence[RuleProblem]:
        return await advanced.validate(advanced_rules, self.database)

    async def slices(self, advanced_rules: Any, seed: int) -> Sequence[Slice]:
        if parsed := advanced.parse(advanced_rules):
            return [await self._rule_slice(rule, seed) for rule in parsed]
        with translated(f"Looking for the tables of database {self.settings.database!r}"):
            async with self.database.transaction() as connection:
                catalog = Catalog(connection, self.database.limits.command_seconds)
                discovery = await discover(catalog, self.settings)
                fatal = [str(finding) for finding in discovery.findings if finding.is_fatal]
                if fatal:
                    raise SourceConfigurationError(*fatal)
                servers = Servers()
                return [
                    TableSlice(
                        database=self.database,
                        target=target,
                        server_version=catalog.server_version,
                        servers=servers,
                        seed=seed,
                    )
                    for target in discovery.targets
                ]

    def feed(self, slices: Sequence[Slice]) -> AbstractAsyncContextManager[Feed]:
        """Open a feed from the server's log; see `sources.feed.Feeding`."""
        from sources.postgresql.feed.opening import Opening

        self._opening = self._opening or Opening(database=self.database)
        opened: AbstractAsyncContextManager[Feed] = self._opening.feed(slices)
        return opened

    async def _rule_slice(self, rule: advanced.Rule, seed: int) -> Slice:
        described = await advanced.describe(rule, self.database)
        return RuleSlice(database=self.database, described=described, seed=seed)

"""The SQLite source: a file in, its tables out."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from sources.contract import Features, Finding, Preferences, RuleProblem, Slice
from sources.errors import SourceConfigurationError
from sources.fields import field, max_deleted_share, rejected_index
from sources.network import Network
from sources.settings import SettingsReader
from sources.sqlite import tables

KEYWORD = {"type": "keyword"}


class SQLite:
    """A database file whose tables are read as documents. Nothing is held between pieces of work."""

    service_type: ClassVar[str] = "sqlite"
    name: ClassVar[str] = "SQLite"
    fields: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "path": field(1, "Path", tooltip="The database file, as an absolute path where the service runs."),
        "tables": field(
            2, "Tables", required=False, default_value="*", value="*",
            tooltip="Names divided by commas; * for every table.",
        ),
        "max_deleted_share": max_deleted_share(3),
        "rejected_index": rejected_index(4),
    }  # fmt: skip
    features: ClassVar[Features] = Features(basic_sync_rules=True)
    network: ClassVar[Network] = Network()
    members: ClassVar[Mapping[str, Any]] = {"database": KEYWORD, "table": KEYWORD}

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        reader = SettingsReader(self.fields, configuration)
        path, names = reader.text("path"), reader.text("tables")
        share = reader.integer("max_deleted_share") / 100
        rejected = reader.text("rejected_index").strip()
        if path and not Path(path).is_absolute():
            reader.problem("path", "must be an absolute path")
        if reader.problems:
            raise SourceConfigurationError(*reader.problems)
        self.path = Path(path)
        self.names = [name.strip() for name in names.split(",") if name.strip()]
        self.preferences = Preferences(max_deleted_share=share, rejected_index=rejected)

    @property
    def scope(self) -> Mapping[str, str]:
        return {"database": str(self.path)}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""

    async def ping(self) -> None:
        await asyncio.to_thread(self._layouts)

    async def check(self, advanced_rules: Any) -> Sequence[Finding]:
        return self._findings(await asyncio.to_thread(self._layouts))

    async def state(self) -> None:
        """SQLite tells only those who stay connected."""
        return

    async def validate(self, advanced_rules: Any) -> Sequence[RuleProblem]:
        if not advanced_rules:
            return ()
        return (RuleProblem(ids=("advanced_snippet",), messages=("SQLite has no advanced sync rules.",)),)

    async def slices(self, advanced_rules: Any, seed: int) -> Sequence[Slice]:
        layouts = await asyncio.to_thread(self._layouts)
        if findings := self._findings(layouts):
            raise SourceConfigurationError(*(str(finding) for finding in findings))
        return [
            tables.TableSlice(path=self.path, name=name, names=tuple(columns), seed=seed)
            for name, (columns, _) in layouts.items()
        ]

    def _layouts(self) -> dict[str, tuple[list[str], list[str]]]:
        """Return columns and key of each selected table; no columns for one that does not exist."""
        with tables.translated(f"Opening {self.path}"):
            connection = tables.opened(self.path)
            try:
                existing = [name for (name,) in connection.execute(tables.TABLES)]
                selected = {} if "*" not in self.names else dict.fromkeys(existing)
                selected |= dict.fromkeys(name for name in self.names if name != "*")
                return {name: tables.layout(connection, name) for name in selected}
            finally:
                connection.close()

    @staticmethod
    def _findings(layouts: Mapping[str, tuple[list[str], list[str]]]) -> list[Finding]:
        findings = []
        for name, (columns, key) in layouts.items():
            if not columns:
                findings.append(Finding(problem=f"Table {name!r} was not found.", remedy="Correct Tables."))
            elif not key:
                findings.append(
                    Finding(problem=f"Table {name} has no primary key.", remedy="Add one, or leave it out.")
                )
        return findings

"""The data path of a full sync: slices -> batches -> decisions -> chunks -> results -> proven deletes."""

from dataclasses import dataclass, field
from typing import Any

from ingest import config
from ingest.elasticsearch.client import Client
from ingest.lease import Lease
from ingest.protocol import Pipeline
from ingest.rules import BasicRules
from ingest.stats import Stats
from sources.base import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """How one sync is done: the service's settings and what the connector's configuration asks for."""

    bulk: config.Bulk = field(default_factory=config.Bulk)
    rewrite: bool = False
    """Send every document, changed or not (`full_sync: rewrite` of the connector's configuration)."""
    derive_mappings: bool = True
    """Give an index we create a mapping derived from the columns (`mappings: dynamic` turns it off)."""
    language: str | None = None
    """The connector's language: which analyzer the text fields of an index we create get."""
    progress_seconds: float = 10.0
    """How often progress is logged."""
    readings: int = 3
    """How often a slice is read at most when the source is lost on the way."""


async def full_sync(
    *,
    source: Source,
    client: Client,
    index_name: str,
    pipeline: Pipeline,
    rules: BasicRules,
    advanced_rules: Any,
    options: SyncOptions,
    stats: Stats,
    lease: Lease,
    log: Any,
) -> None:
    """Make the index say what the source says.

    Returns only if every row was read and every document acknowledged, refused or known to be unchanged, and what the
    source no longer has was deleted. Raises an error of `ingest.errors` or `sources.errors` otherwise; `stats` is exact
    either way. `source` is open, `client` is a content view with the connector's credentials.
    """
    raise NotImplementedError

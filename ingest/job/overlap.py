"""Refuses a job whose index belongs to another connector too, if their documents cannot be told apart.

A sync deletes what its source does not have any more, within the source's scope. Two connectors of one scope
on one index, by whatever name or alias, would each delete what the other wrote.
"""

from collections.abc import Mapping

from ingest.elasticsearch import indices
from ingest.elasticsearch.client import Client
from ingest.errors import ElasticsearchRefusedError
from ingest.protocol import Connector, SyncJob, connectors, values_of
from sources.contract import Source
from sources.errors import SourceConfigurationError, SourceError


def overlaps(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Say whether a document may be within both scopes."""
    return all(other.get(name, value) == value for name, value in one.items())


async def require_sole(
    client: Client, content: Client, job: SyncJob, source: Source, sources: Mapping[str, type[Source]]
) -> None:
    """Raise SourceConfigurationError if another connector of this scope writes to the job's index.

    `content` is the view with the connector's own key: another's index that it may not see is not its own.
    """
    name = job.index_name or ""
    for other in await connectors.search(client, ids=(), service_types=[source.service_type]):
        if other.id == job.connector_id or not other.index_name:
            continue
        scope = _scope_of(other, sources)
        if scope is None or not overlaps(source.scope, scope):
            continue
        if other.index_name == name or await _is_one_index(content, name, other.index_name):
            raise SourceConfigurationError(
                f"Connector {other.id} writes documents of the same {', '.join(source.scope)} to the index "
                f"{other.index_name}, which is the index of this connector too: each would delete what the "
                "other wrote. Give one of them an index of its own, or let one connector read all of it."
            )


def _scope_of(connector: Connector, sources: Mapping[str, type[Source]]) -> Mapping[str, str] | None:
    """Return the scope of a connector; None while it is not configured."""
    try:
        return sources[connector.service_type or ""](values_of(connector.configuration)).scope
    except SourceError:
        return None


async def _is_one_index(content: Client, name: str, other: str) -> bool:
    try:
        mine, theirs = await indices.find(content, name), await indices.find(content, other)
    except ElasticsearchRefusedError:
        return False
    return mine is not None and theirs is not None and mine.uuid == theirs.uuid

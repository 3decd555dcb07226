"""Refuses a job whose index belongs to another connector too, if their documents cannot be told apart.

A sync deletes what its source does not have any more, within the source's scope. Two connectors of one scope
on one index, by whatever name or alias, would each delete what the other wrote. Decision 18 says why the
scope is the database, and nothing narrower.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ingest.elasticsearch import indices
from ingest.elasticsearch.client import Client
from ingest.errors import ElasticsearchRefusedError
from ingest.protocol import Connector, connectors, values_of
from sources.contract import Source
from sources.errors import SourceConfigurationError, SourceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The index that a connector wants for itself."""

    connector_id: str
    index_name: str


def overlaps(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Say whether a document may be within both scopes."""
    return all(other.get(name, value) == value for name, value in one.items())


async def require_sole(
    client: Client, content: Client, claimed: Claimed, source: Source, sources: Mapping[str, type[Source]]
) -> None:
    """Raise SourceConfigurationError if another connector of this scope writes to the connector's index.

    `content` is the view with the connector's own key, which may not see the other's index by its alias.
    """
    name = claimed.index_name
    for other in await connectors.with_an_index(client):
        if other.id == claimed.connector_id or not other.index_name:
            continue
        scope = _scope_of(other, source, sources)
        if scope is None or not overlaps(source.scope, scope):
            continue
        if other.index_name == name or await _is_one_index((content, client), name, other.index_name):
            raise SourceConfigurationError(
                f"Connector {other.id} {_deed(source, scope)} to the index {other.index_name}, which is the "
                "index of this connector too: each would delete what the other wrote. Give one of them an "
                "index of its own, or let one connector read all of it."
            )


def _scope_of(
    connector: Connector, source: Source, sources: Mapping[str, type[Source]]
) -> Mapping[str, str] | None:
    """Return the scope of a connector, with no member if it can be any; None if it has written nothing.

    A configuration that cannot be used says nothing about the documents that were written under another. Of a
    connector that another service serves, the values under the names of this scope's members are its scope.
    """
    values = values_of(connector.configuration)
    if (known := sources.get(connector.service_type or "")) is None:
        return {name: str(values[name]) for name in source.scope if values.get(name)} or None
    try:
        return known(values).scope
    except SourceError:
        return None if connector.last_synced is None else {}


def _deed(source: Source, scope: Mapping[str, str]) -> str:
    if not scope:
        return "has a configuration that cannot be used, and wrote documents"
    return f"writes documents of the same {', '.join(source.scope)}"


async def _is_one_index(views: Iterable[Client], name: str, other: str) -> bool:
    """Say whether two names lead to one index, as far as any of the views may see both."""
    for view in views:
        try:
            mine, theirs = await indices.find(view, name), await indices.find(view, other)
        except ElasticsearchRefusedError:
            continue
        return mine is not None and theirs is not None and mine.uuid == theirs.uuid
    return False

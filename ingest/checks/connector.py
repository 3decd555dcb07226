"""A connector: is it there, configured and free to run; what are its index and its pipeline?"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from ingest import errors
from ingest.checks import cluster
from ingest.checks.report import Check, note, ok, problem
from ingest.config import ConnectorEntry
from ingest.connector.agenda import require_schedules
from ingest.elasticsearch import index_names, indices, mappings
from ingest.elasticsearch.client import Client
from ingest.job.shared_index import Claimed, require_sole
from ingest.protocol import Connector, ConnectorStatus, values_of
from ingest.sync.index import conflicts
from ingest.sync.preparation import read_pipelines
from sources import registry
from sources.contract import Slice, Source
from sources.errors import SourceConfigurationError, SourceError
from sources.registry import SOURCES

_UNCONFIGURED: Final = (ConnectorStatus.CREATED, ConnectorStatus.NEEDS_CONFIGURATION)


def checks(connector: Connector, entry: ConnectorEntry | None) -> list[Check]:
    """Look at the connector's document."""
    subject = subject_of(connector.id)
    found = [_service_type(connector, entry)]
    if connector.status in _UNCONFIGURED or not connector.configuration:
        found.append(
            problem(
                subject,
                "It is not configured yet. Start the service, which registers its fields, then: "
                f"elastic-ingest connector configure {connector.id}",
            )
        )
    if connector.index_name is None:
        found.append(problem(subject, "It has no index; attach one with PUT _connector/ID/_index_name."))
    if connector.status is ConnectorStatus.ERROR and connector.error:
        found.append(note(subject, f"Its last error: {connector.error}"))
    try:
        source_class = registry.find(SOURCES, connector.service_type)
        require_schedules(connector, source_class.features)
    except (SourceConfigurationError, errors.IngestError) as error:
        found.append(problem(subject, str(error)))
    return found


async def index_checks(client: Client, connector: Connector) -> AsyncIterator[Check]:
    """Look at the index and at the pipelines documents will pass."""
    subject = subject_of(connector.id)
    name = connector.index_name
    if name is None:
        return
    try:
        found = await indices.find(client, name)
        unusable = index_names.problem(name)
        if found is None and unusable:
            yield problem(
                subject,
                f"There is no index {name}, and there can be none: its name {unusable}. "
                "Attach another one with PUT _connector/ID/_index_name.",
            )
        elif found is None:
            yield ok(subject, f"The index {name} does not exist; the first job creates it.")
        else:
            content_hash = found.properties.get(mappings.CONTENT_HASH)
            if content_hash is not None and not mappings.is_usable_content_hash(content_hash):
                yield problem(
                    subject,
                    f"The index {name} maps {mappings.CONTENT_HASH} so that it cannot hold content hashes. "
                    "Give the connector another index.",
                )
            count = await indices.count(client, name)
            yield ok(subject, f"The index {name} exists and holds {count:,} documents.", documents=count)
        pipelines = await read_pipelines(client, name, connector.pipeline)
        names = ", ".join(one.name for one in pipelines) or "none"
        yield ok(subject, f"Documents pass the ingest pipelines: {names}.")
    except errors.IngestError as error:
        yield problem(subject, str(error))


async def shared_index_checks(
    client: Client, content: Client, connector: Connector, source_class: type[Source]
) -> AsyncIterator[Check]:
    """Look whether another connector would delete what this one writes."""
    if connector.index_name is None:
        return
    try:
        source = source_class(values_of(connector.configuration))
    except SourceError:
        return  # which the checks of the source report
    claimed = Claimed(connector_id=connector.id, index_name=connector.index_name)
    try:
        await require_sole(client, content, claimed, source, SOURCES)
    except (SourceError, errors.IngestError) as error:
        yield problem(subject_of(connector.id), str(error))


async def field_checks(
    client: Client, connector: Connector, slices: Sequence[Slice], *, derives_mappings: bool
) -> AsyncIterator[Check]:
    """Look whether the fields of an index that exists take what the slices hold."""
    name = connector.index_name
    if name is None:
        return
    try:
        index = await indices.find(client, name)
        pipelines = await read_pipelines(client, name, connector.pipeline)
    except errors.IngestError:
        return  # told by `index_checks`
    if index is not None:
        for one in conflicts.findings(index, slices, pipelines, derives_mappings=derives_mappings):
            yield (problem if one.is_fatal else note)(subject_of(connector.id), str(one), fields=one.subjects)


async def rejected_index_checks(
    client: Client, connector: Connector, source_class: type[Source]
) -> AsyncIterator[Check]:
    """Look at the privileges on the index that refused documents are kept in, if there is one."""
    try:
        name = source_class(values_of(connector.configuration)).preferences.rejected_index
    except SourceError:
        return  # which the checks of the source report
    if not name:
        return
    subject = subject_of(connector.id)
    if name == connector.index_name:
        yield problem(subject, f"rejected_index is {name}, the connector's own index. Name another one.")
    async for check in cluster.privilege_checks(client, subject, cluster.rejected_privileges(name)):
        yield check


def source_of(connector: Connector) -> type[Source] | None:
    """Return the connector's source; None if there is none, which `checks` reports."""
    try:
        return registry.find(SOURCES, connector.service_type)
    except SourceConfigurationError:
        return None


def subject_of(connector_id: str) -> str:
    """Name a connector as the subject of checks."""
    return f"connector {connector_id}"


def _service_type(connector: Connector, entry: ConnectorEntry | None) -> Check:
    subject = subject_of(connector.id)
    if entry is not None and connector.service_type not in (None, entry.service_type):
        return problem(
            subject,
            f"Its service type is {connector.service_type!r}, but config.yml says {entry.service_type!r}; "
            "make them agree.",
        )
    return ok(
        subject, f"It exists, is a {connector.service_type} connector, and writes {connector.index_name}."
    )

"""Whether a job can use the copy of the connector that it was created with."""

from collections.abc import Mapping
from typing import Any, Final

from ingest.protocol import Connector, SyncJob, values_of
from sources.contract import Source

CREATED_TOO_EARLY: Final = (
    "The sync job was created before the connector was configured, and a job keeps the configuration it was "
    "created with. Create a new job."
)


def was_created_too_early(job: SyncJob, connector: Connector, sources: Mapping[str, type[Source]]) -> bool:
    """Say whether the connector was configured only after the job took its copy of the configuration."""
    source = sources.get(job.service_type or "")
    fields = source.fields if source else {}
    return not is_configured(job.configuration, fields) and is_configured(connector.configuration, fields)


def is_configured(configuration: Mapping[str, Any], fields: Mapping[str, Mapping[str, Any]]) -> bool:
    """Say whether any value is neither empty nor the one its field is registered with."""
    return any(
        value not in (None, "") and value != fields.get(name, {}).get("value")
        for name, value in values_of(configuration).items()
    )

"""The ingest pipelines documents pass: that they exist, what they are, whether they might change ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from ingest.elasticsearch.answers import need
from ingest.elasticsearch.client import Client, segment
from ingest.errors import AuthorizationError, NotFoundError
from ingest.log import get_logger

NO_PIPELINE: Final = "_none"

_MAY_CHANGE_IDS: Final = (b'"_id"', b'"_index"', b'"script"', b'"reroute"', b'"pipeline"', b"{{_id", b"_id}}")
"""What a definition that changes where a document goes must contain; others need not be watched."""

_SHIPPED: Final = ("search-default-ingestion", "ent-search-generic-ingestion")
"""Pipelines that Elasticsearch ships; their definitions need not be readable to be trusted."""

_MAY_CHANGE_ANYTHING: Final = (b'"script"', b'"pipeline"', b'"dot_expander"')
"""Processors that change fields which they do not name."""

_EFFECTIVE: Final = ("processors", "on_failure", "field_access_pattern")
"""The parts of a definition that decide about documents."""


@dataclass(frozen=True, slots=True)
class PipelineDefinition:
    """A pipeline as it is defined now; None for a definition that we may not read."""

    name: str
    definition: Mapping[str, Any] | None

    @property
    def fingerprint(self) -> Any:
        """What of the definition decides about documents; edits to its description are no change."""
        if self.definition is None:
            return [self.name, None]
        return [self.name, {part: self.definition[part] for part in _EFFECTIVE if part in self.definition}]

    @property
    def may_change_ids(self) -> bool:
        """Whether documents might be stored under another id than the one they were sent with."""
        if self.definition is None:
            return self.name not in _SHIPPED
        text = orjson.dumps(self.definition)
        return any(part in text for part in _MAY_CHANGE_IDS)

    def may_change(self, field: str) -> bool:
        """Whether the value of a field, given by its path, might be another one when it is indexed."""
        if self.name in _SHIPPED:
            return False
        if self.definition is None:
            return True
        text = orjson.dumps(self.definition)
        return field.encode() in text or any(part in text for part in _MAY_CHANGE_ANYTHING)


async def read_pipeline(client: Client, name: str) -> PipelineDefinition:
    """Read a pipeline's definition. Raises NotFoundError, before anything is read, if there is none."""
    try:
        definition = await client.call(
            "GET", f"/_ingest/pipeline/{segment(name)}", lambda answer: need(answer, dict, name)
        )
    except NotFoundError as error:
        raise NotFoundError(
            f"The ingest pipeline {name} does not exist. Create it, or give the connector another pipeline.",
            status=404,
        ) from error
    except AuthorizationError as error:
        # Elastic's own API keys for connectors lack this privilege; a missing pipeline then shows with the
        # first item.
        get_logger().warning(
            "pipeline.not_readable", pipeline=name, reason=str(error), privilege="read_pipeline"
        )
        return PipelineDefinition(name, None)
    return PipelineDefinition(name, definition)

"""The sync job document: a snapshot of its connector, who runs it, and what became of it. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from ingest.protocol.connector import Filtering, Pipeline
from ingest.protocol.enums import JobStatus, JobType, TriggerMethod
from ingest.protocol.parsing import (
    Version,
    count_of,
    enum_of,
    instant,
    object_of,
    text_of,
    timestamp,
    version_of,
)

REPAIR: Final = "repair"
"""The member of a job's metadata that makes it a repair."""
JOBS_INDEX: Final = ".elastic-connectors-sync-jobs-v1"
ATTEMPTS_KEPT: Final = 20
"""How many suspended attempts a job's metadata remembers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncJob:
    """A sync job document as it was read at `version`, with its snapshot of the connector."""

    id: str
    version: Version
    connector_id: str
    status: JobStatus | None = None
    job_type: JobType | None = None
    job_type_text: str = ""
    """What the document says its type is, known or not."""
    trigger: TriggerMethod | None = None
    index_name: str | None = None
    language: str | None = None
    service_type: str | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)
    filtering: Filtering = field(default_factory=Filtering)
    pipeline: Pipeline = field(default_factory=Pipeline)
    created_at: datetime | None = None
    started_at: datetime | None = None
    last_seen: datetime | None = None
    worker_hostname: str | None = None
    error: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    indexed_document_count: int = 0
    deleted_document_count: int = 0

    @classmethod
    def from_wire(cls, hit: Mapping[str, Any]) -> Self:
        """Read a search hit or a document answer that carries `_seq_no` and `_primary_term`."""
        source = object_of(hit.get("_source"))
        connector = object_of(source.get("connector"))
        # Kibana of some versions stored the connector's whole filtering list in the snapshot.
        filtering = connector.get("filtering")
        if isinstance(filtering, list):
            filtering = object_of(filtering[0]).get("active") if filtering else None
        return cls(
            id=str(hit["_id"]),
            version=version_of(hit),
            connector_id=text_of(connector.get("id")) or "",
            status=enum_of(JobStatus, source.get("status")),
            job_type=enum_of(JobType, source.get("job_type")),
            job_type_text=str(source.get("job_type") or ""),
            trigger=enum_of(TriggerMethod, source.get("trigger_method")),
            index_name=text_of(connector.get("index_name")),
            language=text_of(connector.get("language")),
            service_type=text_of(connector.get("service_type")),
            configuration=object_of(connector.get("configuration")),
            filtering=Filtering.from_wire(filtering),
            pipeline=Pipeline.from_wire(connector.get("pipeline")),
            created_at=instant(source.get("created_at")),
            started_at=instant(source.get("started_at")),
            last_seen=instant(source.get("last_seen")),
            worker_hostname=text_of(source.get("worker_hostname")),
            error=text_of(source.get("error")),
            metadata=object_of(source.get("metadata")),
            indexed_document_count=count_of(source.get("indexed_document_count")),
            deleted_document_count=count_of(source.get("deleted_document_count")),
        )

    @property
    def lost_workers(self) -> int:
        """How many workers died while they ran this job."""
        return count_of(self.metadata.get("lost_workers"))

    @property
    def is_repair(self) -> bool:
        """Whether everything is to be compared by its content, whatever an earlier job left."""
        return REPAIR in self.metadata

    @property
    def rewrites(self) -> bool:
        """Whether, in such a job, every document is to be sent."""
        return object_of(self.metadata.get(REPAIR)).get("rewrite") is True

    def attempts(self) -> list[dict[str, Any]]:
        """Describe the attempts at this job that were suspended, the latest last, for its metadata."""
        earlier = self.metadata.get("attempts")
        attempts = [one for one in earlier if isinstance(one, dict)] if isinstance(earlier, list) else []
        if self.status is JobStatus.SUSPENDED:
            attempts.append(
                {
                    "worker_hostname": self.worker_hostname,
                    "started_at": None if self.started_at is None else timestamp(self.started_at),
                    "indexed_document_count": self.indexed_document_count,
                    "deleted_document_count": self.deleted_document_count,
                }
            )
        return attempts[-ATTEMPTS_KEPT:]

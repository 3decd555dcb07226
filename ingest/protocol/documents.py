"""The vocabulary of the Connector Protocol: what connector and sync job documents say. No I/O.

    Connector                          SyncJob
      configuration   field schemas      configuration  \
      filtering       draft, active      filtering       | a snapshot taken when
      pipeline, scheduling, features     pipeline       /  the job was created
      status, last_*  set by us          status, counts, error

Documents are also written by Kibana, by curl and by other versions of this service, so reading is tolerant:
an unknown or null member reads as absent, an unknown word of a closed set as None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Self, TypeVar

CONNECTORS_INDEX: Final = ".elastic-connectors-v1"
JOBS_INDEX: Final = ".elastic-connectors-sync-jobs-v1"
DEFAULT_PIPELINE: Final = "search-default-ingestion"
ATTEMPTS_KEPT: Final = 20
"""How many suspended attempts a job's metadata remembers."""
ADVANCED_SNIPPET: Final = "advanced_snippet"
"""The id under which problems of the advanced snippet are reported."""


class ConnectorStatus(StrEnum):
    """Where a connector is between creation and a working connection."""

    CREATED = "created"
    NEEDS_CONFIGURATION = "needs_configuration"
    CONFIGURED = "configured"
    CONNECTED = "connected"
    ERROR = "error"


class JobStatus(StrEnum):
    """Where a sync job is; also the words of a connector's `last_sync_status`."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    CANCELING = "canceling"
    CANCELED = "canceled"
    SUSPENDED = "suspended"
    COMPLETED = "completed"
    ERROR = "error"

    @property
    def is_terminal(self) -> bool:
        """Whether no transition leaves this status."""
        return self in (JobStatus.COMPLETED, JobStatus.CANCELED, JobStatus.ERROR)

    @property
    def is_running(self) -> bool:
        """Whether some worker should be busy with the job."""
        return self in (JobStatus.IN_PROGRESS, JobStatus.CANCELING)

    @property
    def is_waiting(self) -> bool:
        """Whether a worker may claim the job."""
        return self in (JobStatus.PENDING, JobStatus.SUSPENDED)


class JobType(StrEnum):
    """What a sync job does."""

    FULL = "full"
    INCREMENTAL = "incremental"
    ACCESS_CONTROL = "access_control"


class TriggerMethod(StrEnum):
    """Who asked for a sync job."""

    ON_DEMAND = "on_demand"
    SCHEDULED = "scheduled"


class ValidationState(StrEnum):
    """What is known about a set of sync rules."""

    EDITED = "edited"
    INVALID = "invalid"
    VALID = "valid"


@dataclass(frozen=True, slots=True)
class Version:
    """The state of a document somebody read; a write guarded by it fails if anybody wrote since."""

    seq_no: int
    primary_term: int

    def to_params(self) -> dict[str, int]:
        """Render as the query parameters of a guarded write."""
        return {"if_seq_no": self.seq_no, "if_primary_term": self.primary_term}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The ingest pipeline of a connector and the three flags it is given in each document."""

    name: str = DEFAULT_PIPELINE
    extract_binary_content: bool = True
    reduce_whitespace: bool = True
    run_ml_inference: bool = True

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        """Read a `pipeline` member; what is absent has the product's default."""
        members = _object(wire)
        return cls(
            name=_text(members.get("name")) or DEFAULT_PIPELINE,
            extract_binary_content=_flag(members.get("extract_binary_content"), default=True),
            reduce_whitespace=_flag(members.get("reduce_whitespace"), default=True),
            run_ml_inference=_flag(members.get("run_ml_inference"), default=True),
        )

    def to_wire(self) -> dict[str, Any]:
        """Render as a `pipeline` member."""
        return {
            "name": self.name,
            "extract_binary_content": self.extract_binary_content,
            "reduce_whitespace": self.reduce_whitespace,
            "run_ml_inference": self.run_ml_inference,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Filtering:
    """One set of sync rules: basic rules, the advanced snippet, and what is known about both."""

    rules: tuple[Mapping[str, Any], ...] = ()
    advanced_snippet: Any = field(default_factory=dict)
    """The snippet's value; empty for none."""
    state: ValidationState | None = None

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        """Read a draft, an active set, or the snapshot in a job."""
        members = _object(wire)
        snippet = _object(members.get(ADVANCED_SNIPPET)).get("value")
        rules = members.get("rules")
        return cls(
            rules=tuple(rule for rule in rules if isinstance(rule, dict)) if isinstance(rules, list) else (),
            advanced_snippet={} if snippet is None else snippet,
            state=_word(ValidationState, _object(members.get("validation")).get("state")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FilteringError:
    """Why a set of sync rules cannot be used: the ids of the rules concerned, one sentence each."""

    ids: tuple[str, ...]
    messages: tuple[str, ...]

    def to_wire(self) -> dict[str, Any]:
        """Render as an element of `validation.errors`."""
        return {"ids": list(self.ids), "messages": list(self.messages)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """When one type of job is due."""

    is_enabled: bool = False
    interval: str = ""

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        """Read one member of `scheduling`."""
        members = _object(wire)
        return cls(
            is_enabled=_flag(members.get("enabled"), default=False),
            interval=_text(members.get("interval")) or "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A connector document as it was read at `version`."""

    id: str
    version: Version
    service_type: str | None = None
    index_name: str | None = None
    name: str = ""
    language: str | None = None
    is_native: bool = False
    status: ConnectorStatus | None = None
    error: str | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)
    features: Mapping[str, Any] = field(default_factory=dict)
    draft: Filtering = field(default_factory=Filtering)
    active: Filtering = field(default_factory=Filtering)
    pipeline: Pipeline = field(default_factory=Pipeline)
    scheduling: Mapping[JobType, Scheduling] = field(default_factory=dict)
    last_scheduled_at: Mapping[JobType, datetime] = field(default_factory=dict)
    last_seen: datetime | None = None
    last_synced: datetime | None = None
    last_sync_status: JobStatus | None = None
    last_sync_error: str | None = None

    @classmethod
    def from_hit(cls, hit: Mapping[str, Any]) -> Self:
        """Read a search hit or a document answer that carries `_seq_no` and `_primary_term`."""
        source = _object(hit.get("_source"))
        filtering = source.get("filtering")
        rules = _object(filtering[0]) if isinstance(filtering, list) and filtering else {}
        scheduling = _object(source.get("scheduling"))
        return cls(
            id=str(hit["_id"]),
            version=_version(hit),
            service_type=_text(source.get("service_type")),
            index_name=_text(source.get("index_name")),
            name=_text(source.get("name")) or "",
            language=_text(source.get("language")),
            is_native=_flag(source.get("is_native"), default=False),
            status=_word(ConnectorStatus, source.get("status")),
            error=_text(source.get("error")),
            configuration=_object(source.get("configuration")),
            features=_object(source.get("features")),
            draft=Filtering.from_wire(rules.get("draft")),
            active=Filtering.from_wire(rules.get("active")),
            pipeline=Pipeline.from_wire(source.get("pipeline")),
            scheduling={kind: Scheduling.from_wire(scheduling.get(kind.value)) for kind in JobType},
            last_scheduled_at={
                kind: moment
                for kind in JobType
                if (moment := instant(source.get(SCHEDULED_AT[kind]))) is not None
            },
            last_seen=instant(source.get("last_seen")),
            last_synced=instant(source.get("last_synced")),
            last_sync_status=_word(JobStatus, source.get("last_sync_status")),
            last_sync_error=_text(source.get("last_sync_error")),
        )


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
    trigger_method: TriggerMethod | None = None
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
    def from_hit(cls, hit: Mapping[str, Any]) -> Self:
        """Read a search hit or a document answer that carries `_seq_no` and `_primary_term`."""
        source = _object(hit.get("_source"))
        connector = _object(source.get("connector"))
        # Kibana of some versions stored the connector's whole filtering list in the snapshot.
        filtering = connector.get("filtering")
        if isinstance(filtering, list):
            filtering = _object(filtering[0]).get("active") if filtering else None
        return cls(
            id=str(hit["_id"]),
            version=_version(hit),
            connector_id=_text(connector.get("id")) or "",
            status=_word(JobStatus, source.get("status")),
            job_type=_word(JobType, source.get("job_type")),
            job_type_text=str(source.get("job_type") or ""),
            trigger_method=_word(TriggerMethod, source.get("trigger_method")),
            index_name=_text(connector.get("index_name")),
            language=_text(connector.get("language")),
            service_type=_text(connector.get("service_type")),
            configuration=_object(connector.get("configuration")),
            filtering=Filtering.from_wire(filtering),
            pipeline=Pipeline.from_wire(connector.get("pipeline")),
            created_at=instant(source.get("created_at")),
            started_at=instant(source.get("started_at")),
            last_seen=instant(source.get("last_seen")),
            worker_hostname=_text(source.get("worker_hostname")),
            error=_text(source.get("error")),
            metadata=_object(source.get("metadata")),
            indexed_document_count=_count(source.get("indexed_document_count")),
            deleted_document_count=_count(source.get("deleted_document_count")),
        )

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


SCHEDULED_AT: Final[Mapping[JobType, str]] = {
    JobType.FULL: "last_sync_scheduled_at",
    JobType.INCREMENTAL: "last_incremental_sync_scheduled_at",
    JobType.ACCESS_CONTROL: "last_access_control_sync_scheduled_at",
}
"""Which member of a connector says when a job of a type was last due."""


def values_of(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain values of a configuration by field name; an absent value is None."""
    return {name: entry.get("value") for name, entry in configuration.items() if isinstance(entry, dict)}


def instant(value: Any) -> datetime | None:
    """Read a date as Elasticsearch gives it (ISO text or epoch milliseconds); None if it is neither."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit()):
            return datetime.fromtimestamp(float(value) / 1000, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def timestamp(moment: datetime) -> str:
    """Render a date as the protocol writes it: UTC, microseconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


Word = TypeVar("Word", bound=StrEnum)


def _word(words: type[Word], value: Any) -> Word | None:
    try:
        return words(value)
    except ValueError:
        return None


def _version(hit: Mapping[str, Any]) -> Version:
    return Version(int(hit["_seq_no"]), int(hit["_primary_term"]))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _flag(value: Any, *, default: bool) -> bool:
    return value if isinstance(value, bool) else default


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0

"""The connector document: what people want and what the service says about it. No I/O.

Connector
  configuration                 field schemas with their values
  filtering                     sync rules: a draft, and the active set
  pipeline, scheduling          what people decide
  features, status, last_*      what the service says
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from ingest.protocol.enums import ConnectorStatus, JobStatus, JobType, ValidationState
from ingest.protocol.parsing import (
    Version,
    count_of,
    enum_of,
    flag_of,
    instant,
    object_of,
    text_of,
    timestamp,
    version_of,
)

CONNECTORS_INDEX: Final = ".elastic-connectors-v1"
DEFAULT_PIPELINE: Final = "search-default-ingestion"
LAST_VERIFY: Final = "last_verify"
DEFAULT_RULE: Final[Mapping[str, Any]] = {
    "id": "DEFAULT",
    "field": "_",
    "policy": "include",
    "rule": "regex",
    "value": ".*",
}
"""The rule that Elasticsearch puts last in every set: include what is left."""
ADVANCED_SNIPPET: Final = "advanced_snippet"
"""The id under which problems of the advanced snippet are reported."""
SCHEDULED_AT: Final[Mapping[JobType, str]] = {
    JobType.FULL: "last_sync_scheduled_at",
    JobType.INCREMENTAL: "last_incremental_sync_scheduled_at",
    JobType.ACCESS_CONTROL: "last_access_control_sync_scheduled_at",
}
"""Which member of a connector says when a job of a type was last due."""


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
        members = object_of(wire)
        return cls(
            name=text_of(members.get("name")) or DEFAULT_PIPELINE,
            extract_binary_content=flag_of(members.get("extract_binary_content"), default=True),
            reduce_whitespace=flag_of(members.get("reduce_whitespace"), default=True),
            run_ml_inference=flag_of(members.get("run_ml_inference"), default=True),
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
        members = object_of(wire)
        snippet = object_of(members.get(ADVANCED_SNIPPET)).get("value")
        rules = members.get("rules")
        return cls(
            rules=tuple(rule for rule in rules if isinstance(rule, dict)) if isinstance(rules, list) else (),
            advanced_snippet={} if snippet is None else snippet,
            state=enum_of(ValidationState, object_of(members.get("validation")).get("state")),
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
        members = object_of(wire)
        return cls(
            is_enabled=flag_of(members.get("enabled"), default=False),
            interval=text_of(members.get("interval")) or "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What `elastic-ingest verify` found last: a member of our own, which nobody else reads."""

    moment: datetime
    differing: int
    """How many documents were not their rows."""

    @classmethod
    def from_wire(cls, wire: Any) -> Self | None:
        """Read a `last_verify` member; None if there is none."""
        members = object_of(wire)
        moment = instant(members.get("at"))
        return None if moment is None else cls(moment=moment, differing=count_of(members.get("differing")))

    def to_wire(self) -> dict[str, Any]:
        """Render as a `last_verify` member."""
        return {"at": timestamp(self.moment), "differing": self.differing}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A connector document as it was read at `version`."""

    id: str
    version: Version
    service_type: str | None = None
    index_name: str | None = None
    name: str = ""
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
    last_verify: Verified | None = None
    sync_cursor: Any = None
    """What the last content job that completed left for the next one; not part of a list of connectors."""

    @classmethod
    def from_wire(cls, hit: Mapping[str, Any]) -> Self:
        """Read a search hit or a document answer that carries `_seq_no` and `_primary_term`."""
        source = object_of(hit.get("_source"))
        filtering = source.get("filtering")
        rules = object_of(filtering[0]) if isinstance(filtering, list) and filtering else {}
        scheduling = object_of(source.get("scheduling"))
        return cls(
            id=str(hit["_id"]),
            version=version_of(hit),
            service_type=text_of(source.get("service_type")),
            index_name=text_of(source.get("index_name")),
            name=text_of(source.get("name")) or "",
            status=enum_of(ConnectorStatus, source.get("status")),
            error=text_of(source.get("error")),
            configuration=object_of(source.get("configuration")),
            features=object_of(source.get("features")),
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
            last_sync_status=enum_of(JobStatus, source.get("last_sync_status")),
            last_sync_error=text_of(source.get("last_sync_error")),
            last_verify=Verified.from_wire(source.get(LAST_VERIFY)),
            sync_cursor=source.get("sync_cursor"),
        )


def values_of(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain values of a configuration by field name; an absent value is None."""
    return {name: entry.get("value") for name, entry in configuration.items() if isinstance(entry, dict)}

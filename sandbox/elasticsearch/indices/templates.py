"""Index templates: built in for the indices behind the Connector APIs, and those a client puts."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONNECTORS_ALIAS = ".elastic-connectors"
CONNECTORS_INDEX = ".elastic-connectors-v1"
SYNC_JOBS_ALIAS = ".elastic-connectors-sync-jobs"
SYNC_JOBS_INDEX = ".elastic-connectors-sync-jobs-v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What an index gets when it is created under a matching name."""

    name: str
    patterns: tuple[str, ...]
    priority: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    creates_for_alias: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def allows_auto_create(self) -> bool:
        """Whether a write may create an index from it."""
        return self.body.get("allow_auto_create") is not False

    def matches(self, index_name: str) -> bool:
        """Whether an index of this name is made from this template."""
        return any(fnmatch.fnmatchcase(index_name, pattern) for pattern in self.patterns)


def _fields(kind: str, *names: str) -> dict[str, Any]:
    return {name: {"type": kind} for name in names}


def _objects(**members: dict[str, Any]) -> dict[str, Any]:
    return {name: {"properties": properties} for name, properties in members.items()}


def _enabled() -> dict[str, Any]:
    return {"properties": _fields("boolean", "enabled")}


def _rules() -> dict[str, Any]:
    return {
        "properties": {
            **_fields("date", "created_at", "updated_at"),
            **_fields("keyword", "id", "field", "policy", "rule", "value"),
            **_fields("short", "order"),
        }
    }


def _filtering_version() -> dict[str, Any]:
    snippet = {"properties": {**_fields("date", "created_at", "updated_at"), **_fields("object", "value")}}
    findings = {"properties": {**_fields("keyword", "ids"), **_fields("text", "messages")}}
    validation = {"properties": {**_fields("keyword", "state"), "errors": findings}}
    return {"properties": {"advanced_snippet": snippet, "rules": _rules(), "validation": validation}}


def _pipeline_defaults() -> dict[str, Any]:
    return {
        "default_extract_binary_content": True,
        "default_name": "search-default-ingestion",
        "default_reduce_whitespace": True,
        "default_run_ml_inference": True,
    }


def connectors_mapping() -> dict[str, Any]:
    """The mapping of the index that holds connectors."""
    schedule = {"properties": {**_fields("boolean", "enabled"), **_fields("text", "interval")}}
    sync_rules = {"properties": {"advanced": _enabled(), "basic": _enabled()}}
    pipeline_flags = _fields("boolean", "extract_binary_content", "reduce_whitespace", "run_ml_inference")
    return {
        "dynamic": "false",
        "_meta": {"version": "1", "pipeline": _pipeline_defaults()},
        "properties": {
            **_fields("keyword", "api_key_id", "error", "index_name", "language", "name", "service_type"),
            **_fields("keyword", "status", "last_sync_error", "last_sync_status"),
            **_fields("keyword", "last_access_control_sync_error", "last_access_control_sync_status"),
            **_fields("text", "description"),
            **_fields("boolean", "is_native", "sync_now", "deleted"),
            **_fields("date", "last_seen", "last_synced", "last_sync_scheduled_at"),
            **_fields("date", "last_incremental_sync_scheduled_at", "last_access_control_sync_scheduled_at"),
            **_fields("long", "last_deleted_document_count", "last_indexed_document_count"),
            **_fields("object", "configuration", "custom_scheduling", "sync_cursor"),
            "features": {
                "properties": {
                    **_fields("boolean", "filtering_advanced_config", "filtering_rules"),
                    "incremental_sync": _enabled(),
                    "sync_rules": sync_rules,
                }
            },
            "filtering": {
                "properties": {
                    **_fields("keyword", "domain"),
                    "active": _filtering_version(),
                    "draft": _filtering_version(),
                }
            },
            "pipeline": {"properties": {**_fields("keyword", "name"), **pipeline_flags}},
            "scheduling": {
                "properties": {"access_control": schedule, "full": schedule, "incremental": schedule}
            },
        },
    }


def sync_jobs_mapping() -> dict[str, Any]:
    """The mapping of the index that holds sync jobs."""
    connector = {
        **_fields("keyword", "id", "index_name", "language", "service_type"),
        **_fields("object", "configuration", "sync_cursor"),
        "filtering": _filtering_version(),
        "pipeline": {
            "properties": {
                **_fields("keyword", "name"),
                **_fields("boolean", "extract_binary_content", "reduce_whitespace", "run_ml_inference"),
            }
        },
    }
    return {
        "dynamic": "false",
        "_meta": {"version": "1"},
        "properties": {
            **_fields("date", "cancelation_requested_at", "canceled_at", "completed_at", "created_at"),
            **_fields("date", "last_seen", "started_at"),
            **_fields("keyword", "error", "job_type", "status", "trigger_method", "worker_hostname"),
            **_fields("integer", "deleted_document_count", "indexed_document_count"),
            **_fields("integer", "indexed_document_volume", "total_document_count"),
            **_fields("object", "metadata"),
            **_objects(connector=connector),
        },
    }


HIDDEN_SETTINGS = {"index": {"hidden": True, "number_of_shards": 1, "auto_expand_replicas": "0-1"}}

BUILT_IN = (
    Template(
        name="elastic-connectors",
        patterns=(f"{CONNECTORS_ALIAS}-v1*",),
        priority=100,
        settings=HIDDEN_SETTINGS,
        mappings=connectors_mapping(),
        aliases={CONNECTORS_ALIAS: {}},
        creates_for_alias={CONNECTORS_ALIAS: CONNECTORS_INDEX},
    ),
    Template(
        name="elastic-connectors-sync-jobs",
        patterns=(f"{SYNC_JOBS_ALIAS}-v1*",),
        priority=100,
        settings=HIDDEN_SETTINGS,
        mappings=sync_jobs_mapping(),
        aliases={SYNC_JOBS_ALIAS: {}},
        creates_for_alias={SYNC_JOBS_ALIAS: SYNC_JOBS_INDEX},
    ),
    Template(
        name="search-acl-filter",
        patterns=(".search-acl-filter-*",),
        priority=110,
        settings={"index": {"hidden": True, "number_of_shards": 1, "number_of_replicas": 1}},
        mappings={"dynamic": "false", "properties": _fields("date", "created_at")},
    ),
)

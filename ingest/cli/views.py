"""A connector and a sync job as the commands show them: a value for programs, tables for people. No I/O."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.console import RenderableType

from ingest.cli.output import ago, count, facts, masked, table
from ingest.durations import span
from ingest.protocol import Connector, Filtering, SyncJob, instant, timestamp

CONNECTOR_COLUMNS: Final = (
    "id",
    "name",
    "service type",
    "index",
    "status",
    "last sync",
    "synced",
    "last seen",
    "documents",
)
JOB_COLUMNS: Final = ("id", "type", "status", "created", "took", "indexed", "deleted", "error")
_RULE_COLUMNS: Final = ("policy", "field", "rule", "value")
_REFUSAL_COLUMNS: Final = ("id", "type", "reason")


def connector_row(listed: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the cells of `CONNECTOR_COLUMNS` for a connector as the server lists it."""
    return (
        listed.get("id"),
        listed.get("name"),
        listed.get("service_type"),
        listed.get("index_name"),
        listed.get("status"),
        listed.get("last_sync_status"),
        ago(instant(listed.get("last_synced"))),
        ago(instant(listed.get("last_seen"))),
        count(listed.get("last_indexed_document_count")),
    )


def without_secrets(listed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a connector as the server lists it, its sensitive values masked."""
    return {**listed, "configuration": masked(listed.get("configuration") or {})}


def scheduling_of(connector: Connector) -> dict[str, dict[str, Any]]:
    """Return the schedules in the protocol's form."""
    return {
        kind.value: {"enabled": one.is_enabled, "interval": one.interval}
        for kind, one in connector.scheduling.items()
    }


def connector_value(connector: Connector) -> dict[str, Any]:
    """Return what a program may want to know of a connector."""
    return {
        "id": connector.id,
        "name": connector.name,
        "service_type": connector.service_type,
        "index_name": connector.index_name,
        "status": connector.status,
        "error": connector.error,
        "last_seen": connector.last_seen and timestamp(connector.last_seen),
        "last_sync_status": connector.last_sync_status,
        "last_sync_error": connector.last_sync_error,
        "last_synced": connector.last_synced and timestamp(connector.last_synced),
        "configuration": masked(connector.configuration),
        "scheduling": scheduling_of(connector),
        "pipeline": connector.pipeline.to_wire(),
        "filtering": {"active": rules_value(connector.active), "draft": rules_value(connector.draft)},
    }


def connector_tables(connector: Connector) -> list[RenderableType]:
    """Render a connector for people."""
    snippet = connector.active.advanced_snippet
    rules = [" ".join(str(rule.get(name)) for name in _RULE_COLUMNS) for rule in connector.active.rules]
    about = facts(
        [
            ("Connector", connector.id),
            ("Name", connector.name),
            ("Service type", connector.service_type),
            ("Index", connector.index_name),
            ("Status", connector.status and connector.status.value),
            ("Error", connector.error),
            ("Last seen", ago(connector.last_seen)),
            ("Last sync", connector.last_sync_status and connector.last_sync_status.value),
            ("Last sync error", connector.last_sync_error),
            ("Pipeline", connector.pipeline.name),
            *schedule_facts(scheduling_of(connector)),
            ("Sync rules", "; ".join(rules)),
            ("Advanced rules", json.dumps(snippet) if snippet else ""),
        ]
    )
    fields = sorted(masked(connector.configuration).items(), key=_order)
    rows = [(name, field.get("value"), field.get("label")) for name, field in fields]
    return [about, "", table(("setting", "value", "meaning"), rows)]


def schedule_facts(scheduling: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Say of each job type when it runs."""
    return [
        (f"Schedule {kind}", one["interval"] if one["enabled"] else f"off ({one['interval']})")
        for kind, one in scheduling.items()
    ]


def rules_value(rules: Filtering) -> dict[str, Any]:
    """Return one set of sync rules in the protocol's words."""
    return {"rules": list(rules.rules), "advanced_snippet": rules.advanced_snippet, "state": rules.state}


def rules_table(rules: Filtering) -> RenderableType:
    """Render the basic rules of a set."""
    return table(_RULE_COLUMNS, [[rule.get(name) for name in _RULE_COLUMNS] for rule in rules.rules])


def job_row(listed: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the cells of `JOB_COLUMNS` for a job as the server lists it."""
    started, ended = instant(listed.get("started_at")), instant(listed.get("completed_at"))
    return (
        listed.get("id"),
        listed.get("job_type"),
        listed.get("status"),
        ago(instant(listed.get("created_at"))),
        span((ended - started).total_seconds()) if started and ended else None,
        count(listed.get("indexed_document_count")),
        count(listed.get("deleted_document_count")),
        listed.get("error"),
    )


def unfinished_job_row(listed: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what is shown of a job that runs or waits: whose, what, since when, how far, and what for."""
    return (
        connector_id_of(listed),
        listed.get("id"),
        listed.get("job_type"),
        listed.get("status"),
        ago(instant(listed.get("created_at"))),
        count(listed.get("indexed_document_count")),
        count(listed.get("deleted_document_count")),
        _waits_for(listed.get("metadata")),
    )


def without_snapshot(listed: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job as the server lists it, without its copy of the connector's configuration."""
    return {**listed, "connector": {"id": connector_id_of(listed)}}


def connector_id_of(listed: Mapping[str, Any]) -> str | None:
    """Return whose job it is."""
    connector = listed.get("connector")
    return connector.get("id") if isinstance(connector, Mapping) else None


def job_value(job: SyncJob) -> dict[str, Any]:
    """Return what a program may want to know of a job, without the connector's configuration."""
    return {
        "id": job.id,
        "connector_id": job.connector_id,
        "job_type": job.job_type_text,
        "status": job.status,
        "error": job.error,
        "created_at": job.created_at and timestamp(job.created_at),
        "started_at": job.started_at and timestamp(job.started_at),
        "last_seen": job.last_seen and timestamp(job.last_seen),
        "worker_hostname": job.worker_hostname,
        "indexed_document_count": job.indexed_document_count,
        "deleted_document_count": job.deleted_document_count,
        "metadata": job.metadata,
    }


def job_tables(job: SyncJob) -> list[RenderableType]:
    """Render a job for people: what it is, what it counted, its tables, and what was refused."""
    counts = job.metadata.get("counts")
    numbers = counts.items() if isinstance(counts, Mapping) else ()
    parts: list[RenderableType] = [
        facts(
            [
                ("Job", job.id),
                ("Connector", job.connector_id),
                ("Type", job.job_type_text),
                ("Status", job.status and job.status.value),
                ("Error", job.error),
                ("Worker", job.worker_hostname),
                ("Started", ago(job.started_at)),
                *[(name, count(number)) for name, number in numbers if number],
                *[("Warning", warning) for warning in _list(job.metadata.get("warnings"))],
            ]
        )
    ]
    slices = list(_objects(job.metadata.get("slices")))
    if slices:
        rows = [(one.get("name"), count(one.get("rows")), one.get("finished") is True) for one in slices]
        parts += ["", table(("table", "rows", "read to its end"), rows)]
    refused = list(_objects(job.metadata.get("rejections")))
    if refused:
        parts += [
            "",
            table(_REFUSAL_COLUMNS, [[one.get(name) for name in _REFUSAL_COLUMNS] for one in refused]),
        ]
    return parts


def _waits_for(metadata: Any) -> str | None:
    facts = metadata.get("waits_for") if isinstance(metadata, Mapping) else None
    if not isinstance(facts, Mapping):
        return None
    return f"job {facts.get('sync_job_id')} of {facts.get('worker_hostname')}"


def _order(item: tuple[str, Any]) -> int:
    return int(item[1].get("order") or 0)


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _objects(value: Any) -> Iterable[Mapping[str, Any]]:
    return (one for one in _list(value) if isinstance(one, Mapping))

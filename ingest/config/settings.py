"""Every setting of `config.yml`: its key, its type, its default and what it does, each said once.

The dataclasses are what the rest of the service sees: complete, checked, frozen, sizes in bytes and times in
seconds. The example file and the tests read the same declarations, so neither can say something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.config import types
from ingest.config.declaration import section, setting
from ingest.secret import Secret
from sources.network import LINK_LOCAL_AND_METADATA

MEBIBYTE = 1024 * 1024
SOON_SECONDS = 0.05
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorMonitor:
    """When refused documents end a job (`elasticsearch.bulk.error_monitor`)."""

    enabled: bool = setting(
        "enabled",
        types.boolean(),
        True,
        "End a job when too many documents are refused; false only counts them.",
    )
    max_total_errors: int = setting(
        "max_total_errors", types.integer(0, 1_000_000_000), 1000, "Refused documents a job may have in all."
    )
    max_consecutive_errors: int = setting(
        "max_consecutive_errors",
        types.integer(0, 1_000_000_000),
        10,
        "Refused documents it may have in a row.",
    )
    max_error_rate: float = setting(
        "max_error_rate", types.number(0, 1), 0.15, "Share of the window that may be refused."
    )
    error_window_size: int = setting(
        "error_window_size",
        types.integer(1, 1_000_000),
        100,
        "How many of the latest documents the window holds.",
    )
    error_queue_size: int = setting(
        "error_queue_size",
        types.integer(0, 1000),
        10,
        "Refusals shown as a sample in the log and the job's metadata.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """How documents are sent (`elasticsearch.bulk`)."""

    chunk_size: int = setting(
        "chunk_size",
        types.integer(1, 100_000),
        10_000,
        "Most documents in one request, to delete never more than 5,000.",
    )
    chunk_max_mem_size_bytes: int = setting(
        "chunk_max_mem_size",
        types.integer(1, 90),
        5,
        "Most MiB in one request, as sent. Elasticsearch itself refuses requests of 100 MB.",
        times=MEBIBYTE,
    )
    max_concurrency: int = setting(
        "max_concurrency",
        types.integer(1, 64),
        5,
        "Most requests in flight for one job; lowered while Elasticsearch is busy.",
    )
    max_retries: int = setting(
        "max_retries",
        types.integer(0, 100),
        5,
        "Times retry_interval: seconds one request is tried again, at least ten minutes.",
    )
    retry_interval_seconds: int = setting(
        "retry_interval",
        types.integer(1, 600),
        10,
        "Seconds, see max_retries; the waits themselves grow from one second to a minute.",
    )
    compress: bool = setting(
        "compress",
        types.boolean(),
        False,
        "Gzip requests and answers. Saves network, costs CPU of the service and of Elasticsearch.",
    )
    error_monitor: ErrorMonitor = section("error_monitor", ErrorMonitor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elasticsearch:
    """Where Elasticsearch is and how to talk to it (`elasticsearch`)."""

    hosts: tuple[str, ...] = setting(
        "host",
        types.urls(),
        "http://localhost:9200",
        "URL of Elasticsearch; of several nodes of one cluster, a list. A path in front is kept.",
    )
    api_key: Secret | None = setting(
        "api_key", types.api_key(), None, "API key, encoded or as id:key. Instead of username and password."
    )
    username: str | None = setting(
        "username", types.text("a user name", 1024), None, "User name. Instead of api_key."
    )
    password: Secret | None = setting("password", types.secret(), None, "Password of that user.")
    allow_insecure_http: bool = setting(
        "allow_insecure_http",
        types.boolean(),
        False,
        "Send credentials unencrypted to another machine. Only for networks where nobody can listen.",
    )
    verify_certs: bool = setting(
        "verify_certs",
        types.boolean(),
        True,
        "Check the server's certificate and its name. false is for trying out.",
    )
    ca_certs: Path | None = setting(
        "ca_certs", types.file(), None, "PEM file of certificates to trust instead of the system's."
    )
    headers: Mapping[str, str] = setting(
        "headers", types.headers(), {}, "Further HTTP headers of every request."
    )
    request_timeout_seconds: int = setting(
        "request_timeout", types.integer(1, 3600), 240, "Seconds until a request counts as failed."
    )
    max_wait_duration_seconds: int = setting(
        "max_wait_duration",
        types.integer(0, 86_400),
        240,
        "Seconds to wait for Elasticsearch at start before giving up.",
    )
    initial_backoff_duration_seconds: int = setting(
        "initial_backoff_duration", types.integer(1, 600), 1, "Seconds of the first wait at start."
    )
    backoff_multiplier: int = setting(
        "backoff_multiplier", types.integer(1, 10), 2, "Factor from one wait at start to the next."
    )
    bulk: Bulk = section("bulk", Bulk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How the service behaves (`service`)."""

    idling_seconds: int = setting(
        "idling",
        types.integer(1, 3600),
        30,
        "Seconds between two checks of each connector: its configuration, rules and source.",
    )
    heartbeat_seconds: int = setting(
        "heartbeat", types.integer(1, 1800), 300, "Seconds after which a connector is checked in again."
    )
    job_poll_interval_seconds: float = setting(
        "job_poll_interval",
        types.number(SOON_SECONDS, 3600),
        1,
        "Seconds between two looks for waiting sync jobs.",
    )
    job_check_interval_seconds: float = setting(
        "job_check_interval",
        types.number(SOON_SECONDS, 60),
        3,
        "Seconds between two looks whether a running job was canceled.",
    )
    job_report_interval_seconds: float = setting(
        "job_report_interval",
        types.number(SOON_SECONDS, 60),
        10,
        "Seconds between two reports of a running job's counts.",
    )
    fencing_limit_seconds: float = setting(
        "fencing_limit",
        types.number(1, 290),
        240,
        "Seconds without an accepted report after which a job stops writing by itself. Below idle_limit.",
    )
    idle_limit_seconds: float = setting(
        "idle_limit",
        types.number(2, 86_400),
        300,
        "Seconds without a report after which any service takes a job for abandoned. Alike in all services.",
    )
    job_cleanup_interval_seconds: int = setting(
        "job_cleanup_interval", types.integer(1, 86_400), 300, "Seconds between two searches for such jobs."
    )
    shutdown_timeout_seconds: float = setting(
        "shutdown_timeout",
        types.number(0, 3600),
        8,
        "Seconds a stop may take: requests in flight end, jobs are suspended.",
    )
    lock_file: Path | None = setting(
        "lock_file",
        types.file(),
        None,
        "File that tells who has it next that this process is gone, whose jobs it then resumes at once.",
    )
    max_concurrent_content_syncs: int = setting(
        "max_concurrent_content_syncs", types.integer(1, 1000), 1, "Sync jobs that run at the same time."
    )
    max_concurrent_scheduling_tasks: int = setting(
        "max_concurrent_scheduling_tasks",
        types.integer(1, 1000),
        4,
        "Connectors that are checked at the same time.",
    )
    worker_mode: bool = setting(
        "worker_mode",
        types.boolean(),
        False,
        "Serve every connector of the service_types, besides those listed.",
    )
    service_types: tuple[str, ...] = setting(
        "service_types", types.texts(), [], "Types served in worker mode."
    )
    forbidden_networks: tuple[str, ...] = setting(
        "forbidden_networks",
        types.networks(),
        list(LINK_LOCAL_AND_METADATA),
        "Where no source may connect to, whatever its connector says.",
    )
    log_level: str = setting(
        "log_level",
        types.choice(*LOG_LEVELS, synonyms={"warn": "warning", "fatal": "critical"}),
        "info",
        "Least severe lines that are logged.",
    )
    log_format: str = setting(
        "log_format",
        types.choice("auto", "console", "json"),
        "auto",
        "console for people, json for machines (ECS); auto is console at a terminal and json elsewhere.",
    )
    status_port: int = setting(
        "status_port",
        types.integer(0, 65_535),
        0,
        "Port for health, metrics and the status page; 0 serves none of them.",
    )
    status_host: str = setting(
        "status_host",
        types.text("an address", 255),
        "127.0.0.1",
        "Address of that port. It asks for no password: keep it to this machine, or behind a firewall.",
    )
    strict_permissions: bool = setting(
        "strict_permissions",
        types.boolean(),
        False,
        "Refuse files with secrets that other users of the machine can read.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorEntry:
    """One connector this service works for (an entry of `connectors`)."""

    connector_id: str = setting(
        "connector_id", types.identifier(), None, "The connector's id in Elasticsearch.", is_required=True
    )
    service_type: str = setting(
        "service_type",
        types.text("a type", 255),
        None,
        "Kind of its source, such as postgresql.",
        is_required=True,
    )
    api_key: Secret | None = setting(
        "api_key", types.api_key(), None, "API key for this connector's data, instead of the one above."
    )
    create: bool = setting(
        "create", types.boolean(), False, "Create the connector in Elasticsearch if it does not exist."
    )
    index_name: str | None = setting(
        "index_name",
        types.index_name(),
        None,
        "Content index of a connector created this way.",
    )
    name: str | None = setting(
        "name", types.text("a name", 1024), None, "Display name of a connector created this way."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of `config.yml`."""

    elasticsearch: Elasticsearch = section("elasticsearch", Elasticsearch)
    service: Service = section("service", Service)
    connectors: tuple[ConnectorEntry, ...] = ()
    warnings: tuple[str, ...] = ()
    """What a person should know although the file can be used; one sentence each."""

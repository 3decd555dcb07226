"""Settings that contradict each other, and settings that are allowed but deserve a warning."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ingest.config import files
from ingest.config.settings import MEBIBYTE, Config, Elasticsearch, Service
from ingest.config.urls import is_loopback

LONGEST_RETRYING_SECONDS = 3600
LARGEST_IN_FLIGHT_BYTES = 1024 * MEBIBYTE
REPORTS_WITHIN_IDLE_LIMIT = 8
"""So many reports in a row may fail before a job counts as dead."""


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """A rule that is broken: where to look first, what is wrong, and which settings it was concluded from."""

    at: str
    problem: str
    concluded_from: tuple[str, ...]


def inconsistencies(config: Config, service_types: Collection[str]) -> Iterator[Inconsistency]:
    """Find every rule between settings that the configuration breaks."""
    yield from _credentials(config.elasticsearch)
    yield from _encryption(config)
    yield from _certificates(config.elasticsearch)
    yield from _sending(config.elasticsearch)
    yield from _deadlines(config.service)
    yield from _connectors(config)
    if service_types:
        yield from unknown_types(config, service_types)


def serves_nothing(config: Config) -> Iterator[Inconsistency]:
    """Find that there is nothing to run the service for."""
    if not config.connectors and not config.service.worker_mode:
        problem = "names no connector (a list of connector_id and service_type, or service.worker_mode: true)"
        yield Inconsistency("connectors", problem, ("connectors", "service.worker_mode"))


def unknown_types(config: Config, service_types: Collection[str]) -> Iterator[Inconsistency]:
    """Find each type that no source is of."""
    known = ", ".join(sorted(service_types))
    for unknown in sorted(set(config.service.service_types) - set(service_types)):
        yield Inconsistency("service.service_types", f"{unknown!r} is unknown (known are: {known})", ())
    for number, entry in enumerate(config.connectors):
        if entry.service_type and entry.service_type not in service_types:
            at = f"connectors[{number}].service_type"
            yield Inconsistency(at, f"{entry.service_type!r} is unknown (known are: {known})", (at,))


def cautions(config: Config) -> Iterator[str]:
    """Find what is allowed but is probably not intended."""
    elasticsearch, service = config.elasticsearch, config.service
    is_https = any(host.startswith("https:") for host in elasticsearch.hosts)
    if is_https and not elasticsearch.verify_certs:
        yield "elasticsearch.verify_certs: is false: whoever answers there is believed to be Elasticsearch"
    if not is_https and elasticsearch.ca_certs:
        yield "elasticsearch.ca_certs: has no effect on an http:// host"
    if _has_credentials(config) and _in_the_open(elasticsearch):
        yield "elasticsearch.allow_insecure_http: credentials and documents are sent unencrypted"
    if service.service_types and not service.worker_mode:
        yield "service.service_types: has no effect without service.worker_mode: true"
    for number, entry in enumerate(config.connectors):
        if not entry.create and (entry.index_name or entry.name):
            yield f"connectors[{number}]: index_name and name have no effect without create: true"


def _credentials(settings: Elasticsearch) -> Iterator[Inconsistency]:
    sources = (
        "elasticsearch.api_key",
        "elasticsearch.username",
        "elasticsearch.password",
        "elasticsearch.host",
    )
    is_elsewhere = not all(map(is_loopback, settings.hosts))
    if settings.api_key and (settings.username or settings.password):
        problem = "api_key and username or password are given (give either api_key, or username and password)"
        yield Inconsistency("elasticsearch", problem, sources)
    elif settings.username and not settings.password:
        yield Inconsistency(
            "elasticsearch.username", "is given without a password (give both, or an api_key)", sources
        )
    elif settings.password and not settings.username:
        yield Inconsistency(
            "elasticsearch.password", "is given without a username (give both, or an api_key)", sources
        )
    elif settings.api_key is None and settings.username is None and is_elsewhere:
        problem = "no credentials are given for another machine (give an api_key, or username and password)"
        yield Inconsistency("elasticsearch", problem, sources)
    if settings.password and settings.password.reveal() == "changeme" and is_elsewhere:
        problem = "is still the placeholder 'changeme' (allowed only for this machine itself)"
        yield Inconsistency("elasticsearch.password", problem, sources)


def _encryption(config: Config) -> Iterator[Inconsistency]:
    settings = config.elasticsearch
    if settings.allow_insecure_http:
        return
    if _has_credentials(config) and _in_the_open(settings):
        problem = "would send credentials unencrypted (use https://, or set allow_insecure_http: true)"
        yield Inconsistency(
            "elasticsearch.host", problem, ("elasticsearch.host", "elasticsearch.allow_insecure_http")
        )


def _in_the_open(settings: Elasticsearch) -> bool:
    """Whether requests to another machine travel unencrypted."""
    return not all(host.startswith("https:") or is_loopback(host) for host in settings.hosts)


def _has_credentials(config: Config) -> bool:
    settings = config.elasticsearch
    return bool(settings.api_key or settings.password or any(entry.api_key for entry in config.connectors))


def _certificates(settings: Elasticsearch) -> Iterator[Inconsistency]:
    if settings.ca_certs is None:
        return
    try:
        files.check_certificates(settings.ca_certs)
    except files.FileError as error:
        yield Inconsistency(
            "elasticsearch.ca_certs", f"{error} (a PEM file of certificates)", ("elasticsearch.ca_certs",)
        )


def _sending(settings: Elasticsearch) -> Iterator[Inconsistency]:
    bulk = settings.bulk
    if bulk.max_retries * bulk.retry_interval_seconds > LONGEST_RETRYING_SECONDS:
        at = "elasticsearch.bulk.max_retries"
        problem = "times retry_interval is over an hour (at most 3600 seconds of trying again)"
        yield Inconsistency(at, problem, (at, "elasticsearch.bulk.retry_interval"))
    if bulk.chunk_max_mem_size_bytes * bulk.max_concurrency > LARGEST_IN_FLIGHT_BYTES:
        at = "elasticsearch.bulk.chunk_max_mem_size"
        problem = "times max_concurrency is over 1024 MiB (that much memory would be in flight)"
        yield Inconsistency(at, problem, (at, "elasticsearch.bulk.max_concurrency"))


def _deadlines(service: Service) -> Iterator[Inconsistency]:
    if service.fencing_limit_seconds >= service.idle_limit_seconds:
        problem = (
            "is not below service.idle_limit (a job must stop writing before another service may take over)"
        )
        yield Inconsistency("service.fencing_limit", problem, ("service.fencing_limit", "service.idle_limit"))
    if service.job_report_interval_seconds * REPORTS_WITHIN_IDLE_LIMIT > service.idle_limit_seconds:
        problem = "is over an eighth of service.idle_limit (a few lost reports must not end a job)"
        yield Inconsistency(
            "service.job_report_interval", problem, ("service.job_report_interval", "service.idle_limit")
        )


def _connectors(config: Config) -> Iterator[Inconsistency]:
    if config.service.worker_mode and not config.service.service_types:
        yield Inconsistency(
            "service.service_types", "is needed by worker_mode (a list of types)", ("service.service_types",)
        )
    counts = Counter(entry.connector_id for entry in config.connectors)
    for number, entry in enumerate(config.connectors):
        at = f"connectors[{number}]"
        if entry.connector_id and counts[entry.connector_id] > 1:
            problem = (
                f"{entry.connector_id!r} is listed {counts[entry.connector_id]} times (each connector once)"
            )
            yield Inconsistency(f"{at}.connector_id", problem, (f"{at}.connector_id",))
        if entry.create and not entry.index_name:
            problem = "is needed to create the connector (the name of its content index)"
            yield Inconsistency(f"{at}.index_name", problem, (f"{at}.index_name",))

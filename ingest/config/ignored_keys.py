"""Keys of Elastic's `config.yml` that are accepted although they change nothing here, and why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredKey:
    """A key without effect."""

    reason: str
    is_surprising: bool = False
    """Whether somebody who set it would expect something that does not happen, so that a warning is due."""


_RETRIED_BY_TIME = "a request that fails for the moment is tried again for a minute, with growing waits"
_NO_QUEUE = "there is no queue: when Elasticsearch is slow the source is simply not read"
_PREFLIGHT = "the start waits for Elasticsearch as elasticsearch.max_wait_duration says"
_NO_ERROR_BUDGET = "an error in one connector never ends the service"
_NO_FILES = "sources here are databases: there are no files to download or extract"
_NO_ACCESS_CONTROL = "no source here has access control syncs"

IGNORED: dict[str, IgnoredKey] = {
    "elasticsearch.ssl": IgnoredKey(reason="the scheme of elasticsearch.host decides"),
    "elasticsearch.retry_on_timeout": IgnoredKey(reason="a timeout is always tried again"),
    "elasticsearch.max_retries": IgnoredKey(reason=_RETRIED_BY_TIME),
    "elasticsearch.retry_interval": IgnoredKey(reason=_RETRIED_BY_TIME),
    "elasticsearch.log_level": IgnoredKey(reason="service.log_level is the level of every line"),
    "elasticsearch.feature_use_connectors_api": IgnoredKey(reason="the Connector API is always used"),
    "elasticsearch.serverless": IgnoredKey(reason="found out from the server"),
    "elasticsearch.bulk.queue_max_size": IgnoredKey(reason=_NO_QUEUE),
    "elasticsearch.bulk.queue_max_mem_size": IgnoredKey(reason=_NO_QUEUE),
    "elasticsearch.bulk.queue_refresh_interval": IgnoredKey(reason=_NO_QUEUE),
    "elasticsearch.bulk.queue_refresh_timeout": IgnoredKey(reason=_NO_QUEUE),
    "elasticsearch.bulk.display_every": IgnoredKey(reason="progress is logged by time"),
    "elasticsearch.bulk.max_text_document_size": IgnoredKey(reason="no document is dropped for its size"),
    "elasticsearch.bulk.concurrent_downloads": IgnoredKey(reason=_NO_FILES),
    "elasticsearch.bulk.enable_operations_logging": IgnoredKey(reason="nothing is logged per document"),
    "service.preflight_max_attempts": IgnoredKey(reason=_PREFLIGHT),
    "service.preflight_idle": IgnoredKey(reason=_PREFLIGHT),
    "service.max_errors": IgnoredKey(reason=_NO_ERROR_BUDGET),
    "service.max_errors_span": IgnoredKey(reason=_NO_ERROR_BUDGET),
    "service.max_concurrent_access_control_syncs": IgnoredKey(reason=_NO_ACCESS_CONTROL),
    "service.max_file_download_size": IgnoredKey(reason=_NO_FILES),
    "service.fips_mode": IgnoredKey(
        reason="the service uses the OpenSSL it finds, as it is configured", is_surprising=True
    ),
    "extraction_service": IgnoredKey(reason=_NO_FILES, is_surprising=True),
    "sources": IgnoredKey(
        reason="nothing is imported on the word of a configuration file", is_surprising=True
    ),
    "native_service_types": IgnoredKey(
        reason="old name of service.service_types, no longer read", is_surprising=True
    ),
    "max_concurrent_syncs": IgnoredKey(
        reason="old name of service.max_concurrent_content_syncs, no longer read", is_surprising=True
    ),
}

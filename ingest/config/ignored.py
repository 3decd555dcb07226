"""Keys of Elastic's `config.yml` that are accepted although they change nothing here, and why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
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

IGNORED: dict[str, Ignored] = {
    "elasticsearch.ssl": Ignored(reason="the scheme of elasticsearch.host decides"),
    "elasticsearch.retry_on_timeout": Ignored(reason="a timeout is always tried again"),
    "elasticsearch.max_retries": Ignored(reason=_RETRIED_BY_TIME),
    "elasticsearch.retry_interval": Ignored(reason=_RETRIED_BY_TIME),
    "elasticsearch.log_level": Ignored(reason="service.log_level is the level of every line"),
    "elasticsearch.feature_use_connectors_api": Ignored(reason="the Connector API is always used"),
    "elasticsearch.serverless": Ignored(reason="found out from the server"),
    "elasticsearch.bulk.queue_max_size": Ignored(reason=_NO_QUEUE),
    "elasticsearch.bulk.queue_max_mem_size": Ignored(reason=_NO_QUEUE),
    "elasticsearch.bulk.queue_refresh_interval": Ignored(reason=_NO_QUEUE),
    "elasticsearch.bulk.queue_refresh_timeout": Ignored(reason=_NO_QUEUE),
    "elasticsearch.bulk.display_every": Ignored(reason="progress is logged by time"),
    "elasticsearch.bulk.max_text_document_size": Ignored(reason="no document is dropped for its size"),
    "elasticsearch.bulk.concurrent_downloads": Ignored(reason=_NO_FILES),
    "elasticsearch.bulk.enable_operations_logging": Ignored(reason="nothing is logged per document"),
    "service.preflight_max_attempts": Ignored(reason=_PREFLIGHT),
    "service.preflight_idle": Ignored(reason=_PREFLIGHT),
    "service.max_errors": Ignored(reason=_NO_ERROR_BUDGET),
    "service.max_errors_span": Ignored(reason=_NO_ERROR_BUDGET),
    "service.max_concurrent_access_control_syncs": Ignored(reason=_NO_ACCESS_CONTROL),
    "service.max_file_download_size": Ignored(reason=_NO_FILES),
    "service.fips_mode": Ignored(
        reason="the service uses the OpenSSL it finds, as it is configured", is_surprising=True
    ),
    "extraction_service": Ignored(reason=_NO_FILES, is_surprising=True),
    "sources": Ignored(reason="nothing is imported on the word of a configuration file", is_surprising=True),
    "native_service_types": Ignored(
        reason="old name of service.service_types, no longer read", is_surprising=True
    ),
    "max_concurrent_syncs": Ignored(
        reason="old name of service.max_concurrent_content_syncs, no longer read", is_surprising=True
    ),
}

"""Checking before the start that Elasticsearch answers, in a version the service knows.

The connector indices need not exist: the Connector API creates each with its first document, and until then
a search of it finds nothing. So the service needs no privilege to create them.
"""

from ingest import config, errors
from ingest.elasticsearch.answers import need
from ingest.elasticsearch.client import Client
from ingest.elasticsearch.retry import Backoff
from ingest.log import get_logger

OLDEST_VERSION = (8, 15)
NEWEST_MAJOR = 9


async def preflight(client: Client, settings: config.Elasticsearch, backoff: Backoff | None = None) -> None:
    """Wait for Elasticsearch and make sure that the service can work with it.

    Raises ElasticsearchUnavailableError if it does not answer within `max_wait_duration`,
    ElasticsearchRefusedError if its version or its answer means that waiting does not help.
    """
    attempts = (
        backoff
        or Backoff(
            budget_seconds=settings.max_wait_duration_seconds,
            initial_seconds=settings.initial_backoff_duration_seconds,
            multiplier=settings.backoff_multiplier,
        )
    ).attempts()
    log = get_logger()
    while True:
        try:
            await _examine(client, settings)
        except errors.ElasticsearchUnavailableError as error:
            log.warning("elasticsearch.awaited", hosts=settings.hosts, reason=str(error))
            if not await attempts.wait():
                raise errors.ElasticsearchUnavailableError(
                    f"{error} Gave up after {settings.max_wait_duration_seconds} s "
                    "(elasticsearch.max_wait_duration)."
                ) from error
        else:
            return


async def _examine(client: Client, settings: config.Elasticsearch) -> None:
    number = await _version(client)
    if number is not None:
        require_known_version(number)
    get_logger().info("elasticsearch.ready", hosts=settings.hosts, version=number)


async def _version(client: Client) -> str | None:
    """Return the version; None where it says nothing (serverless) or we may not ask."""
    try:
        version = await client.call(
            "GET", "/", lambda answer: need(answer, dict, "version"), budget_seconds=0, timeout_seconds=20.0
        )
    except errors.AuthorizationError as error:
        if error.status == 403:
            # A key without `monitor` is as good as another: what it lacks for the work shows at the work.
            return None
        raise
    return None if version.get("build_flavor") == "serverless" else str(version.get("number", ""))


def require_known_version(number: str) -> None:
    """Raise ElasticsearchRefusedError unless the Connector APIs of this version are the ones we speak."""
    parts = number.split(".")
    if not all(part.isdigit() for part in parts[:2]) or len(parts) < 2:
        raise errors.ElasticsearchRefusedError(
            f"Elasticsearch says its version is {number!r}; cannot work with it.", status=0
        )
    version = (int(parts[0]), int(parts[1]))
    if version < OLDEST_VERSION:
        raise errors.ElasticsearchRefusedError(
            f"Elasticsearch {number} is too old: its Connector APIs lack what this service needs; "
            f"upgrade to {OLDEST_VERSION[0]}.{OLDEST_VERSION[1]} or later.",
            status=0,
        )
    if version[0] > NEWEST_MAJOR:
        get_logger().warning("elasticsearch.newer_than_known", version=number)

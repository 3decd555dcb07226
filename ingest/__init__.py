"""The connector service: reads `config.yml`, works off sync jobs, mirrors a source into Elasticsearch."""

from functools import cache


@cache
def version() -> str:
    """Return the version of the installed package; `0` where it is not installed."""
    from importlib import metadata  # takes longer than the first lines of a process may

    try:
        return metadata.version("elastic-ingest")
    except metadata.PackageNotFoundError:
        return "0"

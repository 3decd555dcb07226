"""Fixtures every test may use: a real PostgreSQL server, an empty database on it, an embedded Elasticsearch."""

from collections.abc import Iterator

import pytest

from sandbox.postgresql import Cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL server for the whole run of this worker."""
    with Cluster() as cluster:
        yield cluster

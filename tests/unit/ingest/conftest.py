"""Fixtures of the service's own tests."""

from collections.abc import Iterator

import pytest

from tests.support import logs


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """Let a test configure logging for this process, and put it back as it was."""
    with logs.restored():
        yield

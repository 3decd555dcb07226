"""Fixtures of the service's own tests."""

import logging
import sys
from collections.abc import Iterator

import pytest

from tests.support import logs


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """Let a test configure logging for this process, and put it back as it was."""
    root = logging.getLogger()
    handlers, level, hook = [*root.handlers], root.level, sys.excepthook
    yield
    root.handlers, root.level, sys.excepthook = handlers, level, hook
    logging.captureWarnings(capture=False)
    logs.configure()

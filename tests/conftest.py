"""Fixtures every test may use: a real PostgreSQL server and an embedded Elasticsearch."""

import gc
import signal
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import aiohttp
import pytest

from sandbox.elasticsearch import Server
from sandbox.postgresql import Cluster
from tests.cluster import modules
from tests.cluster.relay import serving
from tests.support import bytecode, distribution, examples, logs
from tests.support.canaries import WATCH, Canary
from tests.support.postgresql import server
from tests.support.service_harness import ServiceHarness

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in whatever a shell runs in the background; tests send it to themselves and to what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
examples.register_profiles()
logs.configure()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One PostgreSQL server for the whole run of this worker."""
    with server() as cluster:
        WATCH.canaries["cluster"] = Canary("the password of PostgreSQL", cluster.password)
        yield cluster


@pytest.fixture
async def elasticsearch() -> AsyncIterator[Server]:
    """An embedded Elasticsearch of its own for each test, in this process, empty.

    With ELASTICSEARCH_URL in the environment what it answers comes from the real one, but for connectors.
    """
    async with serving() as server:
        yield server


@pytest.fixture
async def harness(elasticsearch: Server) -> AsyncIterator[ServiceHarness]:
    """A service's set-up over an Elasticsearch with nothing in it."""
    async with aiohttp.ClientSession() as session:
        yield ServiceHarness(elasticsearch, session)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> distribution.Scheduling | None:
    """Say which tests a worker gets."""
    return distribution.scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Look for no garbage in what is collected: thousands of tests, and all of it stays to the end."""
    gc.disable()
    try:
        bytecode.compile_share(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let workers begin with what takes long."""
    if hasattr(config, "workerinput"):
        items[:] = distribution.long_first(items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what the real server lacks, if the tests run against one."""
    needed = {name for mark in item.iter_markers("needs") for name in mark.args}
    if missing := needed - modules.available() if modules.URL else set():
        pytest.skip(f"this Elasticsearch has no {', '.join(sorted(missing))}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that has shown a secret, in its output or in what Elasticsearch was sent."""
    report = yield
    if report.when == "teardown":
        seen = WATCH.seen_in([report.capstdout, report.capstderr, report.caplog])
        if seen and report.passed:
            report.outcome = "failed"
            report.longrepr = "\n".join(["A secret can be seen:", *seen])
    return report

"""What `elastic-ingest check` says of a source that is not as it should be."""

import asyncio

from ingest.checks.report import Severity
from ingest.checks.tables import ANSWER_SECONDS, checks
from ingest.protocol import Connector
from ingest.protocol.parsing import Version
from tests.support.fake_transport import AnsweringTransport, FakeTime, client_over, response
from tests.support.memory_source import MemorySource


class SilentSource(MemorySource):
    """A host that takes what is sent and never answers, as behind a firewall."""

    async def ping(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()


async def test_a_host_that_does_not_answer_is_said_soon_with_the_remedy() -> None:
    connector = Connector(id="music", version=Version(0, 1))

    nowhere = client_over(AnsweringTransport(lambda _: response(404)), FakeTime())

    (found,) = [one async for one in checks(SilentSource, connector, nowhere, answer_seconds=0.01)]

    assert ANSWER_SECONDS < 10
    assert found.severity is Severity.PROBLEM
    assert "check host, port and network" in found.sentence

"""Guards of bulk requests on a real server that carries out requests in parts (`distribution.IN_PARTS`)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sync.blocks.chunks import Chunk, Chunker, ChunkLimits
from ingest.sync.delivery.guard import GUARD, guarded
from tests.cluster.connection import Connection
from tests.cluster.modules import URL
from tests.support.examples import examples_divided_by
from tests.support.memory_source import line_of

pytestmark = pytest.mark.skipif(not URL, reason="ELASTICSEARCH_URL names no server")

INDEX = "deleted-while-a-job-ran"
MEMBERS = b'"_timestamp":"2026-01-01T00:00:00.000000+00:00","_extract_binary_content":true,'
REQUEST_BYTES = 5 * 2**20
MOST_BYTES_OF_A_RUN = 3 * 2**20
LONGEST_ID = 512


@pytest.fixture(scope="module")
def real() -> Iterator[Connection]:
    connection = Connection(URL)
    yield connection
    connection.close()


def chunks(lengths: list[int], id_length: int) -> list[Chunk]:
    """Render documents of these lengths as a sync does."""
    chunker = Chunker(MEMBERS, ChunkLimits(REQUEST_BYTES, 10**9))
    lines = b"".join(
        line_of(str(number).zfill(id_length), {"text": "x" * length}) for number, length in enumerate(lengths)
    )
    return [chunk for chunk in (*chunker.add(lines, len(lengths)), chunker.flush()) if chunk is not None]


def creates_the_index(real: Connection, body: bytes) -> bool:
    """Send a request to an index that is missing; say whether it exists afterwards."""
    headers = {"Content-Type": "application/x-ndjson"}
    response, answer = real.send("POST", f"/{INDEX}/_bulk?filter_path=errors", headers, body)
    assert response.status == 200, answer
    response, _ = real.send("HEAD", f"/{INDEX}", {}, b"")
    if response.status == 200:
        real.call("DELETE", f"/{INDEX}")
    return response.status == 200


def test_the_server_carries_out_a_request_in_parts_of_which_the_first_guard_covers_one(
    real: Connection,
) -> None:
    bodies = [GUARD + chunk.body for chunk in chunks([10] * 40_000, 1)]

    assert creates_the_index(real, max(bodies, key=len))


@dataclass(frozen=True, slots=True)
class Run:
    """Documents with a text of one length each."""

    length: int
    count: int

    @property
    def lengths(self) -> list[int]:
        return [self.length] * min(self.count, 1 + MOST_BYTES_OF_A_RUN // (self.length + 200))


runs = st.builds(
    Run,
    length=st.one_of(st.integers(0, 200), st.integers(200, 5000), st.integers(5000, 1_100_000)),
    count=st.integers(1, 20_000),
)


@given(runs=st.lists(runs, min_size=1, max_size=4), id_length=st.integers(1, LONGEST_ID))
@settings(max_examples=examples_divided_by(2))
def test_no_part_of_a_guarded_request_creates_the_index(
    real: Connection, runs: list[Run], id_length: int
) -> None:
    lengths = list(chain.from_iterable(run.lengths for run in runs))

    assert not any(
        creates_the_index(real, b"".join(guarded(chunk).pieces)) for chunk in chunks(lengths, id_length)
    )

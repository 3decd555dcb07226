"""An Elasticsearch with faults and a journal as a process of its own (`python -m tests.torture.server`).

With ELASTICSEARCH_URL in the environment all but the connector protocol is answered by the real one.
"""

import asyncio
import sys

from sandbox.elasticsearch.server.journal import Journal
from tests.cluster.relay import serving

KEPT_BYTES = 4 * 2**20
"""Of each body and answer: whole pages of a scan, for deletes are judged by them."""
KEPT_TOTAL_BYTES = 256 * 2**20


async def main() -> None:
    """Serve until standard input closes, so that it cannot outlive who started it."""
    journal = Journal(kept_bytes=KEPT_BYTES, total_bytes=KEPT_TOTAL_BYTES)
    async with serving(admin=True, journal=journal) as server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        closed = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), closed.set)
        await closed.wait()


if __name__ == "__main__":
    asyncio.run(main())

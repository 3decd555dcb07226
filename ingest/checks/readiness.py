"""What the service that runs here says of itself at `/readyz`."""

import asyncio
import http.client
from typing import Final

from ingest.checks.report import Check, ok, problem

TIMEOUT_SECONDS: Final = 10.0
_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on


async def readiness(host: str, port: int) -> Check:
    """Ask the service on this port whether it works."""
    return await asyncio.to_thread(_ask, _ANY_ADDRESS.get(host, host), port)


def _ask(host: str, port: int) -> Check:
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        text = answer.read(4096).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return problem("service", f"No service answers on {host}:{port}: {error or type(error).__name__}.")
    finally:
        connection.close()
    return ok("service", "It works.") if answer.status == 200 else problem("service", text)

"""HTTP for whoever watches: `/livez`, `/readyz`, `/metrics` and the status page at `/`. Reads only.

    GET /livez    200 as long as the process answers
    GET /readyz   200 if the service works, 503 with a sentence for each reason if not
    GET /metrics  Prometheus
    GET /         the status page

It has no authentication, so it listens on the loopback address unless told otherwise.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from ingest.errors import IngestError
from ingest.status import health, page
from ingest.status.metrics import CONTENT_TYPE, Metrics
from ingest.status.snapshot import Snapshot

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_LARGEST_REQUEST_BYTES: Final = 1024

Take = Callable[[], Snapshot]


class PortTakenError(IngestError):
    """The port for the status page cannot be listened on."""


@asynccontextmanager
async def served(take: Take, *, host: str, port: int) -> AsyncIterator[int]:
    """Answer requests while the context lasts; yields the port, which the system chooses for 0.

    Raises PortTakenError if the address cannot be listened on.
    """
    runner = web.AppRunner(application(take), access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise PortTakenError(
                f"The status page cannot listen on {host}:{port}: {error.strerror}. "
                "Change service.status_port or service.status_host."
            ) from error
        bound: int = runner.addresses[0][1]
        yield bound
    finally:
        await runner.cleanup()


def application(take: Take) -> web.Application:
    """Return the application that shows what `take` returns."""
    metrics = Metrics(take)

    async def livez(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(_: web.Request) -> web.Response:
        problems = health.problems(take())
        return web.Response(status=503 if problems else 200, text="\n".join(problems or ["ready"]) + "\n")

    async def rendered_metrics(_: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    async def status(_: web.Request) -> web.Response:
        return web.Response(text=page.render(take()), content_type="text/html")

    served_application = web.Application(middlewares=[_hardened], client_max_size=_LARGEST_REQUEST_BYTES)
    served_application.router.add_get("/livez", livez)
    served_application.router.add_get("/readyz", readyz)
    served_application.router.add_get("/metrics", rendered_metrics)
    served_application.router.add_get("/", status)
    return served_application


@web.middleware
async def _hardened(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as refused:
        refused.headers.update(_HEADERS)
        raise
    response.headers.update(_HEADERS)
    return response

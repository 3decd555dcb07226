"""`python -m sandbox.elasticsearch`: run the server until interrupted."""

import argparse
import asyncio
import gc
import os
import signal
import ssl

from sandbox.elasticsearch.security import Security, User
from sandbox.elasticsearch.server import serve


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.elasticsearch", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9200, help="0 takes a free one")
    parser.add_argument("--version", default="9.1.0", help="the version to report")
    parser.add_argument(
        "--password",
        default=os.environ.get("SANDBOX_ELASTIC_PASSWORD"),
        help="require authentication, as user elastic with this password (SANDBOX_ELASTIC_PASSWORD)",
    )
    parser.add_argument("--discard", action="store_true", help="answer bulk requests but keep only ids")
    parser.add_argument("--certificate", help="speak TLS with this certificate (PEM, key included or given)")
    parser.add_argument("--key", help="the certificate's key (PEM)")
    parser.add_argument("--admin", action="store_true", help="open the routes below /_sandbox")
    options = parser.parse_args()
    # Documents form no cycles, but there may be a million of them: looking through them for cycles costs a
    # third of the time of a bulk request.
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)
    asyncio.run(_run(options))


async def _run(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    security = Security([User("elastic", options.password)]) if options.password else None
    tls = None
    if options.certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.certificate, options.key)
    async with serve(
        host=options.host,
        port=options.port,
        version=options.version,
        security=security,
        admin=options.admin,
        tls=tls,
        keeps_sources=not options.discard,
    ) as server:
        print(server.url, flush=True)  # noqa: T201 - the one line a caller reads to find the server
        await stopped.wait()


if __name__ == "__main__":
    main()

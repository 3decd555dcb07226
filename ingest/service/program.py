"""The composition root: puts the service together from its parts, runs it, and connects it to its process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from typing import Any, Final

from ingest.config import Config
from ingest.elasticsearch.client import Client, connect
from ingest.errors import ConfigError
from ingest.log import get_logger
from ingest.service import systemd
from ingest.service.lock_file import Identity, identified
from ingest.service.process import Service
from ingest.service.watchdog import Watchdog
from ingest.stopping import signals
from sources.contract import Source
from sources.registry import SOURCES

_FIXED: Final = ("forbidden_networks", "lock_file", "status_host", "status_port")
"""Settings of `service` that are read once, when the process starts."""


async def run(
    config: Config, load: Callable[[], Config], sources: Mapping[str, type[Source]] | None = None
) -> None:
    """Work for the connectors of the configuration until a signal. Raises IngestError if it cannot go on.

    `load` reads the configuration again when a signal asks for it, and raises ConfigError if it is wrong.
    """
    loop = asyncio.get_running_loop()
    async with connected(config) as (client, identity):
        service = Service(
            config=config,
            client=client,
            sources=SOURCES.within(config.service.forbidden_networks) if sources is None else sources,
            identity=identity,
        )
        with (
            signals.handled(
                stop=service.stop, reload=lambda: reload(service, load), call_soon=loop.call_soon_threadsafe
            ),
            Watchdog(limit_seconds=lambda: service.config.service.idle_limit_seconds) as watchdog,
        ):
            beating = asyncio.create_task(watchdog.beat())
            systemd.notify(systemd.READY)
            try:
                async with shown(service):
                    await service.run()
            finally:
                systemd.notify(systemd.STOPPING)
                beating.cancel()
                await asyncio.wait({beating})


@asynccontextmanager
async def connected(config: Config) -> AsyncIterator[tuple[Client, Identity]]:
    """Connect to Elasticsearch as somebody, whose lock file is held until nothing is sent any more."""
    with identified(config.service.lock_file) as identity:
        async with connect(config.elasticsearch) as client:
            yield client, identity


@asynccontextmanager
async def shown(service: Service) -> AsyncIterator[None]:
    """Serve health, metrics and the status page while the context lasts, if `service.status_port` says so."""
    settings = service.config.service
    if not settings.status_port:
        yield
        return
    from ingest.status import server  # its libraries are loaded only if they are needed

    async with server.served(service.snapshot, host=settings.status_host, port=settings.status_port) as port:
        get_logger().info("status.served", host=settings.status_host, port=port)
        yield


def reload(service: Service, load: Callable[[], Config]) -> None:
    """Let the service work by what the configuration says now, if nothing is wrong with that."""
    log = get_logger()
    try:
        loaded = load()
    except ConfigError as error:
        log.error("config.not_reloaded", problems=error.problems)
        return
    fixed = fixed_settings(service.config, loaded)
    if fixed:
        log.warning("config.needs_restart", settings=fixed)
    service.configure(
        replace(
            loaded,
            elasticsearch=replace(service.config.elasticsearch, bulk=loaded.elasticsearch.bulk),
            service=replace(loaded.service, **_in_force(service.config)),
        )
    )
    log.info("config.reloaded", connectors=len(loaded.connectors))


def _in_force(config: Config) -> dict[str, Any]:
    """Return the settings of `service` that stay what they are until the process ends."""
    return {name: getattr(config.service, name) for name in _FIXED}


def fixed_settings(old: Config, new: Config) -> list[str]:
    """Return the names of the settings that differ but cannot change while the service runs."""
    differing = [
        f"elasticsearch.{one.metadata['setting'].key}"
        for one in fields(old.elasticsearch)
        if one.name != "bulk" and getattr(old.elasticsearch, one.name) != getattr(new.elasticsearch, one.name)
    ]
    differing += [
        f"service.{one.metadata['setting'].key}"
        for one in fields(old.service)
        if one.name in _FIXED and getattr(old.service, one.name) != getattr(new.service, one.name)
    ]
    return differing

"""The contestant that is measured: a sync as the service runs it, from open source to proven end."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

import structlog

from benchmarks.tasks import DATABASE, INDEX, Done, Task
from ingest import config
from ingest.elasticsearch.client import connect
from ingest.protocol import Pipeline
from ingest.protocol.lease import Lease
from ingest.secret import Secret
from ingest.sync.kinds.full import full_sync
from ingest.sync.kinds.incremental import incremental_sync
from ingest.sync.progress.stats import Stats
from ingest.sync.request import SyncContext, SyncOptions, SyncRequest
from ingest.sync.rules import BasicRules
from sources.registry import SOURCES

POSTGRESQL = SOURCES["postgresql"]
"""Loaded with this module: a service has done so long before its job begins."""


async def sync(task: Task) -> Done:
    """Sync the table with the settings a new installation has."""
    async with prepared(task) as (request, context):
        run = incremental_sync if task.job == "incremental" else full_sync
        cursor = await run(request, context)
    return Done(counts=context.stats.counts(), cursor=None if cursor is None else await cursor.to_wire())


@asynccontextmanager
async def prepared(task: Task) -> AsyncIterator[tuple[SyncRequest, SyncContext]]:
    """Open source and sink, and give what a job needs."""
    structlog.configure(  # to standard error: standard output carries the outcome
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    server = task.server
    configuration = {
        "host": server.host,
        "port": server.port,
        "username": server.user,
        "password": server.password,
        "database": DATABASE,
        "schema": "public",
        "tables": task.table.split(","),
        **task.configuration,
    }
    stats, lease = Stats(), Lease(_nobody_else)
    settings = _settings(task)
    async with (
        POSTGRESQL(configuration) as source,
        connect(settings) as client,
        asyncio.TaskGroup() as group,
    ):
        heart = group.create_task(_renew(lease))
        request = SyncRequest(
            source=source,
            index_name=INDEX,
            pipeline=Pipeline() if task.pipeline is None else Pipeline(name=task.pipeline),
            rules=BasicRules.from_wire([]),
            advanced_rules={},
            options=SyncOptions(bulk=settings.bulk),
            cursor=task.cursor,
        )
        context = SyncContext(
            client=client.for_content("benchmark"), lease=lease, stats=stats, log=structlog.get_logger()
        )
        try:
            yield request, context
        finally:
            heart.cancel()


def _settings(task: Task) -> config.Elasticsearch:
    """Return the settings of a new installation, with what the task wants otherwise."""
    bulk = config.Bulk()
    if task.chunk_bytes is not None:
        bulk = replace(bulk, chunk_max_mem_size_bytes=task.chunk_bytes)
    if task.in_flight is not None:
        bulk = replace(bulk, max_concurrency=task.in_flight)
    url = urlsplit(task.sink)
    if url.username is None:
        return config.Elasticsearch(hosts=(task.sink,), bulk=bulk)
    host = urlunsplit(url._replace(netloc=url.netloc.rpartition("@")[2]))
    password = Secret(url.password or "")
    return config.Elasticsearch(hosts=(host,), username=url.username, password=password, bulk=bulk)


async def _nobody_else() -> None:
    """Confirm the job: there is no other worker."""


async def _renew(lease: Lease) -> None:
    """Stand in for the heartbeat, without which a job stops writing after some minutes."""
    while True:
        await asyncio.sleep(10)
        lease.renewed()

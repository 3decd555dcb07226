"""What a service costs whose connectors have nothing to do: a real process, an embedded Elasticsearch."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import Any

import psutil

from sandbox.calls import Call
from sandbox.process import Process
from sandbox.world import World, until, world

INDEX_PREFIX = "idle-"
"""What connectors and their indices are called, before their numbers."""
SETTLE_SECONDS = 45
"""Registering configuration schemas and looking at connectors for the first time does not count."""
WATCH_SECONDS = 120

_CONFIG = """\
elasticsearch:
  host: {url}
  username: {username}
  password: {password}

connectors:
"""
_CONNECTOR = """\
  - connector_id: idle-{number}
    service_type: postgresql
"""


def measured(connectors: int) -> tuple[float, float]:
    """Return the share of one core that a service with so many connectors takes, and its memory in bytes."""
    with world() as created, serving(created, connectors) as service:
        process = psutil.Process(service.pid)
        time.sleep(SETTLE_SECONDS)
        began, before = time.monotonic(), _cpu_seconds(process)
        time.sleep(WATCH_SECONDS)
        service.check()
        share = (_cpu_seconds(process) - before) / (time.monotonic() - began)
        return share, float(process.memory_info().rss)


@contextmanager
def serving(
    created: World, connectors: int, values: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[Process]:
    """Run a service with the intervals of a new installation, its connectors configured and never due."""
    elasticsearch = created.elasticsearch
    for number in range(connectors):
        name = f"{INDEX_PREFIX}{number}"
        body = {"index_name": name, "name": "Idle", "service_type": "postgresql"}
        elasticsearch.send(Call("Create a connector", "PUT", f"/_connector/{name}", body))
    head = _CONFIG.format(
        url=elasticsearch.url,
        username=elasticsearch.username,
        password=json.dumps(elasticsearch.password),
    )
    listed = "".join(_CONNECTOR.format(number=number) for number in range(connectors))
    created.config_file.write_text(head + listed)
    with created.service() as service:
        for number in range(connectors):
            path = f"/_connector/{INDEX_PREFIX}{number}"
            until(partial(_has_asked, created, path), f"{path} asks for settings", watching=service)
            configured = {"values": {**created.connector_values, **values}}
            elasticsearch.send(Call("Configure it", "PUT", f"{path}/_configuration", configured))
        yield service


def _has_asked(created: World, path: str) -> bool | None:
    """Say whether a connector knows what it can be configured with; None if not yet."""
    return bool(created.elasticsearch.send(Call("Look", "GET", path))["configuration"]) or None


def _cpu_seconds(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return float(spent.user + spent.system)

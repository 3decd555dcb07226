"""A small world to try the service in: a database with music, an Elasticsearch, and the service between them.

    PostgreSQL ──▶ service (its own process, config.yml) ──▶ Elasticsearch (its own process)

Everything is in a temporary folder, on free ports of 127.0.0.1, with its own passwords, and gone at the end.
"""

import json
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rich.console import Console
from rich.markup import escape

from sandbox import calls, music
from sandbox.postgresql import Cluster, PostgreSQLDidNotStartError
from sandbox.process import Process, ProcessEndedError

T = TypeVar("T")


class Serve(Protocol):
    """Runs an Elasticsearch in a folder, whose user `elastic` has this password unless it has its own."""

    def __call__(self, folder: Path, *, password: str) -> AbstractContextManager[calls.Elasticsearch]:
        """Give its address while the context lasts."""
        ...


DATABASE = "chinook"
READER = "elastic_ingest"
PASSWORD_VARIABLE = "SANDBOX_ELASTIC_PASSWORD"  # noqa: S105 - the name of a variable
WAIT_SECONDS = 120
POLL_SECONDS = 0.1

_CONFIG = """\
elasticsearch:
  host: {url}
  api_key: {api_key}

service:
  idling: 1

connectors:
  - connector_id: {connector_id}
    service_type: postgresql
"""

_READER = """
CREATE ROLE {reader} LOGIN PASSWORD '{password}';
GRANT CONNECT ON DATABASE {database} TO {reader};
GRANT USAGE ON SCHEMA public TO {reader};
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader};
"""


class TookTooLongError(Exception):
    """A condition was not met in time."""


class WrongResultError(Exception):
    """A demonstration ran to its end, with a wrong result."""


FAILURES = (
    PostgreSQLDidNotStartError,
    ProcessEndedError,
    TookTooLongError,
    WrongResultError,
    calls.RefusedError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that runs, and how to reach it."""

    folder: Path
    cluster: Cluster
    elasticsearch: calls.Elasticsearch
    reader_password: str

    @property
    def config_file(self) -> Path:
        """Where the service's configuration is."""
        return self.folder / "config.yml"

    @property
    def connector_values(self) -> Mapping[str, Any]:
        """The values that configure a connector for the music."""
        return {
            "host": self.cluster.host,
            "port": self.cluster.port,
            "username": READER,
            "password": self.reader_password,
            "database": DATABASE,
            "schema": "public",
            "tables": "album,artist",
        }

    def sql(self, script: str) -> str:
        """Run SQL on the music as the owner; return what psql printed."""
        return self.cluster.execute(script, database=DATABASE)

    @contextmanager
    def service(self) -> Iterator[Process]:
        """Run the service as a person would: `elastic-ingest -c config.yml`."""
        command = [sys.executable, "-m", "ingest", "-c", str(self.config_file)]
        with Process("service", command, log_file=self.folder / "service.log", folder=self.folder) as process:
            yield process


def fill_with_music(cluster: Cluster) -> None:
    """Create the database and put the music catalogue into it."""
    cluster.execute(f"CREATE DATABASE {DATABASE}")
    cluster.execute(music.script(), database=DATABASE)


@contextmanager
def elasticsearch_server(folder: Path, *, password: str) -> Iterator[calls.Elasticsearch]:
    """Run an embedded Elasticsearch as a process of its own.

    The password goes through the environment: command lines are open to every user of the machine, and a
    random text among options may look like one.
    """
    command = [sys.executable, "-m", "sandbox.elasticsearch", "--port", "0"]
    log_file = folder / "elasticsearch.log"
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", PASSWORD_VARIABLE: password}
    with Process(
        "embedded Elasticsearch", command, log_file=log_file, folder=folder, environment=environment
    ) as process:
        url = until(lambda: process.log().strip() or None, "it prints where it is", watching=process)
        yield calls.Elasticsearch(url, "elastic", password)


@contextmanager
def world(
    fill: Callable[[Cluster], None] = fill_with_music,
    elasticsearch: Serve = elasticsearch_server,
    postgresql: Callable[[], Cluster] = Cluster,
) -> Iterator[World]:
    """Start a database, filled, and an Elasticsearch, and write the service's config.yml."""
    with tempfile.TemporaryDirectory(prefix="sandbox-") as name, postgresql() as cluster:
        folder = Path(name)
        reader_password = secrets.token_urlsafe(12)
        fill(cluster)
        reader = _READER.format(reader=READER, password=reader_password, database=DATABASE)
        cluster.execute(reader, database=DATABASE)
        with elasticsearch(folder, password=secrets.token_urlsafe(12)) as served:
            created = World(
                folder=folder, cluster=cluster, elasticsearch=served, reader_password=reader_password
            )
            _write_config(created)
            yield created


def until(condition: Callable[[], T | None], what: str, *, watching: Process) -> T:
    """Return what the condition returns once that is neither None nor False.

    Raises TookTooLongError, or ProcessEndedError if the process ends meanwhile.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while (result := condition()) is None or result is False:
        watching.check()
        if time.monotonic() > deadline:
            raise TookTooLongError(f"Not within {WAIT_SECONDS} s: {what}. Its log:\n{watching.log()[-4000:]}")
        time.sleep(POLL_SECONDS)
    return result


def play(story: Callable[[World, Console], None], console: Console) -> int:
    """Run a demonstration in a new world; return the exit code. Ctrl-C and SIGTERM end both in order."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            with console.status("Starting PostgreSQL and Elasticsearch ..."):
                created = stack.enter_context(world())
            story(created, console)
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left running.")
        return 130
    except FAILURES as error:
        console.print("[red]It did not work.[/]", escape(str(error)))
        return 1
    return 0


def _write_config(created: World) -> None:
    api_key = created.elasticsearch.send(calls.CREATE_API_KEY)["encoded"]
    created.config_file.touch(mode=0o600)
    created.config_file.write_text(
        _CONFIG.format(
            url=created.elasticsearch.url, api_key=json.dumps(api_key), connector_id=calls.CONNECTOR_ID
        )
    )

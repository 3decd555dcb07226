"""Secrets are in memory and on the wire only, and the process opens no file or socket it does not need.

Every secret is unique, and looked for, in each form it might take, in all the process printed, in what it
wrote to Elasticsearch, and in the documents a user can read.
"""

import base64
import json
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from ingest.protocol import JOBS_INDEX
from sandbox import calls
from sandbox.elasticsearch import Security, User, serve
from sandbox.elasticsearch.server.faults import Edit, FailItems, Reply
from sandbox.postgresql import Cluster
from tests.acceptance.installation import Installation, Running, installation, is_of_a_service
from tests.support.canaries import Canary, body_of, found, without_configuration
from tests.support.database import database_on
from tests.support.service_harness import CONNECTOR, until

_CREATE_READER = (
    "SELECT format('CREATE ROLE %1$I LOGIN PASSWORD %2$L;"
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO %1$I', $1::text, $2::text)"
)


@dataclass(slots=True)
class Guarded:
    """An installation in which everything that can be secret is."""

    installed: Installation
    canaries: list[Canary]
    values: Mapping[str, Any]

    async def seen(self) -> list[str]:
        """Return every secret that can be seen anywhere."""
        harness = self.installed.harness
        jobs = (await harness.ok("GET", "/_connector/_sync_job", size="1000"))["results"]
        documents = [*jobs, await harness.connector()]
        sent = [entry for entry in self.installed.server.journal if is_of_a_service(entry)]
        places = [running.log() for running in self.installed.processes]
        alive = [one.process.pid for one in self.installed.processes if one.process.returncode is None]
        arguments = [" ".join(psutil.Process(pid).cmdline()) for pid in alive]
        places += [json.dumps(without_configuration(document), ensure_ascii=False) for document in documents]
        places += [f"{entry.path}?{dict(entry.query)} {dict(entry.headers)}" for entry in sent]
        places += [body_of(entry.path, entry.body) for entry in sent]
        assert all(places[: len(self.installed.processes)])
        return [one for place in [*places, *arguments] for one in found(self.canaries, place)]

    async def start(self, command: Iterable[str] = ("-m", "ingest"), **place: Any) -> Running:
        """Start the service and connect it."""
        running = await self.installed.start(command, **place)
        await running.has_logged("connector.missing")
        await self.installed.connect(**self.values)
        return running

    async def failing_sync(self, **values: Any) -> str:
        """Sync with other values; return what the job says went wrong."""
        await self.installed.configure(**{**self.values, **values})
        job = await self.installed.sync()
        assert job["status"] == "error"
        return str(job["error"])


def _authorization(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
async def guarded(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Guarded]:
    """A service with every kind of credential, that logs at debug level, not yet started."""
    admin = secrets.token_urlsafe(12)
    # What needs escaping somewhere stands behind the first characters, which are looked for alone.
    password = f"Pg{secrets.token_hex(6)}@:/?#%&+ \"\\é'x"
    async with (
        serve(security=Security(users=[User("elastic", admin)])) as server,
        database_on(cluster) as database,
        installation(server, database, tmp_path, _authorization("elastic", admin)) as installed,
    ):
        role = f"reader_{database.name}"
        await database.execute(await database.value(_CREATE_READER, role, password))
        keys = [await installed.harness.ok("POST", "/_security/api_key", calls.API_KEY) for _ in range(2)]
        installed.write_config(
            {"api_key": keys[0]["encoded"]}, {"api_key": keys[1]["encoded"]}, log_level="debug"
        )
        values = {"username": role, "password": password}
        canaries = [Canary("database password", password)]
        for name, key in zip(("service key", "connector key"), keys, strict=True):
            canaries += [Canary(name, key["encoded"]), Canary(f"{name}, decoded", key["api_key"])]
        yield Guarded(installed, canaries, values)


@pytest.mark.parametrize(
    "line",
    [
        'password=Ab1$"é/x!',
        'password=Ab1$"é/x...',
        "QWIxJCLDqS94IQ==",
        "Ab1%24%22%C3%A9%2Fx%21",
        '{"password": "Ab1$\\"\\u00e9/x!"}',
        '{"password": "Ab1$\\"é/x!"}',
    ],
)
def test_a_secret_would_be_seen_in_any_form(line: str) -> None:
    assert found([Canary("password", 'Ab1$"é/x!')], line)


async def test_no_secret_is_seen_when_all_goes_well(guarded: Guarded) -> None:
    running = await guarded.start()
    job = await guarded.installed.sync()
    running.signal(signal.SIGTERM)
    assert await running.ended() == 0

    assert job["status"] == "completed"
    assert '"log.level": "debug"' in running.log()
    assert await guarded.seen() == []


NOT_AGAIN = {"retry_count": "1"}
"""A source that cannot be reached is not tried again, which takes a job five seconds."""


async def test_no_secret_is_seen_whatever_goes_wrong(guarded: Guarded) -> None:
    installed, faults = guarded.installed, guarded.installed.server.faults
    wrong = Canary("wrong password", f"Wr{secrets.token_hex(6)}'\"\\ %2F")
    guarded.canaries.append(wrong)
    running = await guarded.start(("-X", "dev", "-m", "ingest"))
    said = [
        await guarded.failing_sync(password=wrong.text),
        await guarded.failing_sync(password=wrong.text, username="nobody_here"),
        await guarded.failing_sync(port="1"),
        await guarded.failing_sync(database="no_such_database"),
        await guarded.failing_sync(host="no-such-host.invalid", **NOT_AGAIN),
        await guarded.failing_sync(tables="no_such_table"),
    ]
    for action, path in (
        (Reply(401), "*/_bulk"),
        (Reply(403), "*/_bulk"),
        (Reply(400, "not even JSON"), "*/_bulk"),
    ):
        await installed.change()
        fault = faults.add(action, path=path)
        said.append(await guarded.failing_sync())
        faults.remove(fault)
    faults.add(Edit(lambda _body: 5), path=f"/{JOBS_INDEX}/_search")
    await running.has_printed("not as it should")

    assert "answered 400" in said[-1], said[-1]
    assert '"log.level": "error"' in running.log()
    assert await guarded.seen() == []


DEFECTIVE = """
import sys

from sources.postgresql.source import PostgreSQL

async def slices(self, advanced_rules, seed):
    password = self.settings.password
    configuration = {"password": password, "settings": self.settings}
    try:
        raise LookupError("a first mistake")
    except LookupError as error:
        raise RuntimeError("a mistake of ours") from error

PostgreSQL.slices = slices
sys.argv[0] = "elastic-ingest"
from ingest.__main__ import main
main()
"""
"""The service with a defect: where it fails, secrets are in local variables."""


@pytest.mark.parametrize("log_format", ["json", pytest.param("console", marks=pytest.mark.sweep)])
async def test_no_trace_shows_what_was_in_the_variables_where_it_failed(
    guarded: Guarded, log_format: str
) -> None:
    installed = guarded.installed
    file = installed.folder / "config.yml"
    settings = yaml.safe_load(file.read_text())
    settings["service"]["log_format"] = log_format
    file.write_text(yaml.safe_dump(settings))

    running = await guarded.start(("-c", DEFECTIVE))
    job = await installed.sync()
    running.signal(signal.SIGTERM)

    assert await running.ended() == 0
    assert "Unexpected RuntimeError" in job["error"]
    for words in ("job.crashed", "Traceback", "a first mistake", "a mistake of ours", "in slices"):
        assert words in running.log()
    assert await guarded.seen() == []


async def test_no_row_is_seen_but_in_the_index(guarded: Guarded) -> None:
    """Elasticsearch and PostgreSQL quote values in what they say about them."""
    installed = guarded.installed
    running = await guarded.start()
    row = Canary("a row's value", f"Row{secrets.token_hex(8)}")
    await installed.database.execute(f"UPDATE album SET title = '{row.text}' WHERE id = 3")
    reason = f"failed to parse field [x] in document with id '1'. Preview of field's value: '{row.text}'"
    fault = installed.server.faults.add(
        FailItems(400, (1,), "document_parsing_exception", reason), path="*/_bulk"
    )
    rejected = await installed.sync()
    installed.server.faults.remove(fault)
    query = {"tables": ["album"], "query": "SELECT id, title::int AS title FROM public.album WHERE id = 3"}
    await installed.harness.ok(
        "PUT", f"/_connector/{CONNECTOR}/_filtering", {"advanced_snippet": {"value": [query]}}
    )
    await until(installed.harness.connector, _has_active_rules)
    failed = await installed.sync()

    assert rejected["metadata"]["rejections"]
    assert failed["status"] == "error"
    places = [
        running.log(),
        *map(json.dumps, (rejected, failed, await installed.harness.connector())),
    ]
    assert [one for place in places for one in found([row], place)] == []


def _has_active_rules(connector: Mapping[str, Any]) -> bool:
    assert not connector["filtering"][0]["draft"]["validation"]["errors"], connector["filtering"]
    return bool(connector["filtering"][0]["active"]["advanced_snippet"]["value"])


AUDITED = """
import os, sys

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
NEVER = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn",
         "socket.bind", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink",
         "os.truncate", "os.chmod", "os.chown", "shutil.", "tempfile.", "ftplib.", "smtplib.", "urllib.",
         "pickle.find_class")

def hook(event, arguments):
    is_write = event == "open" and (arguments[2] or 0) & WRITING
    if is_write or event.startswith(NEVER):
        os.write(2, f"VIOLATION {event} {arguments!r}\\n".encode())

sys.addaudithook(hook)
sys.argv[0] = "elastic-ingest"
from ingest.__main__ import main
main()
"""


async def test_the_process_listens_nowhere_writes_no_file_and_starts_no_process(guarded: Guarded) -> None:
    """From a folder nobody can write in, without a home and without a place for temporary files."""
    installed = guarded.installed
    nowhere = Path("/proc")
    environment = {"PATH": "/nowhere", "TMPDIR": "/proc/none", "PYTHONDONTWRITEBYTECODE": "1"}

    running = await guarded.start(("-c", AUDITED), environment=environment, folder=nowhere)
    job = await installed.sync()
    process = psutil.Process(running.process.pid)
    listening = [one for one in process.net_connections("all") if one.status == psutil.CONN_LISTEN]
    children = process.children(recursive=True)
    running.signal(signal.SIGTERM)

    assert await running.ended() == 0
    assert job["status"] == "completed"
    assert (listening, children) == ([], [])
    assert "VIOLATION" not in running.log()
    assert "service.stopped" in running.log()


def test_the_audit_would_notice() -> None:
    """The hook itself works."""
    program = AUDITED.partition("sys.argv[0]")[0] + (
        "import socket, subprocess, tempfile\n"
        "tempfile.TemporaryFile()\n"
        "socket.create_server(('127.0.0.1', 0))\n"
        "subprocess.run([sys.executable, '-c', ''])\n"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    noticed = {line.split()[1] for line in ended.stderr.splitlines()}
    assert noticed >= {"open", "socket.bind", "subprocess.Popen"}

"""What the documents tell to paste works when it is pasted: from nothing to scheduled syncs with an alert.

    README 1, 2: key, role ─▶ README 3: config.yml ─▶ the service ─▶ README 5 and the other documents

One world for all. Each document gets a connector and an index of its own; only placeholders are replaced.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from sandbox.calls import Call
from sandbox.process import Process
from sandbox.world import World, until, world
from tests.repo import documented, project
from tests.support.ports import free_port
from tests.support.postgresql import server

SQLITE = "docs/adding-a-source.md"
RUN = ("README.md", "docs/command-line.md", "docs/quickstart.md", "docs/incremental-jobs.md", SQLITE)
"""The documents with commands that are run here."""
SETTING_UP = 2
"""So many blocks of the README come before its config.yml."""
CONNECTOR, INDEX = "my-connector-id", "music"
ROWS = 622
SHELL = ("bash", "-euo", "pipefail", "-c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """A person's shell, in the checkout's folder with a `config.yml`, and the world that it works on."""

    world: World
    folder: Path
    status_port: int

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the documents say to set, and how psql finds the database."""
        cluster = self.world.cluster
        programs = [str(self.folder / "bin"), str(cluster.programs), os.environ["PATH"]]
        return {
            **os.environ,
            "PATH": os.pathsep.join(programs),
            "COLUMNS": "250",
            "DB_PASSWORD": self.world.reader_password,
            "ELASTICSEARCH_API_KEY": (self.folder / "key").read_text() if self.has_key else "",
            "PGHOST": cluster.host,
            "PGPORT": str(cluster.port),
            "PGUSER": cluster.user,
            "PGPASSWORD": cluster.password,
        }

    @property
    def has_key(self) -> bool:
        """Whether the key was made already."""
        return (self.folder / "key").exists()

    def paste(self, commands: str, document: str = "README.md") -> str:
        """Run a block, its placeholders replaced by what is true here; return what it printed."""
        elasticsearch, cluster = self.world.elasticsearch, self.world.cluster
        for placeholder, value in {
            "https://your-cluster:9200": elasticsearch.url,
            "-u elastic ": f"-u elastic:{elasticsearch.password} ",
            "db.example.org": cluster.host,
            "port=5432": f"port={cluster.port}",
            '"port": 5432': f'"port": {cluster.port}',
            "password=...": f"password={self.world.reader_password}",
            '"password": "..."': f'"password": "{self.world.reader_password}"',
            CONNECTOR: connector_of(document),
            f"--index-name {INDEX}": f"--index-name {index_of(document)}",
            f'"index_name": "{INDEX}"': f'"index_name": "{index_of(document)}"',
        }.items():
            commands = commands.replace(placeholder, value)
        finished = subprocess.run(
            [*SHELL, commands],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert finished.returncode == 0, commands + finished.stdout + finished.stderr
        return finished.stdout

    def ask(self, path: str) -> Any:
        """Return what Elasticsearch answers."""
        return self.world.elasticsearch.send(Call("", "GET", path))

    def count(self, document: str) -> int:
        """Return how many documents the index of a document's connector holds."""
        self.world.elasticsearch.send(Call("", "POST", f"/{index_of(document)}/_refresh"))
        found: int = self.ask(f"/{index_of(document)}/_count")["count"]
        return found

    def schedule(self, document: str, kind: str) -> Any:
        """Return when the connector of a document runs such jobs."""
        return self.ask(f"/_connector/{connector_of(document)}")["scheduling"][kind]


def failed_jobs(terminal: Terminal) -> float:
    """Return what the alert rule on failed jobs watches: how many full jobs ended in error."""
    with urlopen(f"http://127.0.0.1:{terminal.status_port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    (count,) = re.findall(
        r'^elastic_ingest_jobs_ended_total{job_type="full",status="error"} (\S+)$', text, re.MULTILINE
    )
    return float(count)


def connector_of(document: str) -> str:
    return CONNECTOR if document == "README.md" else f"{CONNECTOR}-{RUN.index(document)}"


def index_of(document: str) -> str:
    return INDEX if document == "README.md" else f"{INDEX}-{RUN.index(document)}"


@pytest.fixture(scope="module")
def prepared() -> Iterator[Terminal]:
    """The README up to its fourth step: a key, a role, a config.yml."""
    with world(postgresql=server) as created:
        terminal = Terminal(world=created, folder=created.folder / "checkout", status_port=free_port())
        shutil.copytree(project.ROOT / "deploy", terminal.folder / "deploy")
        key_file = terminal.folder / "deploy/api-key.json"
        every_index = json.dumps([index_of(document) for document in RUN])
        key_file.write_text(key_file.read_text().replace(f'["{INDEX}"]', every_index))
        program = terminal.folder / "bin/elastic-ingest"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nPYTHONPATH={project.ROOT} exec {sys.executable} -m ingest "$@"\n')
        program.chmod(0o755)
        key, role = documented.to_run("README.md")[:SETTING_UP]
        (terminal.folder / "key").write_text(json.loads(terminal.paste(key))["encoded"])
        terminal.paste(role)
        write_configuration(terminal)
        yield terminal


def write_configuration(terminal: Terminal) -> None:
    """Write the README's config.yml, with a connector for each document, and a service that looks often."""
    text = documented.configuration().replace("https://your-cluster:9200", terminal.world.elasticsearch.url)
    entry = text[text.index("  - connector_id") :]
    others = [entry.replace(CONNECTOR, connector_of(document)) for document in RUN[1:-1]]
    others.append(f"  - connector_id: {connector_of(SQLITE)}\n    service_type: sqlite\n")
    service = f"service: {{idling: 1, status_port: {terminal.status_port}}}\n"
    (terminal.folder / "config.yml").write_text("".join([text, *others, service]))


@pytest.fixture(scope="module")
def service(prepared: Terminal) -> Iterator[Process]:
    command = [str(prepared.folder / "bin/elastic-ingest"), "-c", "config.yml"]
    with Process(
        "service",
        command,
        log_file=prepared.folder / "service.log",
        folder=prepared.folder,
        environment=prepared.environment,
    ) as running:
        yield running


@pytest.fixture(scope="module")
def terminal(prepared: Terminal, service: Process) -> Terminal:
    service.check()
    return prepared


def test_the_readme_leads_from_nothing_to_a_scheduled_sync(terminal: Terminal) -> None:
    (connector,) = documented.to_run("README.md")[SETTING_UP:]

    printed = terminal.paste(connector)

    assert "completed" in printed
    assert terminal.count("README.md") == ROWS
    assert terminal.schedule("README.md", "full") == {"enabled": True, "interval": "0 0 3 * * ?"}


def test_a_sync_that_fails_moves_what_the_alert_watches(terminal: Terminal, service: Process) -> None:
    (connector,) = documented.to_run("README.md")[SETTING_UP:]
    (start,) = (line for line in connector.splitlines() if line.startswith("elastic-ingest sync start"))
    before = failed_jobs(terminal)
    terminal.world.sql("ALTER TABLE album RENAME TO renamed")
    try:
        printed = terminal.paste(f'{start} || echo "exit code $?"')
    finally:
        terminal.world.sql("ALTER TABLE renamed RENAME TO album")

    assert "exit code 1" in printed
    assert before == 0
    until(lambda: failed_jobs(terminal) == 1 or None, "the failure is counted", watching=service)
    assert terminal.count("README.md") == ROWS


def test_the_same_works_with_curl(terminal: Terminal, service: Process) -> None:
    document = "docs/command-line.md"
    create, configure = documented.to_run(document)

    terminal.paste(create, document)
    until(
        lambda: terminal.ask(f"/_connector/{connector_of(document)}")["configuration"] or None,
        "fields are registered",
        watching=service,
    )
    terminal.paste(configure, document)

    jobs = f"/_connector/_sync_job?connector_id={connector_of(document)}"
    jobs_ended = until(
        lambda: [one for one in terminal.ask(jobs)["results"] if one.get("completed_at")] or None,
        "the job ends",
        watching=service,
    )
    assert {job["status"] for job in jobs_ended} == {"completed"}
    assert terminal.count(document) == ROWS
    assert terminal.schedule(document, "full") == {"enabled": True, "interval": "0 0 3 * * ?"}


@pytest.mark.sweep
def test_the_quickstart_leads_to_a_sync_and_two_schedules(terminal: Terminal) -> None:
    document = "docs/quickstart.md"
    configure, look, schedule = documented.to_run(document)

    terminal.paste(configure, document)
    printed = terminal.paste(look, document)
    terminal.paste(schedule, document)

    assert "No problems" in printed
    assert "completed" in printed
    assert terminal.count(document) == ROWS
    assert terminal.schedule(document, "full")["enabled"]
    assert terminal.schedule(document, "incremental")["enabled"]


@pytest.mark.sweep
def test_incremental_jobs_are_scheduled_and_started_as_their_page_says(terminal: Terminal) -> None:
    document = "docs/incremental-jobs.md"
    configure, *_ = documented.to_run("docs/quickstart.md")
    (commands,) = documented.to_run(document)
    terminal.paste(configure, document)

    printed = terminal.paste(commands, document)

    assert "completed" in printed
    assert terminal.count(document) == ROWS
    assert terminal.schedule(document, "incremental") == {"enabled": True, "interval": "0 * * * * ?"}


def test_a_database_file_is_synced_as_the_page_on_sources_says(terminal: Terminal) -> None:
    (commands,) = documented.to_run(SQLITE)

    printed = terminal.paste(commands, SQLITE)

    assert "sqlite          SQLite" in printed
    assert "pen" in printed
    assert "completed" in printed
    assert terminal.count(SQLITE) == 2

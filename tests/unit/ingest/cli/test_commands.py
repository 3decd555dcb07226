"""What the command line accepts, what it starts, and how it ends."""

import gc
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from ingest.cli import collecting, commands
from ingest.cli.commands import elastic_ingest
from ingest.cli.options import Load
from ingest.config import LOG_LEVELS, Config
from ingest.errors import ElasticsearchUnavailableError
from tests.support import command_line

pytestmark = pytest.mark.usefixtures("logging_restored", "signals_restored")

GOOD = "connectors: [{connector_id: my-connector-id, service_type: postgresql}]\n"


@dataclass(slots=True)
class Started:
    """Programs that note what they were started with instead of working."""

    failure: Exception | None = None
    ran: list[Config] = field(default_factory=list)
    collected_garbage: bool | None = None

    async def run(self, config: Config, load: Load) -> None:
        self.ran.append(config)
        self.collected_garbage = gc.isenabled()
        structlog.get_logger().debug("program.details")
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def signals_restored() -> Iterator[None]:
    """Undo what commands do to the signals of this process."""
    with command_line.signals_restored():
        yield


@pytest.fixture
def started() -> Started:
    return Started()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yml"
    path.write_text(GOOD)
    path.chmod(0o600)
    return path


def invoke(started: Started, *arguments: str | Path) -> Result:
    return CliRunner().invoke(
        elastic_ingest, [str(argument) for argument in arguments], prog_name="elastic-ingest", obj=started
    )


def test_without_a_command_the_service_runs(started: Started, file: Path) -> None:
    result = invoke(started, "-c", file)

    assert result.exit_code == 0
    assert [entry.connector_id for entry in started.ran[0].connectors] == ["my-connector-id"]


def test_garbage_is_looked_for_once_the_service_works(started: Started, file: Path) -> None:
    collecting.put_off()
    try:
        assert not gc.isenabled()

        invoke(started, "-c", file)
    finally:
        collecting.begin()
        gc.unfreeze()

    assert started.collected_garbage


def test_garbage_is_looked_for_once_a_command_works(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("elasticsearch: {host: 'http://127.0.0.1:9'}\n")
    collecting.put_off()
    try:
        CliRunner().invoke(elastic_ingest, ["-c", str(tmp_path / "config.yml"), "check"])

        assert gc.isenabled()
    finally:
        collecting.begin()
        gc.unfreeze()


@pytest.mark.parametrize("arguments", [(), ("run",)])
def test_a_wrong_file_prints_every_problem_and_starts_nothing(
    started: Started, file: Path, arguments: tuple[str, ...]
) -> None:
    file.write_text("elasticsearch.hots: x\nservice.idling: soon\n")

    result = invoke(started, "-c", file, *arguments)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert [line.split(": ")[:2] for line in result.stderr.splitlines()] == [
        ["config.yml", "elasticsearch.hots"],
        ["config.yml", "service.idling"],
        ["config.yml", "connectors"],
    ]
    assert started == Started()


def test_a_missing_file_is_one_line(started: Started, tmp_path: Path) -> None:
    result = invoke(started, "-c", tmp_path / "absent.yml")

    assert result.exit_code == 2
    assert result.stderr == (
        f"absent.yml: cannot be read: No such file or directory ({tmp_path / 'absent.yml'}); "
        "name the file with -c, or copy config.yml.example\n"
    )


def test_a_failure_of_the_service_is_one_line_and_exit_code_1(file: Path) -> None:
    started = Started(failure=ElasticsearchUnavailableError("Elasticsearch did not answer for 240 s."))

    result = invoke(started, "-c", file)

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert json.loads(line)["event.action"] == "service.failed"
    assert json.loads(line)["ingest"]["reason"] == "Elasticsearch did not answer for 240 s."


@pytest.mark.parametrize(
    ("arguments", "level"),
    [
        ((), "warning"),
        (("--log-level", "error"), "error"),
        (("--log-level", "DEBUG"), "debug"),
        (("--debug",), "debug"),
        (("--debug", "--log-level", "error"), "debug"),
    ],
)
def test_the_command_line_has_the_last_word_about_the_level(
    started: Started, file: Path, arguments: tuple[str, ...], level: str
) -> None:
    file.write_text(GOOD + "service.log_level: warning")

    result = invoke(started, "-c", file, *arguments)

    assert started.ran[0].service.log_level == level
    assert ("program.details" in result.stderr) == (level == "debug")


@pytest.mark.parametrize(
    ("arguments", "style", "is_json"),
    [((), "console", False), (("--filebeat",), "json", True)],
)
def test_the_format_comes_from_the_file_or_is_json_for_filebeat(
    started: Started, file: Path, arguments: tuple[str, ...], style: str, is_json: bool
) -> None:
    file.write_text(GOOD + "service.log_format: console")

    result = invoke(started, "-c", file, "--debug", *arguments)

    assert started.ran[0].service.log_format == style
    assert result.stderr.splitlines()[-1].startswith("{") == is_json


def test_warnings_of_the_file_and_options_without_effect_are_logged(started: Started, file: Path) -> None:
    file.write_text(GOOD + "service.fips_mode: true")

    result = invoke(started, "-c", file, "--uvloop")

    problems = [json.loads(line)["ingest"]["problem"] for line in result.stderr.splitlines()]
    assert problems[0].startswith("config.yml: service.fips_mode: has no effect")
    assert problems[1] == "--uvloop: has no effect"


def test_the_version_is_printed(started: Started) -> None:
    result = invoke(started, "--version")

    assert result.exit_code == 0
    assert result.stdout.startswith("elastic-ingest ")


# --- the actions of Elastic's command ---


def test_all_actions_of_the_daemon_together_are_the_daemon(started: Started, file: Path) -> None:
    result = invoke(
        started, "-c", file, "--action", "schedule", "--action", "sync_content", "--action", "cleanup"
    )

    assert result.exit_code == 0
    assert len(started.ran) == 1


@pytest.mark.parametrize("action", ["schedule", "sync_content", "sync_access_control", "cleanup"])
def test_a_part_of_the_daemon_cannot_be_run_alone(started: Started, file: Path, action: str) -> None:
    result = invoke(started, "-c", file, "--action", action)

    assert result.exit_code == 2
    assert "omit --action" in result.stderr
    assert started.ran == []


def test_an_unknown_action_is_refused(started: Started, file: Path) -> None:
    assert invoke(started, "-c", file, "--action", "dance").exit_code == 2


def test_the_sources_can_be_listed_without_a_file(started: Started, tmp_path: Path) -> None:
    result = invoke(started, "-c", tmp_path / "absent.yml", "--action", "list")

    assert result.exit_code == 0
    assert result.stdout.split() == ["postgresql", "PostgreSQL", "sqlite", "SQLite"]


def test_the_configuration_of_a_source_can_be_shown(started: Started) -> None:
    result = invoke(started, "--action", "config", "--service-type", "postgresql")

    assert json.loads(result.stdout)["host"]["label"]


@pytest.mark.parametrize("arguments", [(), ("--service-type", "mysql")])
def test_the_configuration_of_an_unknown_source_is_refused(
    started: Started, arguments: tuple[str, ...]
) -> None:
    result = invoke(started, "--action", "config", *arguments)

    assert result.exit_code == 2
    assert "--service-type, one of: postgresql" in result.stderr


def test_the_levels_of_the_command_line_are_those_of_the_file() -> None:
    assert commands.LEVELS == LOG_LEVELS


def test_the_version_is_told_without_importing_the_service() -> None:
    program = (
        "import sys; from ingest.__main__ import main\n"
        "try: main()\n"
        "finally: print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, "--version"], capture_output=True, text=True, check=True
    )
    version, imported = finished.stdout.splitlines()

    assert version.startswith("elastic-ingest ")
    assert not {"aiohttp", "asyncio", "asyncpg", "numpy", "structlog", "yaml"} & set(imported.split())


def test_commands_that_read_no_row_start_without_what_reads_rows() -> None:
    """A health check with `check --quick` starts a process every few seconds."""
    modules = ", ".join(f"ingest.cli.{name}" for name in ("check", "connector", "rejected", "status", "sync"))
    finished = subprocess.run(
        [sys.executable, "-c", f"import {modules}, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert not {"asyncpg", "numpy", "prometheus_client"} & set(finished.stdout.split())


def test_the_service_starts_without_what_shows_tables_and_tracebacks() -> None:
    program = "import ingest.cli.starting, ingest.service.program, sys; print(*sys.modules)"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert not {"rich.console", "rich.traceback", "pygments", "prometheus_client"} & set(
        finished.stdout.split()
    )

"""`elastic-ingest` as users start it: a process with a file, its output, its exit code, its signals."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.elasticsearch import Security, Server, User, serve
from tests.support.command_line import run_command
from tests.support.sweeps import kept

SECONDS_TO_STOP = 60


def start(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ingest", *arguments],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    with process:
        try:
            out, err = process.communicate(timeout=SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, out, err


def write(folder: Path, text: str) -> None:
    (folder / "config.yml").write_text(text)


CONNECTOR = "connectors: [{connector_id: c, service_type: postgresql}]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["config.yml: connectors: names no connector"]),
        ("a: 'unclosed", ["config.yml: line 1, column 13: found unexpected end of stream"]),
        (
            CONNECTOR + "elasticsearch: {hots: x}\nservice: {idling: soon}\nfoo: ${NOT_SET_ANYWHERE}",
            [
                "config.yml: foo: variable NOT_SET_ANYWHERE is not set",
                "config.yml: elasticsearch.hots: is unknown (did you mean host?)",
                "config.yml: service.idling: 'soon' is not a whole number (a whole number from 1 to 3600)",
                "config.yml: foo: is unknown",
            ],
        ),
    ],
)
def test_a_file_that_cannot_be_used_prints_every_problem_and_exits_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: list[str]
) -> None:
    write(tmp_path, text)
    monkeypatch.chdir(tmp_path)

    finished = run_command(config_file=Path("config.yml"))

    assert finished.returncode == 2
    assert finished.stdout == ""
    lines = finished.stderr.splitlines()
    assert len(lines) == len(expected)
    assert all(line.startswith(start) for line, start in zip(lines, expected, strict=True)), lines


def test_a_missing_file_exits_2(tmp_path: Path) -> None:
    code, _, err = finish(start(tmp_path))

    assert code == 2
    assert err.startswith("config.yml: cannot be read: No such file or directory (config.yml)")
    assert "-c" in err


def test_an_elasticsearch_that_never_answers_exits_1_and_says_so(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        write(tmp_path, CONNECTOR + f"elasticsearch: {{host: '{url}', max_wait_duration: 0}}")

        code, _, err = finish(start(tmp_path, "-c", "config.yml"))

    assert code == 1
    last = err.splitlines()[-1]
    assert '"event.action": "service.failed"' in last
    assert url in last
    assert "Traceback" not in err


@pytest.mark.parametrize("number", kept([signal.SIGINT], of=(signal.SIGTERM, signal.SIGINT)))
async def test_a_signal_ends_the_service_with_exit_code_0(
    tmp_path: Path, elasticsearch: Server, number: signal.Signals
) -> None:
    write(tmp_path, CONNECTOR + f"elasticsearch.host: {elasticsearch.url}")
    service = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ingest", "-c", "config.yml"), cwd=tmp_path, stderr=asyncio.subprocess.PIPE
    )
    assert service.stderr is not None

    async with asyncio.timeout(SECONDS_TO_STOP):
        while b"service.started" not in (line := await service.stderr.readline()):
            assert line, "it ended before it started"
        service.send_signal(number)
        rest = await service.stderr.read()

    assert await service.wait() == 0
    assert b"service.stopped" in rest.splitlines()[-1]
    assert b"Traceback" not in rest


async def test_check_asks_elasticsearch_with_the_credentials_of_the_file(tmp_path: Path) -> None:
    security = Security(users=[User("elastic", "right-one")])
    async with serve(security=security) as server:
        host = f"elasticsearch: {{host: '{server.url}', username: elastic, max_wait_duration: 0, password: "

        answers = {}
        for password in ("right-one", "wrong-one"):
            write(tmp_path, CONNECTOR + f"{host}{password}}}")
            answers[password] = await asyncio.to_thread(finish, start(tmp_path, "check"))

    code, out, _ = answers["right-one"]
    assert code == 1
    assert "answers, version" in out
    assert "connector c: It does not exist." in out
    code, out, err = answers["wrong-one"]
    assert code == 1
    assert "401" in out
    assert "wrong-one" not in out + err

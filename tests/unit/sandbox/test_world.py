"""The parts of the sandbox work with any password that is drawn for them, and show none."""

import sys
from pathlib import Path

import psutil
import pytest

from sandbox import calls, world
from sandbox.calls import Call
from sandbox.process import Process
from tests.support.sweeps import kept

SAMPLE = ("--port=1", "'\"$(x)\\")


@pytest.mark.parametrize("password", kept(SAMPLE, of=[*SAMPLE, "-secret", "-", "a b", "é=%"]))
def test_any_password_reaches_the_embedded_elasticsearch(tmp_path: Path, password: str) -> None:
    with world.elasticsearch_server(tmp_path, password=password) as elasticsearch:
        answer = elasticsearch.send(Call("Look", "GET", "/"))
        wrong = calls.Elasticsearch(elasticsearch.url, elasticsearch.username, password + "x")

        assert "version" in answer
        with pytest.raises(calls.RefusedError):
            wrong.send(Call("Look", "GET", "/"))


def test_no_command_line_shows_a_password(tmp_path: Path) -> None:
    with world.elasticsearch_server(tmp_path, password="canary-of-this-test"):
        lines = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]

    assert any("sandbox.elasticsearch" in line for line in lines)
    assert not [line for line in lines if "canary-of-this-test" in line]


@pytest.mark.parametrize("not_yet", [None, False])
def test_waiting_goes_on_while_the_condition_does_not_hold(tmp_path: Path, not_yet: bool | None) -> None:
    answers = [not_yet, not_yet, True]
    command = [sys.executable, "-c", "import time; time.sleep(60)"]

    with Process("sleeper", command, log_file=tmp_path / "log", folder=tmp_path) as watched:
        world.until(lambda: answers.pop(0), "it holds", watching=watched)

    assert answers == []

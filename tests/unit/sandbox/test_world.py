"""The world's parts take whatever password is drawn for them, and show it to nobody."""

from pathlib import Path

import psutil
import pytest

from sandbox import calls, world
from sandbox.calls import Call


@pytest.mark.parametrize("password", ["-secret", "--port=1", "-", "a b", "'\"$(x)\\", "é=%"])
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

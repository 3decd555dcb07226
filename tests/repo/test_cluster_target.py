"""`make test-cluster` where no real Elasticsearch can be had, and a cluster that must not be emptied."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.elasticsearch import serve
from tests.cluster.connection import Connection
from tests.cluster.distribution import VERSIONS
from tests.cluster.relay import NotDisposableError, make_empty
from tests.repo.project import ROOT


def test_without_java_or_maven_a_line_says_so_for_each_version_and_nothing_fails(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": str(tmp_path)}

    ended = subprocess.run(
        [sys.executable, "-m", "tests.cluster"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0
    assert ended.stdout == ""
    lines = ended.stderr.splitlines()
    assert [line.partition(" here (")[0] for line in lines] == [
        f"Skipped: no real Elasticsearch {version}" for version in VERSIONS
    ]
    assert all("mvn not found" in line or "it needs a JDK" in line for line in lines)


async def test_a_cluster_of_another_name_keeps_its_indices() -> None:
    async with serve() as server:
        connection = Connection(server.url.replace("http://", "http://elastic:changeme@"))
        await asyncio.to_thread(connection.call, "PUT", "/precious")

        with pytest.raises(NotDisposableError, match="has to be 'disposable'"):
            await asyncio.to_thread(make_empty, connection)

        indices = await asyncio.to_thread(connection.call, "GET", "/_cat/indices?format=json")
        connection.close()
    assert [index["index"] for index in indices] == ["precious"]

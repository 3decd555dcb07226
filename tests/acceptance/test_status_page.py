"""The status page, health and metrics of the real service; in a real browser where there is one."""

import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.process import Process
from sandbox.world import World, until, world
from tests.support import sandbox_world
from tests.support.canaries import Canary, found
from tests.support.ports import free_port
from tests.support.postgresql import server

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def synced(port: int) -> Iterator[tuple[World, Process]]:
    with world(postgresql=server) as created:
        with created.config_file.open("a") as file:
            file.write(f"\nservice.status_port: {port}\n")
        with created.service() as service:
            sandbox_world.set_up(created, service)
            sandbox_world.configure(created)
            assert sandbox_world.sync(created, service)["status"] == "completed"
            yield created, service


def read(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_service_that_works_is_alive_and_ready(synced: tuple[World, Process], port: int) -> None:
    _, service = synced
    until(lambda: read(port, "/readyz")[0] == 200 or None, "every loop turned", watching=service)

    assert read(port, "/livez") == (200, "alive\n")


def test_metrics_count_what_the_job_did(synced: tuple[World, Process], port: int) -> None:
    _, service = synced

    def counted() -> str | None:
        _, text = read(port, "/metrics")
        return text if 'jobs_ended_total{job_type="full",status="completed"} 1.0' in text else None

    text = until(counted, "the job is counted", watching=service)

    assert 'elastic_ingest_documents_total{connector_id="my-connector-id",outcome="created"} 622.0' in text


def test_the_page_shows_the_job_and_no_secret(synced: tuple[World, Process], port: int) -> None:
    place, _ = synced

    _, text = read(port, "/")

    assert re.search(r"622 read, 622 created", text)
    assert "my-connector-id" in text
    shown = [read(port, path)[1] for path in ("/", "/metrics", "/readyz", "/livez", "/no-such-page")]
    canaries = [
        Canary("password of the reader", place.reader_password),
        Canary("password of Elasticsearch", str(place.elasticsearch.password)),
    ]
    assert [one for where in shown for one in found(canaries, where)] == []


@pytest.mark.skipif(BROWSER is None, reason="no chromium here: apt-get install chromium")
@pytest.mark.sweep
@pytest.mark.parametrize("width", [390, 1100])
def test_a_browser_shows_the_page_without_scrolling_sideways(
    synced: tuple[World, Process], port: int, tmp_path: Path, width: int
) -> None:
    assert BROWSER is not None
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}",
    ]
    picture = tmp_path / "page.png"
    shot = subprocess.run(
        [
            BROWSER,
            *options,
            f"--window-size={width},900",
            f"--screenshot={picture}",
            f"http://127.0.0.1:{port}/",
        ],
        capture_output=True,
        timeout=90,
        check=True,
    )
    seen = subprocess.run(
        [BROWSER, *options, "--dump-dom", f"http://127.0.0.1:{port}/"],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    ).stdout

    assert picture.stat().st_size > 5_000, shot.stderr
    assert "elastic-ingest" in seen
    assert "Refused to" not in shot.stderr.decode()

"""`make screenshots`: a service syncs music and a large table; its status page and `sync watch` are drawn.

The page needs chromium; `sync watch` is drawn by rich, as a picture of text.
"""

import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from ingest.cli.watching import drawn
from ingest.protocol import JOBS_INDEX, SyncJob
from sandbox import calls
from sandbox.calls import Call
from sandbox.postgresql import Cluster
from sandbox.world import DATABASE, World, fill_with_music, until, world
from tests.support import sandbox_world
from tests.support.ports import free_port

IMAGES = Path(__file__).parents[2] / "docs/images"
ROWS = 400_000
LEAST_ROWS = 30_000
WIDTH, HEIGHT = 1000, 970
_PLAYS = f"""
CREATE TABLE play (id bigint PRIMARY KEY, track_id int, played_at timestamptz, device text);
INSERT INTO play
SELECT n, n % 3503 + 1, timestamptz '2026-01-01' + n * interval '1 second', 'device ' || n % 97
FROM generate_series(1, {ROWS}) AS n;
ANALYZE;
"""
_FONT_FROM_ELSEWHERE = re.compile(r"@font-face \{.*?\}", re.DOTALL)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Make both pictures anew; return the exit code."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.stderr.write("No chromium here: apt-get install chromium\n")
        return 1
    port = free_port()
    with world(fill) as created:
        with created.config_file.open("a") as file:
            file.write(f"\nservice.status_port: {port}\nservice.job_report_interval: 1\n")
        with created.service() as service:
            sandbox_world.set_up(created, service)
            sandbox_world.configure(created)
            sandbox_world.sync(created, service)
            sandbox_world.configure(created, tables="*")
            job_id = created.elasticsearch.send(calls.START_SYNC)["id"]
            job = until(lambda: half_done(created, job_id), "the large table is read", watching=service)
            photograph(browser, f"http://127.0.0.1:{port}/", IMAGES / "status-page.png")
            draw(job, IMAGES / "sync-watch.svg")
    return 0


def fill(cluster: Cluster) -> None:
    """Put a large table beside the music."""
    fill_with_music(cluster)
    cluster.execute(_PLAYS, database=DATABASE)


def half_done(created: World, job_id: str) -> dict[str, Any] | None:
    """Return the job's document while its largest table is being read."""
    found = created.elasticsearch.send(Call("", "GET", f"/{JOBS_INDEX}/_doc/{job_id}"))
    slices = found["_source"].get("metadata", {}).get("slices", [])
    is_reading = any(one["rows"] >= LEAST_ROWS and not one["finished"] for one in slices)
    return dict(found) if is_reading else None


def photograph(browser: str, url: str, picture: Path) -> None:
    """Let a browser draw a page."""
    with tempfile.TemporaryDirectory() as profile:
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
        subprocess.run(
            [
                browser, *options, f"--user-data-dir={profile}", f"--window-size={WIDTH},{HEIGHT}",
                f"--screenshot={picture}", url,
            ],
            capture_output=True, timeout=120, check=True,
        )  # fmt: skip


def draw(hit: dict[str, Any], picture: Path) -> None:
    """Draw what `sync watch` shows of a job."""
    console = Console(record=True, width=96, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ elastic-ingest sync watch {hit['_id']}"))
    console.print(drawn(SyncJob.from_wire(hit)))
    svg = console.export_svg(title="elastic-ingest sync watch")
    picture.write_text(_FONT_FROM_ELSEWHERE.sub("", svg))


if __name__ == "__main__":
    sys.exit(main())

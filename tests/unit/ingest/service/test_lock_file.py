"""A worker that gets the lock file knows those before it as gone; in any doubt it takes none for gone."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ingest.service.lock_file import file_system_of, identified

HOLDER = """
import sys
from pathlib import Path
from ingest.service.lock_file import identified
with identified(Path(sys.argv[1])) as me:
    print(me.name, flush=True)
    input()
"""
ELSEWHERE = "elsewhere:1:00000000-1f-aaaa"
"""A name about which nothing is known by itself, as that of a worker in another container."""
MOUNTS = """22 1 8:1 / / rw - ext4 /dev/sda1 rw
23 22 0:40 / /mnt/a\\040share rw shared:1 - nfs4 server:/ rw
24 22 0:41 / /var/lib/elastic-ingest rw master:1 - xfs /dev/sdb rw
"""


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def moved(lock_file: Path, name: str) -> None:
    """Let the worker have run in another container."""
    lock_file.write_text(lock_file.read_text().replace(name, ELSEWHERE))


def test_a_killed_holder_is_known_to_be_gone_by_the_next_and_the_next_but_one(lock_file: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, lock_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        with identified(lock_file) as rival:
            pass
        process.kill()
    moved(lock_file, name)
    with identified(lock_file) as second:
        pass
    with identified(lock_file) as third:
        pass

    assert rival.predecessors == set()
    assert second.predecessors == {ELSEWHERE}
    assert second.is_gone(ELSEWHERE)
    assert third.predecessors == {ELSEWHERE, second.name}


def test_while_it_is_held_nobody_else_learns_anything_from_it(lock_file: Path) -> None:
    with capture_logs() as log, identified(lock_file) as first, identified(lock_file) as second:
        assert not second.is_gone(first.name)

    assert [entry["event"] for entry in log] == ["lock_file.not_used"]
    assert "another running service holds it" in log[0]["reason"]


def test_a_copy_of_the_file_says_nothing_about_who_holds_the_original(
    lock_file: Path, tmp_path: Path
) -> None:
    with identified(lock_file) as first:
        moved(lock_file, first.name)
        copy = tmp_path / "copy"
        copy.write_bytes(lock_file.read_bytes())
        with identified(copy) as second:
            assert not second.is_gone(ELSEWHERE)


def test_a_file_from_another_machine_or_another_start_of_it_says_nothing(lock_file: Path) -> None:
    with identified(lock_file) as first:
        pass
    moved(lock_file, first.name)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    lock_file.write_text(lock_file.read_text().replace(boot, boot[::-1]))

    with identified(lock_file) as second:
        assert second.predecessors == set()


def test_a_line_that_was_not_written_whole_neither_counts_nor_joins_the_next(lock_file: Path) -> None:
    with identified(lock_file) as first:
        pass
    with lock_file.open("a") as file:
        file.write("\n01234567-89ab-cdef-0123-456789abcdef/5/3 some-wor")

    with identified(lock_file) as second:
        pass
    with identified(lock_file) as third:
        pass

    assert second.predecessors == {first.name}
    assert third.predecessors == {first.name, second.name}


def test_it_does_not_grow_without_end(lock_file: Path) -> None:
    lock_file.write_text("\n01234567-89ab-cdef-0123-456789abcdef/5/3 some-worker\n" * 1000)

    with identified(lock_file):
        pass

    assert lock_file.stat().st_size < 1000


@pytest.mark.parametrize("path", ["no/such/folder/lock", "."])
def test_a_file_that_cannot_be_used_costs_a_warning(tmp_path: Path, path: str) -> None:
    with capture_logs() as log, identified(tmp_path / path) as me:
        assert me.predecessors == set()

    assert [entry["event"] for entry in log] == ["lock_file.not_used"]


@pytest.mark.parametrize("repeated", [1, 5000])
def test_a_file_of_another_kind_is_left_as_it_is(lock_file: Path, repeated: int) -> None:
    lock_file.write_text(content := "elasticsearch:\n  host: http://localhost:9200\n" * repeated)

    with capture_logs() as log, identified(lock_file):
        pass

    assert lock_file.read_text() == content
    assert "name a file of its own" in log[0]["reason"]


@given(st.integers(0, 200))
def test_whatever_part_of_a_line_was_written_the_file_is_used_again(written: int) -> None:
    with tempfile.TemporaryDirectory() as folder, capture_logs() as log:
        lock_file = Path(folder) / "lock"
        with identified(lock_file):
            pass
        lock_file.write_bytes(lock_file.read_bytes()[:written].ljust(200, b"\0"))
        with identified(lock_file):
            pass

    assert log == []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/etc/lock", "ext4"),
        ("/mnt/a share/lock", "nfs4"),
        ("/mnt/a share too/lock", "ext4"),
        ("/var/lib/elastic-ingest/lock", "xfs"),
    ],
)
def test_the_file_system_is_the_one_mounted_nearest(path: str, kind: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == kind

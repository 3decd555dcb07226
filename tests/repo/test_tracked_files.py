"""What must never be under version control."""

import re

import pytest

from tests.repo import project

THIS = project.ROOT / "tests/repo/test_tracked_files.py"

NEVER = {
    "a package index": r"pypi[.]org|pythonhoste[d]|registry[.]npmjs|deb[.]debian",
    "an option for a package index": r"--(extra-)?index-ur[l]|^--find-link[s]",
    "a path of one machine": r"(?<![\w.])/(work|farm|root|home)/[a-z.]",
    "a private key": r"BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/]{40}",
}


@pytest.mark.parametrize("what", NEVER)
def test_no_tracked_file_names(what: str) -> None:
    pattern = re.compile(NEVER[what], re.MULTILINE)

    found = {
        f"{path.relative_to(project.ROOT)}: {match.group()}"
        for path in project.tracked_files()
        if path != THIS and (match := pattern.search(path.read_text(errors="replace")))
    }

    assert not found


def test_every_file_ends_with_one_line_feed() -> None:
    ragged = [
        str(path.relative_to(project.ROOT))
        for path in project.tracked_files()
        if (content := path.read_bytes()) and b"\0" not in content and not re.search(rb"[^\n]\n\Z", content)
    ]

    assert ragged == []


def test_no_file_is_left_unfinished() -> None:
    marks = re.compile(r"\b(TODO|FIXME)\b(?! \(#\d+\))")

    unfinished = [
        str(path.relative_to(project.ROOT))
        for path in project.tracked_files()
        if path.suffix == ".py" and path != THIS and marks.search(path.read_text())
    ]

    assert unfinished == []

"""A minute of `make torture` finds nothing, and did what it is for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repo.project import ROOT


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_a_minute_of_trouble_leaves_nothing_wrong(tmp_path: Path) -> None:
    told = tmp_path / "report.json"

    ended = subprocess.run(
        [sys.executable, "-m", "tests.torture", "--minutes", "1", "--seed", "7", "--report", str(told)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    figures = json.loads(told.read_text())["figures"]
    assert figures["transactions"] > 1
    assert figures["documents compared at calm points"] > 0
    assert sum(figures["done to the system"].values()) > 0

"""What looks for secrets after every test would see one: a watch that cannot fail proves nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.elasticsearch.http import Effect
from sandbox.elasticsearch.server.journal import Journal
from tests.support.canaries import Canary, Watch

ROOT = Path(__file__).parents[3]
SECRET = "hk3J-9sKq_2LmN8x"
OF_THE_PRODUCT = {"User-Agent": "elastic-ingest/1"}

LEAKING = f"""
import logging

from tests.support.canaries import WATCH, Canary

WATCH.canaries["one"] = Canary("a secret", "{SECRET}")

def test_that_prints():
    print("it is {SECRET}")

def test_that_logs():
    logging.getLogger("driver").warning("half of it is %s", "{SECRET[:8]}")

def test_that_does_neither():
    print("nothing")
"""


def watch_over(path: str, body: object, headers: dict[str, str]) -> Watch:
    journal = Journal()
    journal.begin(
        method="PUT", path=path, query={}, headers=headers, body=json.dumps(body).encode(), effect=Effect(),
        began_at="", began_monotonic=0.0,
    )  # fmt: skip
    return Watch({"one": Canary("a secret", SECRET)}, [journal])


@pytest.mark.parametrize(
    ("path", "body", "headers", "is_seen"),
    [
        ("/_connector/c/_error", {"error": f"refused {SECRET}"}, OF_THE_PRODUCT, True),
        ("/_connector/c/_error", {"error": f"refused {SECRET[:8]}..."}, OF_THE_PRODUCT, True),
        (f"/music/_doc/{SECRET}", {}, OF_THE_PRODUCT, True),
        ("/_connector/c/_configuration", {"configuration": {"p": {"value": SECRET}}}, OF_THE_PRODUCT, False),
        ("/_connector/c/_configuration", {"values": {"p": SECRET}}, {"User-Agent": "curl"}, False),
        ("/_connector/c/_error", {"error": "refused"}, OF_THE_PRODUCT, False),
    ],
)
def test_a_secret_in_a_request_of_the_product_is_seen_but_for_a_configuration(
    path: str, body: object, headers: dict[str, str], is_seen: bool
) -> None:
    watch = watch_over(path, body, headers)

    assert bool(watch.seen_in([])) is is_seen
    assert watch.seen_in([]) == []


def test_a_test_that_lets_a_secret_be_seen_fails(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_runtest_makereport\n")
    (tmp_path / "test_leaking.py").write_text(LEAKING)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]

    ended = subprocess.run(
        [*command, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "3 passed, 2 errors" in ended.stdout
    assert ended.stdout.count("- A secret can be seen") == 2

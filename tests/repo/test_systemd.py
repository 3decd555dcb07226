"""The systemd unit: what it promises, and what systemd itself says of it where it is installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ingest import config
from tests.repo import project

UNIT = project.ROOT / "deploy/elastic-ingest.service"

HARDENING = {
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "ProtectProc": "invisible",
    "ProtectControlGroups": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "CapabilityBoundingSet": "",
    "UMask": "0077",
}


def settings(section: str) -> dict[str, str]:
    """Return a section's settings, the first of each name."""
    body = UNIT.read_text().split(f"[{section}]\n", 1)[1].split("\n[", 1)[0]
    found: dict[str, str] = {}
    for line in body.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, value)
    return found


@pytest.mark.parametrize("name", HARDENING)
def test_the_unit_takes_away_what_the_service_does_not_need(name: str) -> None:
    assert settings("Service")[name] == HARDENING[name]


def test_system_calls_are_those_of_a_plain_service() -> None:
    assert settings("Service")["SystemCallFilter"] == "@system-service"


def test_a_wrong_configuration_is_not_started_again() -> None:
    service = settings("Service")

    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "2"
    assert {"StartLimitIntervalSec", "StartLimitBurst"} <= set(settings("Unit"))


def test_the_configuration_is_handed_over_as_a_credential() -> None:
    service = settings("Service")

    assert service["LoadCredential"] == "config.yml:/etc/elastic-ingest/config.yml"
    assert service["ExecStart"].endswith("/bin/elastic-ingest -c ${CREDENTIALS_DIRECTORY}/config.yml")


def test_a_service_whose_loop_stands_still_is_started_again() -> None:
    service = settings("Service")

    assert service["Type"] == "notify"
    assert float(service["WatchdogSec"]) == config.Service().idle_limit_seconds


@pytest.fixture
def runnable_unit(tmp_path: Path) -> Path:
    """A copy whose program exists on this machine, because systemd looks."""
    unit = tmp_path / UNIT.name
    program = shutil.which("true")
    assert program is not None
    unit.write_text(re.sub(r"/opt/elastic-ingest/bin/elastic-ingest", program, UNIT.read_text()))
    return unit


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed here")
def test_systemd_finds_nothing_wrong(runnable_unit: Path) -> None:
    finished = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", runnable_unit], capture_output=True, text=True, check=False
    )

    assert (finished.returncode, finished.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed here")
def test_systemd_rates_the_exposure_at_most_two(runnable_unit: Path) -> None:
    finished = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", runnable_unit],
        capture_output=True,
        text=True,
        check=False,
    )
    rating = re.search(r"Overall exposure level for .*: ([\d.]+)", finished.stdout)

    assert rating is not None, finished.stderr
    assert float(rating[1]) <= 2.0


def test_a_machine_of_many_cores_does_not_exhaust_the_limit_of_tasks() -> None:
    assert "OPENBLAS_NUM_THREADS=1" in settings("Service")["Environment"].split()

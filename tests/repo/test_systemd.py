"""The systemd unit: what it promises, and what systemd itself says of it where it is installed."""

import base64
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ingest import config
from ingest.secret import Secret
from tests.repo import documented, project

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


def encoded(key: str) -> Secret:
    return Secret(base64.b64encode(key.encode()).decode())


def loaded_under_the_unit(configuration: str, etc: Path, run: Path) -> config.Config:
    """Read config.yml as the service does when systemd has prepared what the unit says: folder, variables."""
    run.mkdir()
    environment = {"CREDENTIALS_DIRECTORY": str(run)}
    (etc / "config.yml").write_text(configuration)
    credentials = re.findall(
        r"^(?:#   )?LoadCredential=([\w.-]+):/etc/elastic-ingest/(.*)$", UNIT.read_text(), re.M
    )
    for name, source in credentials:
        if (etc / source).exists():
            (run / name).write_text((etc / source).read_text())
            (run / name).chmod(0o440)  # an access list for the service shows as rights of the group
    assert settings("Service")["EnvironmentFile"] == "-/etc/elastic-ingest/environment"
    if (etc / "environment").exists():
        environment |= dict(line.split("=", 1) for line in (etc / "environment").read_text().splitlines())
    return config.load(run / "config.yml", environment, service_types=["postgresql"])


def test_the_configuration_of_the_readme_gets_its_key_from_the_file_of_variables(tmp_path: Path) -> None:
    (tmp_path / "environment").write_text("ELASTICSEARCH_API_KEY=id:from-variable\n")

    loaded = loaded_under_the_unit(documented.configuration(), tmp_path, tmp_path / "run")

    assert loaded.elasticsearch.api_key == encoded("id:from-variable")
    assert loaded.warnings == ()


def test_a_key_in_a_credential_of_its_own_is_found_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("id:from-file\n")
    configuration = documented.configuration().replace(
        "api_key: ${ELASTICSEARCH_API_KEY}", "api_key_file: api-key"
    )

    loaded = loaded_under_the_unit(configuration, tmp_path, tmp_path / "run")

    assert loaded.elasticsearch.api_key == encoded("id:from-file")
    assert loaded.warnings == ()


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

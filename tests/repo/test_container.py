"""The image and the compose file, read as a container engine would: what can be checked without one."""

import json
import re
from typing import Any

import pytest
import yaml

from tests.repo import project


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions with continued lines joined."""
    text = (project.ROOT / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(line.split(None, 1)[0].upper(), line.split(None, 1)[1].strip()) for line in joined.splitlines()]


def final_stage() -> dict[str, str]:
    """Return the last stage's instructions by name, the last one of each."""
    every = instructions()
    start = max(number for number, (name, _) in enumerate(every) if name == "FROM")
    return dict(every[start:])


def test_the_image_is_built_in_a_stage_of_its_own() -> None:
    stages = [arguments for name, arguments in instructions() if name == "FROM"]

    assert len(stages) == 2
    assert stages[0].endswith(" AS build")


def test_the_base_image_is_pinned_to_an_exact_version() -> None:
    (base,) = (argument.removeprefix("PYTHON_IMAGE=") for name, argument in instructions() if name == "ARG")

    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+|python@sha256:[0-9a-f]{64}", base)
    assert all(argument.startswith("${PYTHON_IMAGE}") for name, argument in instructions() if name == "FROM")


def test_the_image_runs_as_a_numeric_user_who_is_not_root() -> None:
    user = final_stage()["USER"]

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_the_command_is_the_one_that_users_type_and_receives_signals_itself() -> None:
    stage = final_stage()

    assert json.loads(stage["CMD"]) == ["/app/bin/elastic-ingest", "-c", "/config/config.yml"]
    assert "ENTRYPOINT" not in stage
    assert stage["STOPSIGNAL"] == "SIGTERM"


def test_a_machine_of_many_cores_does_not_exhaust_the_limit_of_processes() -> None:
    assert "OPENBLAS_NUM_THREADS=1" in final_stage()["ENV"].split()


def test_the_health_check_needs_no_shell() -> None:
    _, command = final_stage()["HEALTHCHECK"].split("CMD", 1)

    assert json.loads(command)[0] == "/app/bin/elastic-ingest"


def test_the_final_stage_runs_nothing_and_holds_no_secret() -> None:
    stage = final_stage()

    assert "RUN" not in stage
    assert not re.search(r"(?i)password|secret|api_key|token", " ".join(map(" ".join, instructions())))


def test_everything_is_installed_against_hashes() -> None:
    installs = [
        step
        for name, argument in instructions()
        if name == "RUN"
        for step in argument.split("&&")
        if " install" in step or " wheel" in step
    ]

    assert len(installs) == 4
    assert all("--require-hashes" in step or "--no-deps" in step for step in installs)


def test_the_image_says_what_it_is() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', final_stage()["LABEL"]))
    version = re.search(r'^version = "(.*)"', (project.ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert version is not None
    assert labels["version"] == version[1]
    assert labels["licenses"] == "Apache-2.0"
    assert {"title", "description"} <= set(labels)


def test_only_what_the_image_is_made_of_is_sent_to_the_builder() -> None:
    ignored = (project.ROOT / ".dockerignore").read_text().splitlines()
    copied = {
        source
        for name, argument in instructions()
        if name == "COPY" and "--from" not in argument
        for source in argument.split()[:-1]
    }

    assert "*" in ignored
    assert copied == {line[1:] for line in ignored if line.startswith("!")}
    assert {"**/config.yml", "**/.env"} <= set(ignored)


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((project.ROOT / "deploy/docker-compose.yml").read_text())
    return loaded


@pytest.mark.parametrize("service", ["elasticsearch", "postgresql"])
def test_what_the_service_needs_is_healthy_before_it_starts(service: str) -> None:
    services = compose()["services"]

    assert services["elastic-ingest"]["depends_on"][service] == {"condition": "service_healthy"}
    assert services[service]["healthcheck"]["test"][0] == "CMD"


def test_every_image_has_an_exact_version() -> None:
    for service in compose()["services"].values():
        assert re.search(r":\d+\.\d+(\.\d+)?$", service["image"])


def test_the_service_runs_with_no_rights_and_no_place_to_write() -> None:
    service = compose()["services"]["elastic-ingest"]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] == final_stage()["USER"]
    assert service["pids_limit"] <= 64
    assert service["mem_limit"] == "512m"
    assert service["volumes"] == ["./config.yml:/config/config.yml:ro"]
    assert not {"ports", "privileged", "network_mode", "devices", "command", "entrypoint"} & set(service)


def test_no_port_is_open_to_other_machines() -> None:
    ports = [port for service in compose()["services"].values() for port in service.get("ports", ())]

    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_password_has_a_default() -> None:
    text = (project.ROOT / "deploy/docker-compose.yml").read_text()

    assert re.findall(r"PASSWORD:-|PASSWORD: (?!\$\{)|changeme", text) == []

"""The Kubernetes manifest: as strict as the compose file, and its parts name each other rightly."""

from pathlib import Path
from typing import Any

import yaml

from ingest import config
from tests.repo import project
from tests.repo.test_container import compose, final_stage

OBJECTS: dict[str, dict[str, Any]] = {
    one["kind"]: one for one in yaml.safe_load_all((project.ROOT / "deploy/kubernetes.yml").read_text())
}
POD: dict[str, Any] = OBJECTS["Deployment"]["spec"]["template"]
CONTAINER: dict[str, Any] = POD["spec"]["containers"][0]


def configuration(folder: Path, **variables: str) -> config.Config:
    """Read the ConfigMap's config.yml as the service does."""
    file = folder / "config.yml"
    file.write_text(OBJECTS["ConfigMap"]["data"]["config.yml"])
    return config.load(file, variables, service_types=["postgresql"])


def test_the_service_runs_with_no_rights_and_no_place_to_write() -> None:
    user, group = final_stage()["USER"].split(":")
    limits = compose()["services"]["elastic-ingest"]

    assert POD["spec"]["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": int(user),
        "runAsGroup": int(group),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": limits["read_only"],
        "privileged": False,
        "capabilities": {"drop": limits["cap_drop"]},
    }
    assert CONTAINER["resources"]["limits"]["memory"] == limits["mem_limit"].replace("m", "Mi")
    assert all(mount["readOnly"] for mount in CONTAINER["volumeMounts"])
    assert POD["spec"]["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(POD["spec"])
    assert all(set(volume) == {"name", "configMap"} for volume in POD["spec"]["volumes"])


def test_the_configuration_is_accepted_with_the_secret_that_the_pod_gets(tmp_path: Path) -> None:
    (variable,) = OBJECTS["Secret"]["stringData"]

    loaded = configuration(tmp_path, **{variable: "id:key"})

    assert loaded.warnings == ()
    assert CONTAINER["envFrom"] == [{"secretRef": {"name": OBJECTS["Secret"]["metadata"]["name"]}}]


def test_the_secret_holds_nothing_that_could_be_taken_for_one() -> None:
    assert set(OBJECTS["Secret"]["stringData"].values()) == {""}


def test_the_image_finds_its_configuration_where_the_pod_mounts_it() -> None:
    (volume,) = POD["spec"]["volumes"]
    (mount,) = CONTAINER["volumeMounts"]

    assert mount["name"] == volume["name"]
    assert volume["configMap"]["name"] == OBJECTS["ConfigMap"]["metadata"]["name"]
    assert f"{mount['mountPath']}/config.yml" in final_stage()["CMD"]
    assert not {"command", "args"} & set(CONTAINER)


def test_the_probes_ask_where_the_service_serves_its_status(tmp_path: Path) -> None:
    service = configuration(tmp_path, ELASTICSEARCH_API_KEY="id:key").service
    (port,) = CONTAINER["ports"]

    assert (service.status_port, service.status_host) == (port["containerPort"], "0.0.0.0")
    assert POD["metadata"]["annotations"]["prometheus.io/port"] == str(port["containerPort"])
    asked = {name: CONTAINER[f"{name}Probe"]["httpGet"] for name in ("liveness", "readiness")}
    assert asked == {
        "liveness": {"path": "/livez", "port": port["name"]},
        "readiness": {"path": "/readyz", "port": port["name"]},
    }


def test_a_pod_has_longer_to_stop_than_the_service_takes(tmp_path: Path) -> None:
    service = configuration(tmp_path, ELASTICSEARCH_API_KEY="id:key").service

    assert POD["spec"]["terminationGracePeriodSeconds"] > service.shutdown_timeout_seconds


def test_the_deployment_selects_its_own_pods() -> None:
    assert OBJECTS["Deployment"]["spec"]["selector"]["matchLabels"] == POD["metadata"]["labels"]

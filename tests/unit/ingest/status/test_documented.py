"""docs/monitoring.md and the alert rules speak of exactly the metrics there are."""

import re

import yaml
from prometheus_client.parser import text_string_to_metric_families

from ingest.status.metrics import Metrics
from tests.repo import project
from tests.unit.ingest.status.snapshots import snapshot

PAGE = (project.ROOT / "docs/monitoring.md").read_text()
RULES = yaml.safe_load((project.ROOT / "deploy/prometheus-alerts.yml").read_text())


def served() -> dict[str, set[str]]:
    """Return the labels of every metric of ours, by its name as it is queried."""
    families = text_string_to_metric_families(Metrics(snapshot).render().decode())
    samples = [sample for family in families for sample in family.samples]
    return {one.name: set(one.labels) for one in samples if one.name.startswith("elastic_ingest")}


def test_the_page_lists_every_metric_with_its_labels() -> None:
    rows = re.findall(r"^\| `(elastic_ingest\w*)` \| \w+ \|([\w, ]*)\|", PAGE, re.MULTILINE)

    assert {name: set(labels.replace(" ", "").split(",")) - {""} for name, labels in rows} == served()


def test_alert_rules_use_metrics_and_labels_that_exist() -> None:
    rules = [rule for group in RULES["groups"] for rule in group["rules"]]

    assert len(rules) >= 5
    for rule in rules:
        names = set(re.findall(r"elastic_ingest_\w+", rule["expr"]))
        assert names
        assert names <= served().keys()
        labels = set().union(*(served()[name] for name in names))
        asked = set(re.findall(r"(\w+)=", rule["expr"])) | set(re.findall(r"by \((\w+)\)", rule["expr"]))
        asked |= set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert asked <= labels
        assert {"summary", "description"} <= rule["annotations"].keys()

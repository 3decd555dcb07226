"""docs/monitoring.md, the alert rules and the dashboard speak of exactly the metrics there are."""

import json
import re

import yaml
from prometheus_client.parser import text_string_to_metric_families

from ingest.status.metrics import Metrics
from tests.repo import project
from tests.unit.ingest.status.snapshots import snapshot

PAGE = (project.ROOT / "docs/monitoring.md").read_text()
DASHBOARD = json.loads((project.ROOT / "deploy/grafana-dashboard.json").read_text())
OF_PROMETHEUS = {"instance", "job"}
"""Labels that Prometheus adds to each series it scrapes."""
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


def expressions() -> list[tuple[str, str]]:
    """Return what each panel asks, and how it calls the answers."""
    return [(one["expr"], one["legendFormat"]) for panel in DASHBOARD["panels"] for one in panel["targets"]]


def test_the_dashboard_uses_metrics_and_labels_that_exist() -> None:
    for expression, legend in expressions():
        names = set(re.findall(r"elastic_ingest_\w+", expression))
        assert names, expression
        assert names <= served().keys()
        labels = set.intersection(*(served()[name] for name in names)) | OF_PROMETHEUS
        grouped = re.findall(r"(?:by|on) \(([\w, ]+)\)", expression)
        asked = {label for group in grouped for label in group.split(", ")}
        asked |= set(re.findall(r"(\w+)=~?\"", expression)) | set(re.findall(r"{{(\w+)}}", legend))
        assert asked <= labels, expression


def test_the_dashboard_shows_every_metric() -> None:
    shown = {
        name for expression, _ in expressions() for name in re.findall(r"elastic_ingest_\w+", expression)
    }

    assert shown == served().keys()


def test_the_dashboard_asks_for_its_connectors_as_they_are_labeled() -> None:
    (query,) = [one["query"]["query"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query"]
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", query).groups()  # type: ignore[union-attr]

    assert label in served()[metric]


def test_no_two_panels_of_the_dashboard_share_an_id_or_a_place() -> None:
    panels = DASHBOARD["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24

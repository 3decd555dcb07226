"""Documents stay true: links lead somewhere, commands exist, decisions are listed."""

import json
import re
from pathlib import Path

import pytest

from ingest import config
from sandbox import calls
from tests.repo import project

DOCUMENTS = [path for path in project.tracked_files() if path.suffix == ".md"]
MAKEFILE = (project.ROOT / "Makefile").read_text()


def shown(path: Path) -> str:
    return str(path.relative_to(project.ROOT))


def headings(path: Path) -> set[str]:
    """Return the anchors that a document's headings get."""
    found = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_every_link_leads_somewhere(document: Path) -> None:
    prose = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        if not path.exists() or (anchor and anchor not in headings(path)):
            dead.append(target)

    assert dead == []


def test_every_path_that_is_named_exists() -> None:
    path = r"`((?:benchmarks|deploy|docs|ingest|sandbox|sources|tests)/[\w./-]+)`"
    named = {
        (shown(file), name)
        for file in project.tracked_files()
        if file.suffix in {".md", ".py", ".toml", ".yml"}
        for name in re.findall(path, file.read_text())
    }

    assert named
    assert sorted((file, name) for file, name in named if not (project.ROOT / name).exists()) == []


def make_targets() -> set[str]:
    return {name for line in re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE) for name in line.split()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=shown)
def test_every_make_command_exists(document: Path) -> None:
    command = r"(?:^|`)make ([a-z -]+?)(?: [A-Z]+=\S+)?(?:`|$)"
    commands = re.findall(command, document.read_text(), re.MULTILINE)
    named = {target for command in commands for target in command.split()}

    assert named <= make_targets()


def test_every_target_that_uses_the_environment_builds_it() -> None:
    rules = dict(re.findall(r"^([a-z-]+):(.*?)(?:##.*)?$", MAKEFILE, re.MULTILINE))
    independent = {"help", "audit", "sbom", "lock", "clean", "environment"}

    assert {name for name, needs in rules.items() if needs.strip() != "environment"} == independent
    assert set(rules) == make_targets()


def test_the_readme_begins_with_the_demo_and_the_tests() -> None:
    commands = re.findall(r"```console\n(.*?)\n```", (project.ROOT / "README.md").read_text(), re.DOTALL)

    assert commands[:2] == ["make demo", "make test"]


def test_the_build_machine_runs_what_contributors_are_told_to_run() -> None:
    contributing = (project.ROOT / "CONTRIBUTING.md").read_text()
    told = re.findall(r"```console\nmake (.*)\n```", contributing)[0].split()
    run = re.findall(r"^make ([\w-]+)$", (project.ROOT / ".ci/run").read_text(), re.MULTILINE)

    assert sorted(run) == sorted(told)


def test_every_decision_has_its_own_number_and_is_listed() -> None:
    folder = project.ROOT / "docs/decisions"
    pages = sorted(path.name for path in folder.glob("[0-9]*.md"))
    numbers = [int(name[:4]) for name in pages]
    listed = re.findall(r"\]\((\d{4}-[^)]+)\)", (folder / "README.md").read_text())

    assert numbers == list(range(1, len(pages) + 1))
    assert listed == pages


@pytest.mark.parametrize("page", sorted((project.ROOT / "docs/decisions").glob("[0-9]*.md")), ids=shown)
def test_a_decision_tells_context_choice_and_consequence(page: Path) -> None:
    text = page.read_text()

    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert [part in text for part in ("Context", "Choice", "Consequence")] == [True] * 3


def test_the_changelog_has_something_to_say() -> None:
    text = (project.ROOT / "CHANGELOG.md").read_text()

    assert re.search(r"^## (Unreleased|\d+\.\d+\.\d+)", text, re.MULTILINE)


def test_the_documented_api_key_is_the_one_the_demo_runs_with() -> None:
    documented = json.loads((project.ROOT / "deploy/api-key.json").read_text())

    assert documented == calls.API_KEY
    assert "superuser" not in json.dumps(documented)


@pytest.mark.parametrize("source", ["README.md", "deploy/config.yml"])
def test_the_shown_configuration_is_accepted(source: str, tmp_path: Path) -> None:
    text = (project.ROOT / source).read_text()
    if source.endswith(".md"):
        (text,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    file = tmp_path / "config.yml"
    file.write_text(text)
    file.chmod(0o600)

    loaded = config.load(file, {"ELASTICSEARCH_API_KEY": "id:secret"}, service_types=["postgresql"])

    assert [entry.connector_id for entry in loaded.connectors] == ["my-connector-id"]

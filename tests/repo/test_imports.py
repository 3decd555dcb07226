"""The one rule of imports: who may know whom (docs/architecture.md)."""

import re

import pytest

from tests.repo import project

ARCHITECTURE = (project.ROOT / "docs/architecture.md").read_text()
LAYERS = tuple(
    tuple(re.findall(r"`(\w+)`", modules))
    for modules in re.findall(r"^  \| \d \| (.*?) \|", ARCHITECTURE, re.MULTILINE)
)
"""From the command line down to the vocabulary, as the documentation has them."""

NEVER = (
    ("sources", "ingest"),
    ("sources", "sandbox"),
    ("sandbox", "ingest"),
    ("sandbox", "sources"),
    ("ingest", "benchmarks"),
    ("ingest", "tests"),
    ("sources", "tests"),
    ("sandbox", "tests"),
)
"""The first never imports the second. Shared code between service and sandbox would hide a shared bug."""

KEEPERS = {
    "aiohttp": ("ingest.elasticsearch.client", "sandbox"),
    "asyncpg": ("sources.postgresql",),
    "yaml": ("ingest.config",),
    "re2": ("ingest.sync.rules",),
    "structlog": ("ingest",),
    "numpy": ("ingest", "sources"),
    "click": ("ingest.cli",),
}
"""A library on the left is known to these modules alone, so that it can be replaced there."""

PRODUCT = tuple(module for module in project.modules() if module.package in {"ingest", "sources", "sandbox"})


def layer_of(name: str) -> int | None:
    for number, packages in enumerate(LAYERS):
        if any(project.within(name, f"ingest.{package}") for package in packages):
            return number
    return None


@pytest.mark.parametrize("module", PRODUCT, ids=lambda module: module.name)
def test_a_module_imports_from_its_own_layer_or_lower(module: project.Module) -> None:
    if module.package != "ingest" or module.name == "ingest":
        return
    own = layer_of(module.name)
    assert own is not None, f"{module.name} has no layer: give it one in docs/architecture.md"

    upwards = {name for name in module.imports if (other := layer_of(name)) is not None and other < own}

    assert not upwards, f"{module.name} imports from a higher layer"


@pytest.mark.parametrize(("importer", "imported"), NEVER)
def test_parts_that_must_not_know_each_other_do_not(importer: str, imported: str) -> None:
    offenders = {
        f"{module.name} imports {name}"
        for module in project.modules()
        if module.package == importer
        for name in module.imports
        if project.within(name, imported)
    }

    assert not offenders


def test_every_module_that_has_a_layer_exists() -> None:
    existing = {module.name.removeprefix("ingest.") for module in PRODUCT if module.package == "ingest"}

    assert len(LAYERS) == 8
    assert {name for layer in LAYERS for name in layer} <= existing


def test_only_the_command_line_knows_the_sandbox() -> None:
    importers = {
        module.name
        for module in PRODUCT
        if module.package == "ingest" and any(project.within(name, "sandbox") for name in module.imports)
    }

    assert importers <= {"ingest.cli.commands"}


def test_the_service_knows_a_source_by_its_contract_alone() -> None:
    known = {
        name
        for module in PRODUCT
        if module.package == "ingest"
        for name in module.imports
        if project.within(name, "sources")
    }

    parts = {"contract", "errors", "fields", "lines", "network", "registry"}
    assert known <= {"sources", *(f"sources.{part}" for part in parts)}


@pytest.mark.parametrize("library", KEEPERS)
def test_a_library_is_known_to_its_keepers_alone(library: str) -> None:
    importers = {
        module.name for module in PRODUCT if any(project.within(name, library) for name in module.imports)
    }

    strangers = {
        name for name in importers if not any(project.within(name, keeper) for keeper in KEEPERS[library])
    }

    assert not strangers


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module.name: {name for name in module.loads if name != module.name} for module in PRODUCT}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name in done or name not in graph:
            return
        for imported in sorted(graph[name]):
            visit(imported, (*path, name))
        done.add(name)

    for name in sorted(graph):
        visit(name, ())

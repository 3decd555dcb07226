"""Modules, functions, constructors and folders stay small enough to be read in one sitting."""

from collections import Counter
from collections.abc import Iterator
from statistics import median

from tests.repo import project
from tests.repo.project import Function

MODULE_LINES = 350
MEDIAN_LINES = 200
FUNCTION_LINES = 45
CONSTRUCTOR_PARAMETERS = 6
FOLDER_ENTRIES = 16

ALL = project.modules()
PRODUCT = [module for module in ALL if module.package in {"ingest", "sources", "sandbox"}]


def functions() -> Iterator[tuple[str, Function]]:
    """Yield every function after its module's name and its own."""
    return ((f"{module.name}.{one.name}", one) for module in ALL for one in module.functions)


def test_no_module_is_long() -> None:
    assert {module.name: module.lines for module in ALL if module.lines > MODULE_LINES} == {}


def test_the_median_module_is_short() -> None:
    assert median(module.lines for module in PRODUCT) <= MEDIAN_LINES


def test_no_function_is_long() -> None:
    assert {name: one.lines for name, one in functions() if one.lines > FUNCTION_LINES} == {}


def test_no_constructor_takes_many_parameters() -> None:
    # Without `self`.
    counts = {name: one.parameters - 1 for name, one in functions() if one.name == "__init__"}

    assert {name: count for name, count in counts.items() if count > CONSTRUCTOR_PARAMETERS} == {}


def test_no_folder_is_crowded() -> None:
    entries = {(module.path.parent, module.path) for module in PRODUCT if module.path.name != "__init__.py"}
    entries |= {(module.path.parent.parent, module.path.parent) for module in PRODUCT}
    counts = Counter(
        folder for folder, _ in entries if folder.is_relative_to(project.ROOT) and folder != project.ROOT
    )

    crowded = {str(folder): count for folder, count in counts.items() if count > FOLDER_ENTRIES}

    assert crowded == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        module.name
        for module in project.modules()
        if module.lines and not module.path.read_text().lstrip("#! ").startswith(('"""', 'r"""'))
    ]

    assert silent == []

"""Modules, functions, constructors and folders stay small enough to be read in one sitting."""

import ast
from collections import Counter
from dataclasses import dataclass
from functools import cache
from statistics import median

from tests.repo import project

MODULE_LINES = 350
MEDIAN_LINES = 200
FUNCTION_LINES = 45
CONSTRUCTOR_PARAMETERS = 6
FOLDER_ENTRIES = 16

ALL = project.modules()
PRODUCT = [module for module in ALL if module.package in {"ingest", "sources", "sandbox"}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function and its measures."""

    name: str
    """With its module's; the last part is its own."""
    lines: int
    parameters: int


@cache
def functions() -> tuple[Function, ...]:
    return tuple(
        measured(module.name, node)
        for module in ALL
        for node in ast.walk(ast.parse(module.path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def measured(module: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
    return Function(
        name=f"{module}.{node.name}",
        lines=(node.end_lineno or 0) - node.lineno + 1,
        parameters=len(node.args.posonlyargs) + len(node.args.args) + len(node.args.kwonlyargs),
    )


def test_no_module_is_long() -> None:
    assert {module.name: module.lines for module in ALL if module.lines > MODULE_LINES} == {}


def test_the_median_module_is_short() -> None:
    assert median(module.lines for module in PRODUCT) <= MEDIAN_LINES


def test_no_function_is_long() -> None:
    assert {one.name: one.lines for one in functions() if one.lines > FUNCTION_LINES} == {}


def test_no_constructor_takes_many_parameters() -> None:
    constructors = [one for one in functions() if one.name.endswith(".__init__")]

    # Without `self`.
    counts = {one.name: one.parameters - 1 for one in constructors}

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

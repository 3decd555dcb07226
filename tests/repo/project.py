"""The project's own files, as its tests about itself read them."""

import ast
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ingest", "sources", "sandbox", "benchmarks", "tests")


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function and its measures."""

    name: str
    lines: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Module:
    """A Python file of ours."""

    name: str
    path: Path

    @property
    def package(self) -> str:
        """Return the top package it belongs to."""
        return self.name.partition(".")[0]

    @property
    def lines(self) -> int:
        """Return how long the file is."""
        return len(self.path.read_text().splitlines())

    @property
    def imports(self) -> frozenset[str]:
        """Return what it imports anywhere in it."""
        return _contents(self.path)[0]

    @property
    def functions(self) -> tuple[Function, ...]:
        """Return every function anywhere in it."""
        return _contents(self.path)[1]


@cache
def modules() -> tuple[Module, ...]:
    """Return every module of every package of ours."""
    return tuple(
        _module(path)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "__pycache__" not in path.parts
    )


@cache
def tracked_files() -> tuple[Path, ...]:
    """Return every file under version control, or, without git, every one that was not built."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not _is_built(path)]
    return tuple(path for path in paths if path.is_file())


def _module(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path)


@cache
def _contents(path: Path) -> tuple[frozenset[str], tuple[Function, ...]]:
    """Return what a file imports and which functions it has, without keeping all that it was parsed to."""
    statements = [*statements_in(ast.parse(path.read_text()))]
    functions = (node for node in statements if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(_imports(statements)), tuple(_measured(node) for node in functions)


def statements_in(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield every statement below a node. No expression has one, and expressions are most of a program."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for below in getattr(node, name, ()):
            if isinstance(below, ast.stmt):
                yield below
            yield from statements_in(below)


def _measured(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
    return Function(
        name=node.name,
        lines=(node.end_lineno or 0) - node.lineno + 1,
        parameters=len(node.args.posonlyargs) + len(node.args.args) + len(node.args.kwonlyargs),
    )


def _imports(nodes: Iterable[ast.stmt]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                # `from package import module` imports the module, `from module import name` the module alone.
                inner = [f"{module}.{alias.name}" for alias in names if _is_module(f"{module}.{alias.name}")]
                yield from inner or [module]
            case ast.ImportFrom(level=level) if level > 0:
                raise AssertionError(f"relative import, line {node.lineno}: write the whole name")
            case _:
                pass


def _is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def _is_built(path: Path) -> bool:
    return any(part.startswith(".venv") or part in {".git", "__pycache__"} for part in path.parts)

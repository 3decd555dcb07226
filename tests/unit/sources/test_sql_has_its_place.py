"""SQL is put together in the few modules that quote; elsewhere a statement is constant or comes from them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sources.postgresql

FOLDER = Path(sources.postgresql.__file__).parent
RENDERING = {
    "quoting.py",
    "statements.py",
    "changes/statements.py",
    "render/ids.py",
    "render/values.py",
    "render/sql.py",
    "render/json_columns.py",
    "render/extensions.py",
    "render/hashing.py",
    "render/document_sql.py",
}
"""Every name and text in these goes through `quoting`."""
CONSTANT = {"catalog/presence_queries.py", "catalog/queries.py", "feed/queries.py"}
"""Constant statements only; values are bound."""
EXECUTING = {
    "execute",
    "executemany",
    "fetch",
    "fetchrow",
    "fetchval",
    "prepare",
    "cursor",
    "copy_from_query",
}
VERBS = (
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    "DELETE ",
    "SET ",
    "COPY ",
    "LOCK ",
    "DECLARE ",
    "FETCH ",
    "BEGIN",
    "WITH ",
)


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(FOLDER.rglob("*.py")):
        yield path.relative_to(FOLDER).as_posix(), ast.parse(path.read_text())


def is_put_together(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr | ast.BinOp) or (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("format", "join")
    )


def texts_put_together(tree: ast.Module) -> Iterator[str]:
    """What stands in f-strings, in `%` and `+` of texts, and before `.format(`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
            for side in (node.left, node.right):
                if isinstance(side, ast.Constant) and isinstance(side.value, str):
                    yield side.value
        if isinstance(node, ast.Attribute) and node.attr == "format" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def test_no_other_module_puts_sql_together() -> None:
    found = [
        (name, text)
        for name, tree in modules()
        if name not in RENDERING | CONSTANT
        for text in texts_put_together(tree)
        if text.lstrip().startswith(VERBS)
    ]

    assert found == []


def test_constant_statements_put_nothing_but_its_own_constants_together() -> None:
    trees = [tree for name, tree in modules() if name in CONSTANT]
    names = {
        part.value.id
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
        if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name)
    }
    parts = [
        part
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
        if isinstance(part, ast.FormattedValue)
    ]

    assert names == {
        "_COLUMNS", "_DECLARED", "_FILES", "_MADE_OF", "_RELATIONS", "_SHAPE", "_TREE", "_TYPES"
    }  # fmt: skip
    assert all(isinstance(part.value, ast.Name) for part in parts)


def test_what_is_executed_is_never_put_together_on_the_spot() -> None:
    found = [
        f"{name}:{node.lineno}"
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in EXECUTING
        and node.args
        and is_put_together(node.args[0])
    ]

    assert found == []


@pytest.mark.parametrize("name", sorted(name for name in RENDERING if name.startswith("render/")))
def test_rendering_modules_quote(name: str) -> None:
    assert "sources.postgresql.quoting" in (FOLDER / name).read_text()


def test_the_check_itself_sees_sql_that_is_put_together() -> None:
    bad = ast.parse('x = f"SELECT {y}"\nz = "DELETE FROM " + y\nw = "SET %s" % y\nv = "COPY {}".format(y)')

    assert [text for text in texts_put_together(bad) if text.startswith(VERBS)] == [
        "SELECT ", "DELETE FROM ", "SET %s", "COPY {}"
    ]  # fmt: skip

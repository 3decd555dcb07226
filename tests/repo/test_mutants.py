"""Every mutant fits the product it was made for, and the document lists them; `make mutants` runs them."""

import ast
import re
import tomllib

import pytest

from tests.mutants.catalog import FOLDER, ROOT, DoesNotApplyError, Mutant, mutants
from tests.mutants.document import BEGIN, DOCUMENT, END, rendered
from tests.repo.rows import existing_tests

LEAST = 45
MUTANTS = mutants()
OF_THE_PRODUCT = re.compile(r"(ingest|sources)/")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_it_applies_and_is_a_program(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text()

    mutated = mutant.mutated(source)

    assert OF_THE_PRODUCT.match(mutant.file)
    assert ast.dump(ast.parse(mutated)) != ast.dump(ast.parse(source))


def test_the_tests_that_catch_them_exist() -> None:
    nodes = {node for one in MUTANTS for node in one.tests if "::" in node}
    files = {node for one in MUTANTS for node in one.tests} - nodes

    assert [one.name for one in MUTANTS if not one.tests] == []
    assert nodes - existing_tests() == set()
    assert {file for file in files if not (ROOT / file).exists()} == set()


def test_there_are_enough_and_what_has_happened_before_is_among_them() -> None:
    assert len(MUTANTS) >= LEAST
    assert {one.row for one in MUTANTS if one.row} == {f"B{number}" for number in range(1, 16)}


def test_no_two_have_the_same_name() -> None:
    names = [name for path in FOLDER.glob("*.toml") for name in tomllib.loads(path.read_text())]

    assert len(names) == len(set(names))


def test_a_text_that_is_not_there_or_there_twice_does_not_apply() -> None:
    mutant = MUTANTS[0]

    for source in ("", mutant.text * 2):
        with pytest.raises(DoesNotApplyError, match=mutant.name):
            mutant.mutated(source)


def test_the_document_lists_them() -> None:
    shown = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]

    assert shown == rendered(), "write it anew: .venv/bin/python -m tests.mutants.document"

"""Workers get the tests that take long first, and no test that shares something with others alone."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from tests.repo.project import ROOT
from tests.support.distribution import FIRST, ONE_BY_ONE, long_first, unit_of


@pytest.mark.parametrize("file", sorted({*FIRST, *ONE_BY_ONE}))
def test_every_file_that_is_named_exists(file: str) -> None:
    assert (ROOT / file).is_file()


@pytest.mark.parametrize("file", ONE_BY_ONE)
def test_a_file_whose_tests_go_one_by_one_has_no_fixture_for_all_of_them(file: str) -> None:
    assert not re.search(r'scope="(module|class|package)"', (ROOT / file).read_text())


def test_a_test_is_handed_out_with_its_file_unless_it_is_listed_otherwise() -> None:
    alone = f"{ONE_BY_ONE[0]}::test_one[a::b]"

    assert unit_of(alone) == alone
    assert unit_of("tests/unit/test_x.py::test_one[a::b]") == "tests/unit/test_x.py"
    assert unit_of("tests/repo/test_x.py::test_one") == unit_of("tests/repo/test_y.py::test_two")


def test_long_files_come_first_and_nothing_else_changes_its_place() -> None:
    names = ["tests/a.py::one", "tests/a.py::two", f"{FIRST[1]}::one", f"{FIRST[0]}::one", "tests/b.py::one"]
    items: list[Any] = [SimpleNamespace(nodeid=name) for name in names]

    ordered = [item.nodeid for item in long_first(items)]

    assert ordered == [f"{FIRST[0]}::one", f"{FIRST[1]}::one", "tests/a.py::one", "tests/a.py::two", names[4]]

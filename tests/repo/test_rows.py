"""Every row of the fault matrix that a release depends on is held by tests that exist."""

import re

from tests.repo.rows import BEGIN, DOCUMENT, END, existing_tests, rendered, rows

NUMBERS = {
    "E": range(1, 19),
    "P": (*range(1, 14), *range(15, 20), *range(22, 26)),
    "R": (*range(1, 10), 12, 13),
    "J": range(1, 13),
    "S": (*range(1, 12), *range(14, 17), *range(18, 22)),
    "L": range(2, 7),
    "B": range(1, 16),
}
"""The rows of each chapter. `docs/reliability.md` says which are left out, and why."""
_IDS_IN_NAME = re.compile(r"(?<=_)(?:[eprjsl]\d\d|b\d{1,2})(?=_)")


def test_every_row_is_in_the_table_and_no_other() -> None:
    expected = [
        f"{letter}{number}" if letter == "B" else f"{letter}{number:02}"
        for letter, numbers in NUMBERS.items()
        for number in numbers
    ]

    assert [row.id for row in rows()] == expected


def test_every_row_has_a_promise_and_a_test() -> None:
    assert [row.id for row in rows() if not row.promise or not row.tests] == []


def test_every_test_of_the_table_exists_and_is_named_once_a_row() -> None:
    there = existing_tests()

    assert {row.id: set(row.tests) - there for row in rows() if not there.issuperset(row.tests)} == {}
    assert [row.id for row in rows() if len(set(row.tests)) < len(row.tests)] == []


def test_a_test_that_carries_the_id_of_a_row_is_in_the_row() -> None:
    of = {row.id: row.tests for row in rows()}
    carried = {
        (id_.upper(), node) for node in existing_tests() for id_ in _IDS_IN_NAME.findall(node.split("::")[-1])
    }

    assert carried
    assert sorted((id_, node) for id_, node in carried if id_ in of and node not in of[id_]) == []


def test_the_document_shows_the_table() -> None:
    shown = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]

    assert shown == rendered(), "write it anew: .venv/bin/python -m tests.repo.rows"

"""A scope selects by a query what it says it includes."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sync.index.scope import MOST_PARTS, Scope

EXACT = {"type": "keyword"}
PROPERTIES = {
    "database": EXACT,
    "schema": {"type": "text", "fields": {"enum": EXACT}},
    "table": EXACT,
}
FIELDS = {"database": "database", "schema.enum": "schema", "table": "table"}
LEAST_CLAUSES_ALLOWED = 1_024
"""What the smallest Elasticsearch allows a query."""

texts = st.sampled_from(["a", "b", "c"])
documents = st.fixed_dictionaries({"database": texts, "schema": texts, "table": texts})
scopes = st.one_of(
    st.lists(documents, min_size=1, max_size=8, unique_by=lambda one: tuple(one.values())),
    st.lists(st.fixed_dictionaries({"database": texts, "table": texts}), min_size=1, max_size=3),
    st.lists(
        st.dictionaries(st.sampled_from(sorted(FIELDS.values())), texts, min_size=1), min_size=1, max_size=4
    ),
).map(lambda parts: Scope.of(*parts))


def matches(query: Mapping[str, Any], document: Mapping[str, str]) -> bool:
    """Say what Elasticsearch says of keywords."""
    ((kind, options),) = query.items()
    if kind == "bool" and "should" in options:
        return any(matches(one, document) for one in options["should"])
    if kind == "bool":
        return all(matches(one, document) for one in options["filter"])
    ((field, wanted),) = options.items()
    return document[FIELDS[field]] in (wanted if kind == "terms" else [wanted])


def clauses(query: Mapping[str, Any]) -> int:
    """Count as Elasticsearch does."""
    ((kind, options),) = query.items()
    if kind != "bool":
        return 1
    return sum(clauses(one) for inner in options.values() for one in inner)


@given(scopes, documents)
def test_the_query_selects_what_the_scope_includes(scope: Scope, document: dict[str, str]) -> None:
    conditions = scope.conditions(PROPERTIES)

    assert conditions is not None
    assert all(matches(one, document) for one in conditions) == scope.includes(document)


def test_no_member_selects_everything() -> None:
    assert Scope.of(None).conditions({}) == []
    assert Scope.of(None).includes({"any": "thing"})


@pytest.mark.parametrize("lacking", PROPERTIES)
def test_a_member_without_an_exact_field_allows_no_query(lacking: str) -> None:
    scope = Scope.of({"database": "d", "schema": "s", "table": "t"})

    assert scope.conditions({**PROPERTIES, lacking: {"type": "text"}}) is None


@pytest.mark.parametrize(
    ("schemas", "tables"),
    [(1, MOST_PARTS), (MOST_PARTS, 1), (20, MOST_PARTS // 20)],
    ids=["one schema", "a schema for each", "a few of each"],
)
def test_many_tables_are_few_clauses(schemas: int, tables: int) -> None:
    parts = [
        {"database": "d", "schema": f"s{schema}", "table": f"t{table}"}
        for schema in range(schemas)
        for table in range(tables)
    ]

    conditions = Scope.of(*parts).conditions(PROPERTIES)

    assert conditions is not None
    assert sum(map(clauses, conditions)) <= 2 * min(schemas, tables) + 1


def test_as_many_parts_as_are_asked_about_at_once_are_never_too_many_clauses() -> None:
    parts = [{"database": "d", "schema": f"s{one}", "table": f"t{one}"} for one in range(MOST_PARTS)]

    conditions = Scope.of(*parts).conditions(PROPERTIES)

    assert conditions is not None
    assert sum(map(clauses, conditions)) < LEAST_CLAUSES_ALLOWED - 20  # with what else a query asks

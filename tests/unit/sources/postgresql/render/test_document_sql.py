"""Field names as Elastic's service has them, made unambiguous; mappings that accept what the source sends."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.postgresql.catalog.types import Attribute, Type, TypeKind
from sources.postgresql.quoting import identifier, json_string, literal, qualified
from sources.postgresql.render.document_sql import Origin
from sources.postgresql.render.hashing import seed_of
from sources.postgresql.render.mappings import mapping_of
from sources.postgresql.render.names import field_names
from sources.postgresql.render.sql import joined

ORIGIN = Origin(database="d", schema="S", tables=("T",))


@pytest.mark.parametrize(
    ("columns", "fields"),
    [
        (["Id", "Name"], ["s_t_id", "s_t_name"]),
        (["Id", "id", "B"], ["s_t_Id", "s_t_id", "s_t_b"]),
        (["a.b"], ["s_t_a.b"]),
        (["a.b", "a"], ["s_t_a_b", "s_t_a"]),
        (["a.b", "a", "a_b"], ["s_t_a_b_", "s_t_a", "s_t_a_b"]),
        (["a."], ["s_t_a_"]),
        ([".."], ["s_t___"]),
        (["a. .b"], ["s_t_a_ _b"]),
    ],
)
def test_fields_are_lower_case_distinct_and_valid_paths(columns: list[str], fields: list[str]) -> None:
    assert list(ORIGIN.fields(columns).values()) == fields


@given(st.lists(st.text(alphabet="aA.b_ ", min_size=1, max_size=5), unique=True, max_size=8))
def test_no_two_columns_share_a_field(columns: list[str]) -> None:
    fields = ORIGIN.fields(columns)

    assert list(fields) == columns
    assert len(set(fields.values())) == len(columns)


def test_the_fields_of_a_rule_carry_its_tables_in_sorted_order() -> None:
    origin = Origin(database="d", schema="s", tables=("b", "a"), is_rule=True)

    assert origin.fields(["x"]) == {"x": "s_a_b_x"}
    assert origin.table_json == '["b","a"]'


def base(name: str, *, schema: str = "pg_catalog") -> Type:
    return Type(oid=1, schema=schema, name=name, kind=TypeKind.BASE)


def numeric(precision: int, scale: int) -> int:
    return ((precision << 16) | (scale & 0x7FF)) + 4


NUMBER_OR_TEXT = {
    "type": "keyword",
    "ignore_above": 8191,
    "fields": {"number": {"type": "double", "ignore_malformed": True}},
}


SEARCHED_BY_WORD = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}


@pytest.mark.parametrize(
    ("name", "modifier", "mapping"),
    [
        ("int2", -1, {"type": "short"}),
        ("int8", -1, {"type": "long"}),
        ("numeric", -1, NUMBER_OR_TEXT),
        ("numeric", numeric(9, 0), {"type": "integer"}),
        ("numeric", numeric(18, 0), {"type": "long"}),
        ("numeric", numeric(12, 2), {"type": "scaled_float", "scaling_factor": 100}),
        ("numeric", numeric(20, 2), NUMBER_OR_TEXT),
        ("numeric", numeric(5, -2), NUMBER_OR_TEXT),
        ("numeric", numeric(2, 5), NUMBER_OR_TEXT),
        ("bpchar", 260, {"type": "keyword", "ignore_above": 8191}),
        ("bpchar", 261, SEARCHED_BY_WORD),
        ("varchar", 24, SEARCHED_BY_WORD),
        ("timestamptz", -1, {"type": "date", "ignore_malformed": True}),
        ("bytea", -1, {"type": "binary"}),
    ],
)
def test_a_mapping_holds_every_value_of_the_type(name: str, modifier: int, mapping: dict[str, Any]) -> None:
    assert mapping_of(base(name), modifier) == mapping


def test_domains_arrays_and_composites_are_mapped_as_what_they_consist_of() -> None:
    domain = Type(oid=1, schema="s", name="d", kind=TypeKind.DOMAIN, part=base("int4"))
    array = Type(oid=1, schema="s", name="_d", kind=TypeKind.ARRAY, part=domain)
    pair = Type(
        oid=1, schema="s", name="p", kind=TypeKind.COMPOSITE, attributes=(Attribute(name="x", type=array),)
    )  # fmt: skip

    assert mapping_of(pair) == {"properties": {"x": {"type": "integer"}}}


@given(st.text().filter(lambda text: "\0" not in text))
def test_quoting_doubles_quotes_and_nothing_else(text: str) -> None:
    assert identifier(text)[1:-1].replace('""', '"') == text
    assert literal(text)[1:-1].replace("''", "'") == text
    assert identifier(text).count('"') == 2 * text.count('"') + 2
    assert literal(text).count("'") == 2 * text.count("'") + 2
    assert qualified(text, "t").endswith('."t"')
    assert orjson.loads(json_string(text)) == text


@pytest.mark.parametrize("quote", [identifier, literal])
def test_a_nul_cannot_be_quoted(quote: Any) -> None:
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")


@pytest.mark.parametrize("count", [1, 96, 97, 1000, 20000])
def test_any_number_of_parts_is_joined_with_at_most_100_arguments_each(count: int) -> None:
    sql = joined(["x"] * count)

    assert sql.count("x") == count
    assert max(group.count("x") for group in sql.split(")")) <= 100


def test_seeds_differ_with_every_part() -> None:
    seeds = [seed_of(1, "a"), seed_of(2, "a"), seed_of(1, "b"), seed_of(1, "a", ""), seed_of(1)]

    assert len(set(seeds)) == len(seeds)
    assert all(-(2**63) <= seed < 2**63 for seed in seeds)


def test_no_column_has_the_name_of_a_member_which_the_service_adds() -> None:
    assert field_names("_run", ["ml"], ["inference", "x"]) == {
        "inference": "_run_ml_inference_",
        "x": "_run_ml_x",
    }

"""Mappings of indices we create: languages, conflicts, limits; and where an existing one keeps exact text."""

from typing import Any

import pytest

from ingest.elasticsearch.indices import count_fields
from ingest.elasticsearch.mappings import (
    analyzer_of,
    exact_field,
    is_usable_content_hash,
    merged,
    missing,
    with_analyzers,
)


@pytest.mark.parametrize(
    ("language", "analyzer"),
    [
        (None, None), ("", None), ("en", "english"), ("de", "german"), ("pt-BR", "brazilian"),
        ("pt_BR", "brazilian"), ("pt-PT", "portuguese"), ("en-US", "english"), ("zh", "cjk"), ("ja", "cjk"),
        ("german", "german"), ("tlh", None),
    ],
)  # fmt: skip
def test_a_language_names_its_analyzer(language: str | None, analyzer: str | None) -> None:
    assert analyzer_of(language) == analyzer


def test_only_text_without_an_analyzer_is_given_one_at_every_depth() -> None:
    properties: dict[str, Any] = {
        "title": {"type": "text", "fields": {"words": {"type": "text"}, "exact": {"type": "keyword"}}},
        "code": {"type": "text", "analyzer": "whitespace"},
        "address": {"properties": {"street": {"type": "text"}, "number": {"type": "long"}}},
    }

    analyzed = with_analyzers(properties, "fr")

    assert analyzed["title"]["analyzer"] == "french"
    assert analyzed["title"]["fields"] == {
        "words": {"type": "text", "analyzer": "french"}, "exact": {"type": "keyword"}
    }  # fmt: skip
    assert analyzed["code"] == properties["code"]
    assert analyzed["address"]["properties"]["street"]["analyzer"] == "french"
    assert with_analyzers(properties, None) == properties


NUMERIC = {
    "type": "keyword", "ignore_above": 8191,
    "fields": {"number": {"type": "double", "ignore_malformed": True}},
}  # fmt: skip
KEYWORD = {"type": "keyword", "ignore_above": 8191}
ANYTHING = {"type": "object", "enabled": False}
TEXT = {"type": "text", "fields": {"keyword": KEYWORD}}


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ({"type": "integer"}, {"type": "long"}, {"type": "long"}),
        ({"type": "float"}, {"type": "double"}, {"type": "double"}),
        ({"type": "integer"}, {"type": "double"}, NUMERIC),
        ({"type": "long"}, NUMERIC, NUMERIC),
        ({"type": "integer"}, KEYWORD, KEYWORD),
        ({"type": "long"}, TEXT, TEXT),
        ({"type": "boolean"}, {"type": "date", "ignore_malformed": True}, KEYWORD),
        ({"type": "dense_vector", "dims": 3}, {"type": "dense_vector", "dims": 4}, KEYWORD),
        ({"type": "integer"}, {"type": "integer_range"}, ANYTHING),
        (KEYWORD, ANYTHING, ANYTHING),
        ({"properties": {"a": {"type": "long"}}}, {"type": "long"}, ANYTHING),
        (
            {"properties": {"a": {"type": "long"}}},
            {"properties": {"a": {"type": "short"}, "b": KEYWORD}},
            {"properties": {"a": {"type": "long"}, "b": KEYWORD}},
        ),
    ],
)
def test_a_field_of_several_columns_gets_a_mapping_that_takes_them_all(
    one: dict[str, Any], other: dict[str, Any], shared: dict[str, Any]
) -> None:
    own = {"b": {"type": "text"}}

    assert merged([{"a": one, **own}, {"a": other}, own]) == {"a": shared, **own}
    assert merged([{"a": other}, {"a": one}, own]) == {"a": shared, **own}


def test_a_field_that_another_one_makes_an_object_takes_both() -> None:
    assert merged([{"a.b": KEYWORD, "c.d": KEYWORD}, {"a": {"type": "long"}, "c.e": KEYWORD}]) == {
        "a": ANYTHING,
        "c": {"properties": {"d": KEYWORD, "e": KEYWORD}},
    }


@pytest.mark.parametrize(
    ("existing", "added"),
    [
        ({}, {"a": KEYWORD, "o": {"properties": {"x": KEYWORD, "y": KEYWORD}}}),
        ({"dynamic": "true", "properties": {"a": {"type": "text"}, "o": {"type": "long"}}}, {}),
        ({"properties": {"a": KEYWORD, "o": {"properties": {"x": KEYWORD}}}},
         {"o": {"properties": {"y": KEYWORD}}}),
        ({"properties": {"a": KEYWORD, "o": {"type": "object", "enabled": False}}}, {}),
        ({"properties": {"a": KEYWORD, "o": {"dynamic": "strict", "properties": {}}}}, {}),
        ({"dynamic": "false"}, {}),
        ({"dynamic": "runtime"}, {}),
    ],
)  # fmt: skip
def test_only_fields_the_index_does_not_know_are_added(
    existing: dict[str, Any], added: dict[str, Any]
) -> None:
    assert missing(existing, {"a": KEYWORD, "o.x": KEYWORD, "o.y": KEYWORD}) == added


def test_fields_are_counted_as_elasticsearch_counts_them() -> None:
    properties = {
        "a": {"type": "text", "fields": {"k": {"type": "keyword"}}},
        "o": {"properties": {"x": {"type": "long"}, "y": {"type": "long"}}},
    }

    assert count_fields(properties) == 5


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        ({"type": "keyword"}, "database"),
        (
            {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}},
            "database.keyword",
        ),
        (
            {"type": "text", "fields": {"stem": {"type": "text"}, "enum": {"type": "keyword"}}},
            "database.enum",
        ),
        ({"type": "text", "fields": {"k": {"type": "keyword", "normalizer": "lowercase"}}}, None),
        ({"type": "keyword", "normalizer": "lowercase"}, None),
        ({"type": "text"}, None),
        ({}, None),
    ],
)
def test_the_field_that_holds_exact_text_is_found(definition: dict[str, Any], field: str | None) -> None:
    assert exact_field({"database": definition}, "database") == field


@pytest.mark.parametrize(
    ("definition", "is_usable"),
    [
        ({"type": "long"}, True),
        ({"type": "long", "index": False}, True),
        ({"type": "long", "doc_values": False}, False),
        ({"type": "double"}, False),
        ({"type": "text"}, False),
    ],
)
def test_only_an_exact_long_with_doc_values_holds_our_hash(
    definition: dict[str, Any], is_usable: bool
) -> None:
    assert is_usable_content_hash(definition) is is_usable

"""Reading declared objects: what is taken, what is made of it, and how it is refused."""

from typing import Any

import pytest

from sandbox.elasticsearch.connectors.parsing.bodies import refusal
from sandbox.elasticsearch.connectors.parsing.members import (
    array_of,
    boolean,
    enumeration,
    instant,
    instant_or_null,
    integer,
    long,
    object_of,
    open_object,
    text,
    text_array,
    text_or_null,
    words,
)
from sandbox.elasticsearch.connectors.parsing.parser import BodyError, Field, ObjectParser

read_color = words("Color", "red", "green")
read_operator = words("Operator", "and", "or", ignore_case=False)

INNER = ObjectParser("inner", (integer("count", required=True), text("note")))


def one(field: Field, *, strict: bool = True) -> ObjectParser:
    return ObjectParser("parser", (field, text("another")), strict=strict)


def refused(parser: ObjectParser, value: Any) -> str:
    with pytest.raises(BodyError) as caught:
        parser.read(value)
    return caught.value.reason


def innermost(parser: ObjectParser, value: Any) -> tuple[str, str]:
    with pytest.raises(BodyError) as caught:
        parser.read(value)
    error = caught.value
    while error.cause is not None:
        error = error.cause
    return error.kind, error.reason


@pytest.mark.parametrize(
    ("field", "given", "read"),
    [
        (text("a"), "x", "x"),
        (text_or_null("a"), None, None),
        (boolean("a"), True, True),
        (boolean("a"), "true", True),
        (boolean("a"), "false", False),
        (integer("a"), 3, 3),
        (integer("a"), "3", 3),
        (integer("a"), 3.9, 3),
        (integer("a"), " 3e2 ", 300),
        (long("a"), 2**63 - 1, 2**63 - 1),
        (long("a"), str(2**63 - 1), 2**63 - 1),
        (instant("a"), "2023-05-25T12:30:00Z", "2023-05-25T12:30:00.000Z"),
        (instant_or_null("a"), None, None),
        (enumeration("a", read_color), "RED", "red"),
        (enumeration("a", read_color, null=True), None, None),
        (enumeration("a", read_operator), "and", "and"),
        (object_of("a", INNER.read), {"count": 1, "colour": 2}, {"count": 1}),
        (open_object("a"), {"any": ["thing"]}, {"any": ["thing"]}),
        (array_of("a", INNER.read), [{"count": 1}, {"count": 2}], [{"count": 1}, {"count": 2}]),
        (array_of("a", INNER.read), {"count": 1}, [{"count": 1}]),
        (text_array("a"), ["x", 1, True], ["x", "1", "true"]),
        (text_array("a"), "x", ["x"]),
    ],
)
def test_a_value_is_read(field: Field, given: Any, read: Any) -> None:
    assert one(field).read({"a": given}) == {"a": read}


@pytest.mark.parametrize(
    ("field", "given", "token"),
    [
        (text("a"), 1, "VALUE_NUMBER"),
        (text("a"), None, "VALUE_NULL"),
        (text_or_null("a"), True, "VALUE_BOOLEAN"),
        (boolean("a"), 1, "VALUE_NUMBER"),
        (integer("a"), True, "VALUE_BOOLEAN"),
        (integer("a"), None, "VALUE_NULL"),
        (instant("a"), 1685017800000, "VALUE_NUMBER"),
        (object_of("a", INNER.read), [], "START_ARRAY"),
        (open_object("a"), None, "VALUE_NULL"),
        (array_of("a", INNER.read), "x", "VALUE_STRING"),
        (text_array("a"), {}, "START_OBJECT"),
    ],
)
def test_a_value_of_another_kind_is_refused(field: Field, given: Any, token: str) -> None:
    assert refused(one(field), {"a": given}) == f"[parser] a doesn't support values of type: {token}"


@pytest.mark.parametrize(
    ("field", "given", "kind", "reason"),
    [
        (
            boolean("a"),
            "yes",
            "illegal_argument_exception",
            "Failed to parse value [yes] as only [true] or [false] are allowed.",
        ),
        (integer("a"), "x", "number_format_exception", 'For input string: "x"'),
        (integer("a"), "1_000", "number_format_exception", 'For input string: "1_000"'),
        (integer("a"), "nan", "number_format_exception", 'For input string: "nan"'),
        (
            integer("a"),
            2**31,
            "input_coercion_exception",
            "Numeric value (2147483648) out of range of int (-2147483648 - 2147483647)",
        ),
        (long("a"), "1e30", "illegal_argument_exception", "Value [1e30] is out of range for a long"),
        (enumeration("a", read_color), "blue", "illegal_argument_exception", "Unknown Color [blue]."),
        (enumeration("a", read_operator), "AND", "illegal_argument_exception", "Unknown Operator [AND]."),
        (object_of("a", INNER.read), {}, "illegal_argument_exception", "Required [count]"),
    ],
)
def test_an_unacceptable_value_is_the_cause_of_the_refusal(
    field: Field, given: Any, kind: str, reason: str
) -> None:
    assert refused(one(field), {"a": given}) == "[parser] failed to parse field [a]"
    assert innermost(one(field), {"a": given}) == (kind, reason)


def test_an_unknown_key_is_refused_where_the_parser_is_strict() -> None:
    assert refused(one(text("a")), {"b": 1}) == "[parser] unknown field [b]"
    assert one(text("a"), strict=False).read({"b": 1}) == {}


def test_an_unknown_key_comes_with_what_may_have_been_meant() -> None:
    assert refused(one(text("a")), {"anothr": 1}).endswith(" did you mean [another]?")


def test_anything_but_an_object_is_refused() -> None:
    assert refused(INNER, []) == "[inner] Expected START_OBJECT but was: START_ARRAY"


def test_every_missing_member_is_named() -> None:
    parser = ObjectParser("parser", (text("a", required=True), text("b"), text("c", required=True)))

    assert refused(parser, {}) == "Required [a, c]"


def test_a_null_counts_as_missing_unless_every_member_was_given() -> None:
    parser = ObjectParser("parser", (text_or_null("a", required=True), text("b")))

    assert refused(parser, {"a": None}) == "Required [a]"
    assert parser.read({"a": None, "b": "x"}) == {"a": None, "b": "x"}


def test_the_answer_tells_the_position_and_the_innermost_parse_error() -> None:
    parser = one(array_of("a", one(object_of("b", INNER.read)).read))
    body = {"a": [{"b": {"count": 1}}, {"b": {"count": "x"}}]}
    content = b'{"a": [{"b": {"count": 1}},\n {"b": {"count": "x"}}]}'

    with pytest.raises(BodyError) as caught:
        parser.read(body)

    answer = refusal(caught.value, content).body()
    assert answer["status"] == 400
    error = answer["error"]
    assert error["reason"] == "[2:18] [parser] failed to parse field [a]"
    assert error["root_cause"] == [
        {"type": "x_content_parse_exception", "reason": "[2:18] [inner] failed to parse field [count]"}
    ]
    assert error["caused_by"]["caused_by"]["caused_by"] == {
        "type": "number_format_exception",
        "reason": 'For input string: "x"',
    }


def test_building_the_object_may_refuse_what_its_members_passed() -> None:
    def never(parsed: dict[str, Any]) -> None:
        raise BodyError("no such thing", kind="illegal_argument_exception")

    parser = ObjectParser("parser", (text("a", required=True), text("b", required=True)), build=never)

    assert refused(parser, {"b": "x", "a": "y"}) == "[parser] failed to parse field [a]"
    assert refused(parser, {"b": "x"}) == "Required [a]"

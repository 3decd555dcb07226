"""The schema and the values of a connector's configuration."""

from collections.abc import Mapping
from typing import Any

from sandbox.elasticsearch.connectors.parsing.members import (
    ANYTHING,
    SCALARS,
    array_of,
    boolean,
    enumeration,
    integer,
    object_of,
    text,
    text_array,
    text_or_null,
    value_of,
    words,
)
from sandbox.elasticsearch.connectors.parsing.parser import BodyError, ObjectParser, Token, illegal, token_of

_read_display = words(
    "ConfigurationDisplayType", "text", "textbox", "textarea", "numeric", "toggle", "dropdown"
)
_read_type = words("ConfigurationFieldType", "str", "int", "list", "bool", ignore_case=False)
_read_validation_type = words(
    "ConfigurationValidationType", "less_than", "greater_than", "list_type", "included_in", "regex"
)


def _display(word: str | None) -> str:
    if word is None:
        raise illegal("No text found for display type", kind="null_pointer_exception")
    return _read_display(word)


def _unsupported(token: Token) -> BodyError:
    return BodyError(f"Unsupported token [{token}]", located=False)


def _value(value: Any) -> Any:
    if token_of(value) is Token.START_ARRAY:
        raise _unsupported(Token.START_ARRAY)
    return value


def _constraint(value: Any) -> Any:
    match token_of(value):
        case Token.VALUE_STRING | Token.VALUE_NUMBER:
            return value
        case Token.START_ARRAY:
            for element in value:
                if token_of(element) not in {Token.VALUE_STRING, Token.VALUE_NUMBER}:
                    raise _unsupported(token_of(element))
            return value
        case token:
            raise _unsupported(token)


_DEPENDENCY = ObjectParser(
    "connector_configuration_dependency",
    (text("field", required=True), value_of("value", SCALARS, lambda value: value, required=True)),
)
_OPTION = ObjectParser(
    "connector_configuration_select_option",
    (
        text("label", required=True),
        value_of(
            "value", frozenset({Token.VALUE_STRING, Token.VALUE_NUMBER}), lambda value: value, required=True
        ),
    ),
)
_VALIDATION = ObjectParser(
    "connector_configuration_validation",
    (
        value_of("constraint", ANYTHING, _constraint, required=True),
        enumeration("type", _read_validation_type, required=True),
    ),
)
_FIELD = ObjectParser(
    "connector_configuration",
    (
        text("category"),
        value_of("default_value", SCALARS, lambda value: value),
        array_of("depends_on", _DEPENDENCY.read),
        value_of("display", frozenset({Token.VALUE_STRING, Token.VALUE_NULL}), _display),
        text("label", required=True),
        array_of("options", _OPTION.read),
        integer("order"),
        text_or_null("placeholder"),
        boolean("required"),
        boolean("sensitive"),
        text_or_null("tooltip"),
        enumeration("type", _read_type, null=True),
        text_array("ui_restrictions"),
        array_of("validations", _VALIDATION.read),
        value_of("value", ANYTHING, _value),
    ),
)
_ALWAYS_WRITTEN: Mapping[str, Any] = {
    "default_value": None,
    "required": False,
    "sensitive": False,
    "value": None,
}

_REQUEST = "connector_update_configuration_request"


def read_configuration(configuration: Any) -> dict[str, Any]:
    """Return a configuration as the server writes it back: unknown members gone, defaults filled in."""
    normalised = {}
    for name, declared in configuration.items():
        try:
            normalised[name] = _normalised(_FIELD.read(declared))
        except BodyError as error:
            raise error.below(name) from None
    return normalised


CONFIGURATION_REQUEST = ObjectParser(
    _REQUEST,
    (
        object_of("configuration", read_configuration),
        value_of("values", frozenset({Token.START_OBJECT, Token.VALUE_NULL}), lambda values: values or {}),
    ),
    strict=True,
)


def _normalised(parsed: dict[str, Any]) -> dict[str, Any]:
    """Order the members and fill in what is always written; a null elsewhere is dropped."""
    members: dict[str, Any] = {}
    for declared in _FIELD.fields:
        value = parsed.get(declared.name)
        if value is not None:
            members[declared.name] = value
        elif declared.name in _ALWAYS_WRITTEN:
            members[declared.name] = _ALWAYS_WRITTEN[declared.name]
    return members

"""Reading JSON with the refusals and the words of the server's parser."""

from typing import Any

import orjson

from sandbox.elasticsearch import errors


def parse_json(raw: bytes) -> Any:
    """Read JSON as the server does: any malformation is a 400 that tells its position."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise errors.parsing(_malformation(error), line=error.lineno, column=error.colno) from None


def _malformation(error: orjson.JSONDecodeError) -> str:
    if "surrogate" in error.msg or "UTF-8" in error.msg or "utf-8" in error.msg:
        return "Invalid UTF-8 start byte"
    if error.pos >= len(error.doc.rstrip()):
        return "Unexpected end-of-input"
    character = error.doc[error.pos : error.pos + 1]
    return f"Unexpected character ('{character}' (code {ord(character or chr(0))})): {error.msg}"


def token_of(value: Any) -> str:
    """The name the server's parser gives to a JSON value of this kind."""
    match value:
        case None:
            return "VALUE_NULL"
        case bool():
            return "VALUE_BOOLEAN"
        case int() | float():
            return "VALUE_NUMBER"
        case str():
            return "VALUE_STRING"
        case list():
            return "START_ARRAY"
        case _:
            return "START_OBJECT"

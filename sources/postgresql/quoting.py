"""The one place where a name or a text becomes part of an SQL statement.

Values are bound wherever PostgreSQL lets us. Names, COPY statements and cursors cannot take parameters; they
go through here. `standard_conforming_strings` is pinned on for every session, so doubling the quote is all a
literal needs.
"""

import orjson


def identifier(name: str) -> str:
    """Quote a name of a schema, table, column, type or function."""
    return '"' + _without_nul(name).replace('"', '""') + '"'


def qualified(schema: str, name: str) -> str:
    """Quote a name together with its schema."""
    return f"{identifier(schema)}.{identifier(name)}"


def literal(text: str) -> str:
    """Quote a text constant."""
    return "'" + _without_nul(text).replace("'", "''") + "'"


def json_string(text: str) -> str:
    """Write a text as a JSON string, quotes included."""
    return orjson.dumps(text).decode()


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a name or text for PostgreSQL cannot contain NUL")
    return text

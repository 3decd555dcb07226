"""JSON columns and hstore as JSON: unchanged, as far as Elasticsearch can read them."""

from sources.postgresql.catalog.types import Type
from sources.postgresql.quoting import literal, qualified
from sources.postgresql.render.sql import NULLED, Rendering, built_in, capped, or_null

BREAKS = "\n\r\t"
_BACKSLASH = "\\"
_MASK = "\x01"
_LONE_SURROGATE = (
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_LONGEST_KEY_BYTES = 8000
"""A key and a value make one term of a `flattened` field, and terms have 32,766 bytes at most."""
_MAY_HOLD_LONG_KEY_BYTES = 64


def jsonb_text(value: str, of: Type, rendering: Rendering) -> str:
    """Render a jsonb as it is."""
    return capped(value, or_null(f"{built_in(value, of)}::text"), rendering)


def json_text(value: str, rendering: Rendering) -> str:
    """Keep a json's text, but make line breaks harmless, replace lone surrogates and resolve duplicate keys.

    Control characters inside strings are not valid JSON, so those that occur are white space between tokens.
    Duplicate keys, which Elasticsearch refuses, are resolved as jsonb does (the last one counts) where the
    server can test for them without raising an error, which is from version 16 on.
    """
    value = f"{value}::pg_catalog.json"
    text = f"translate({value}::text,{literal(BREAKS)},'   ')"
    if rendering.server_version < 16:
        has_escape = f"strpos({value}::text,{literal(_BACKSLASH + 'u')})>0"
        clean = f"CASE WHEN {has_escape} THEN {_unmasked(_repaired(text))} ELSE {text} END"
    else:
        repaired = _unmasked(_repaired(text))
        # The server's strict parser refuses an escaped NUL, JSON and Elasticsearch do not.
        tested = _unmasked(f"replace({_repaired(text)},{literal(_BACKSLASH + 'u0000')},'0')")
        clean = (
            f"CASE WHEN {value} IS NULL THEN NULL WHEN {value} IS JSON WITH UNIQUE KEYS THEN {text}"
            f" WHEN {tested} IS JSON WITH UNIQUE KEYS THEN {repaired}"
            f" WHEN pg_input_is_valid({repaired},'jsonb') THEN {repaired}::jsonb::text ELSE {NULLED} END"
        )
    is_large = f"octet_length({value}::text)>{rendering.max_value_bytes}"
    return f"CASE WHEN {is_large} THEN {NULLED} ELSE {or_null(clean)} END"


def hstore_text(value: str, of: Type, rendering: Rendering) -> str:
    """Render an hstore as an object of strings, unless a key is too long for the field it is indexed in."""
    keys = f"{qualified(of.schema, 'skeys')}({value}) AS k"
    has_long_key = (
        f"pg_column_size({value})>{_MAY_HOLD_LONG_KEY_BYTES}"
        f" AND octet_length({value}::text)>{_LONGEST_KEY_BYTES}"
        f" AND EXISTS (SELECT FROM {keys} WHERE octet_length(k)>{_LONGEST_KEY_BYTES})"
    )
    text = or_null(f"to_json({value})::text")
    return capped(value, f"CASE WHEN {has_long_key} THEN {NULLED} ELSE {text} END", rendering)


def _repaired(json: str) -> str:
    """Replace lone surrogates.

    Escaped backslashes are masked, so that one cannot be taken for the start of an escape.
    """
    masked = f"replace({json},{literal(_BACKSLASH * 2)},{literal(_MASK)})"
    return f"regexp_replace({masked},{literal(_LONE_SURROGATE)},{literal(_BACKSLASH * 2 + 'ufffd')},'g')"


def _unmasked(json: str) -> str:
    return f"replace({json},{literal(_MASK)},{literal(_BACKSLASH * 2)})"

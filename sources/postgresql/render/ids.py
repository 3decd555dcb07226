"""Document ids: `{database}_{schema}_{table}_{key}`, made unambiguous.

The scheme is the one Elastic's service uses, and wherever it is unambiguous an id is the same, byte for byte.
It is ambiguous in three ways: an underscore may belong to a name or divide two, a composite key has the same
divider, and a missing part leaves no trace. So

    key     parts divided by commas; in a part `%`, `_` and `,` are written %25, %5F and %2C; a null is %N
    prefix  `{database}_{schema}_{table}` as it is, if reading it back gives the same three names, otherwise
            with the underscores of every name as %5F. Reading back: the last underscore ends the prefix,
            `_public_` divides database and table if it occurs, otherwise the first two underscores divide.
    long    an id over 512 bytes ends in %H and the SHA-256 of what it would have been

Changing anything here changes the ids in every index: `golden_ids.json` of the tests must not change.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sources.lines import MAX_ID_BYTES
from sources.postgresql.catalog.types import Attribute, Type, TypeKind
from sources.postgresql.quoting import json_string, literal, qualified

_DIGEST_MARK = "%H"
_DIGEST_CHARACTERS = 64
_ESCAPES = (("%", "%25"), ("_", "%5F"), (",", "%2C"))
_NULL = "%N"

_SHORT_PLAIN = {
    "int2": 6, "int4": 11, "int8": 20, "oid": 10, "uuid": 36, "bool": 5, "date": 13,
}  # fmt: skip
"""Types whose text needs no escape, in an id or in JSON, and its greatest length in bytes."""


def prefix_of(database: str, schema: str, tables: Sequence[str]) -> str:
    """Return the part of an id that is the same for every row, without the underscore before the key."""
    names = [
        _escaped(database, "%,"),
        _escaped(schema, "%,"),
        ",".join(_escaped(t, "%,") for t in sorted(tables)),
    ]
    plain = "_".join(names)
    if _names_in(plain) == names:
        return plain
    return "_".join(name.replace("_", "%5F") for name in names)


@dataclass(frozen=True, slots=True)
class JsonId:
    """The SQL of a row's id as a JSON string: constant text, an expression, constant text."""

    opening: str
    value: str
    closing: str

    def between(self, before: str, after: str) -> str:
        """Return the SQL of the id between two constant texts, with as few concatenations as possible."""
        return f"{literal(before + self.opening)}||{self.value}||{literal(self.closing + after)}"


def json_id(prefix: str, key: Sequence[tuple[str, Attribute]]) -> JsonId:
    """Return how to write the id of a row; `key` holds each part's expression and column."""
    if len(key) == 1 and _is_plain(prefix, key[0][1].type):
        expression, column = key[0]
        value = f"{_plain(expression, column.type)}::text"
        if not column.is_not_null:
            value = f"COALESCE({value},{literal(_NULL)})"
        return JsonId(json_string(prefix + "_")[:-1], value, '"')
    full = (
        f"concat({literal(prefix + '_')},{(',' + literal(',') + ',').join(_part_sql(e, c) for e, c in key)})"
    )
    if _is_short(prefix, [column for _, column in key]):
        return JsonId("", f"to_json({full})::text", "")
    digest = f"{literal(_digest_prefix(prefix))}||encode(sha256(convert_to({full},'UTF8')),'hex')"
    is_long = f"octet_length(convert_to({full},'UTF8'))>{MAX_ID_BYTES}"
    return JsonId("", f"to_json(CASE WHEN {is_long} THEN {digest} ELSE {full} END)::text", "")


def _names_in(prefix: str) -> list[str]:
    database, divider, table = prefix.partition("_public_")
    if divider:
        return [database, "public", table]
    return prefix.split("_", 2)


def _escaped(text: str, characters: str) -> str:
    for character, escape in _ESCAPES:
        if character in characters:
            text = text.replace(character, escape)
    return text


def _digest_prefix(prefix: str) -> str:
    room = MAX_ID_BYTES - _DIGEST_CHARACTERS - len(_DIGEST_MARK) - 1
    return f"{prefix}_{_DIGEST_MARK}" if len(prefix.encode()) <= room else _DIGEST_MARK


def _plain(expression: str, of: Type) -> str:
    """Name a part whose text needs no escape, as certainly of such a type."""
    return (
        f"({expression})::{qualified(of.schema, of.name)}"
        if of.base_name in _SHORT_PLAIN
        else f"({expression})"
    )


def _part_sql(expression: str, column: Attribute) -> str:
    # concat() writes a value with its type's output function; a cast of inet to text would append the mask.
    text = (
        f"concat({expression})"
        if column.type.name in ("inet", "cidr")
        else f"{_plain(expression, column.type)}::text"
    )
    if column.type.base_name not in _SHORT_PLAIN:
        text = f'({text} COLLATE "C")'  # the collation of a key that ignores case does not allow replace()
        for character, escape in _ESCAPES:
            text = f"replace({text},{literal(character)},{literal(escape)})"
    if column.is_not_null:
        return text
    return f"CASE WHEN ({expression}) IS NULL THEN {literal(_NULL)} ELSE {text} END"


def _is_plain(prefix: str, key_type: Type) -> bool:
    return key_type.base_name in _SHORT_PLAIN and len(prefix.encode()) + 1 + 36 <= MAX_ID_BYTES


def _is_short(prefix: str, columns: Sequence[Attribute]) -> bool:
    lengths = [_longest(column) for column in columns]
    if None in lengths:
        return False
    return len(prefix.encode()) + sum(1 + (length or 0) for length in lengths) <= MAX_ID_BYTES


def _longest(column: Attribute) -> int | None:
    """Return the greatest length of a value in an id, in escaped bytes; None without a useful bound."""
    if column.type.base_name in _SHORT_PLAIN:
        return _SHORT_PLAIN[column.type.base_name]
    if column.type.kind is TypeKind.ENUM:
        return 63 * 3
    if column.type.base_name in ("varchar", "bpchar") and column.modifier > 4:
        return (column.modifier - 4) * 4
    if column.type.base_name in ("timestamp", "timestamptz", "time", "timetz"):
        return 48
    return None

"""What may happen to rows, in any kind of table, and to the structure of those of PostgreSQL."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from hypothesis import strategies as st

KEYS = range(6)
HOSTILE = 'tab\t "quotes\\" \u2028 \x01 %s {0} é 😀'
"""A value that breaks what is put together by hand."""


class Kind(Enum):
    """What happens to rows."""

    PUT = "a row is inserted or updated"
    UPDATE = "all rows from a key on are updated"
    DELETE = "a row is deleted"
    EXCHANGE = "a row is deleted and another inserted"
    EMPTY = "all rows are deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """One change. Keys are few, so that what was deleted comes back."""

    kind: Kind
    table: str
    key: int
    value: str

    @property
    def other_key(self) -> int:
        """The key of the row that comes for another."""
        return (self.key + 1) % len(KEYS)


_table, _key = st.sampled_from(("a", "b")), st.sampled_from(KEYS)
_value = st.sampled_from(("red", "blue", "out", HOSTILE))
ROWS = st.builds(
    RowChange,
    kind=st.sampled_from(
        (Kind.PUT, Kind.PUT, Kind.UPDATE, Kind.DELETE, Kind.DELETE, Kind.EXCHANGE, Kind.EMPTY)
    ),
    table=_table,
    key=_key,
    value=_value,
)

_any_table, _column = st.sampled_from(("a", "b", "c")), st.sampled_from(("v", "w", "x"))
_type = st.sampled_from(("text", "int", "bool"))
_number = st.sampled_from(("NaN", "-Infinity", "1e300"))
_part = st.sampled_from(("", "a", "a_", "_a", "a,", "%5F"))


def _statement(template: str, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    return st.fixed_dictionaries(parts).map(lambda chosen: template.format(**chosen))


def structure(reader: str) -> st.SearchStrategy[str]:
    """Return statements that change tables, or who may read them; what PostgreSQL refuses does not happen."""
    table, column = _any_table, _column
    return st.one_of(
        _statement(
            "CREATE TABLE {t} (id int PRIMARY KEY, v text); INSERT INTO {t} VALUES (0, 'new')", t=table
        ),
        _statement("DROP TABLE {t}", t=table),
        _statement("ALTER TABLE {t} RENAME TO {o}", t=table, o=table),
        _statement("ALTER TABLE {t} ADD COLUMN {c} {d}", t=table, c=column, d=_type),
        _statement("ALTER TABLE {t} DROP COLUMN {c}", t=table, c=column),
        _statement("ALTER TABLE {t} RENAME COLUMN {c} TO {o}", t=table, c=column, o=column),
        _statement("REVOKE SELECT ON {t} FROM " + reader, t=table),
        _statement("GRANT SELECT ON {t} TO " + reader, t=table),
        *[_statement("INSERT INTO pairs VALUES ('{p}', '{q}', '{n}')", p=_part, q=_part, n=_number)] * 3,
    )

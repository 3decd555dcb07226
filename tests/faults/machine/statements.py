"""What may happen to the tables, as statements of SQL. What PostgreSQL refuses does not happen."""

from typing import Any

from hypothesis import strategies as st

from tests.faults.machine.tables import NAMES, READER

_table, _column = st.sampled_from(NAMES), st.sampled_from(("v", "w", "x"))
_key, _value = st.integers(0, 7), st.sampled_from(("red", "blue", "out"))
_type = st.sampled_from(("text", "int", "bool"))


def _statement(template: str, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    return st.fixed_dictionaries(parts).map(lambda chosen: template.format(**chosen))


_INSERT = _statement("INSERT INTO {t} (id, v) VALUES ({k}, '{v}')", t=_table, k=_key, v=_value)
_UPDATE = _statement("UPDATE {t} SET v = '{v}' WHERE id >= {k}", t=_table, k=_key, v=_value)
_DELETE = _statement("DELETE FROM {t} WHERE id = {k}", t=_table, k=_key)
ROWS = st.one_of(
    _INSERT,
    _INSERT,
    _UPDATE,
    _UPDATE,
    _DELETE,
    _statement("UPDATE {t} SET id = {o} WHERE id = {k}", t=_table, k=_key, o=_key),
    _statement("TRUNCATE {t}", t=_table),
)
STRUCTURE = st.one_of(
    _statement("CREATE TABLE {t} (id int PRIMARY KEY, v text); INSERT INTO {t} VALUES (0, 'new')", t=_table),
    _statement("DROP TABLE {t}", t=_table),
    _statement("ALTER TABLE {t} RENAME TO {o}", t=_table, o=_table),
    _statement("ALTER TABLE {t} ADD COLUMN {c} {d}", t=_table, c=_column, d=_type),
    _statement("ALTER TABLE {t} DROP COLUMN {c}", t=_table, c=_column),
    _statement("ALTER TABLE {t} RENAME COLUMN {c} TO {o}", t=_table, c=_column, o=_column),
    _statement("REVOKE SELECT ON {t} FROM " + READER, t=_table),
    _statement("GRANT SELECT ON {t} TO " + READER, t=_table),
)
IN_ORDER = (
    "CREATE TABLE a (id int PRIMARY KEY, v text)",
    *(f"GRANT SELECT ON {table} TO {READER}" for table in NAMES),
)
"""There is something to read, and it may be read."""

"""The statements around a read: transaction, settings, lock, cursor. Catalog queries are in `catalog`."""

from collections.abc import Iterable, Sequence

from sources.postgresql.quoting import identifier, literal, qualified

SESSION_SETTINGS = {
    "search_path": "''",
    "row_security": "off",
    "TimeZone": "'UTC'",
    "DateStyle": "'ISO, YMD'",
    "IntervalStyle": "'iso_8601'",
    "extra_float_digits": "3",
    "bytea_output": "'hex'",
    "xmloption": "'content'",
    "standard_conforming_strings": "on",
    "synchronize_seqscans": "off",
    "jit": "off",  # rendering a nested array looks costly enough to compile, which takes longer than running
    "idle_in_transaction_session_timeout": "0",
    "statement_timeout": "0",
}
"""Set in every transaction, whatever the role's or the database's own settings are.

They are local to the transaction, so that a pooler which lends a server connection for a transaction never
sees them. A statement has no time limit of the server's: how long one may take is for the reader to say, who
sees progress.
"""
_FIRST_VERSION_WITH_TRANSACTION_TIMEOUT = 17


def begin(lock_timeout_seconds: float, server_version: int) -> str:
    """Open a read-only transaction with every setting pinned. Takes no snapshot yet."""
    settings = SESSION_SETTINGS | {"lock_timeout": str(round(lock_timeout_seconds * 1000))}
    if server_version >= _FIRST_VERSION_WITH_TRANSACTION_TIMEOUT:
        settings |= {"transaction_timeout": "0"}
    pinned = "".join(f" SET LOCAL {name} = {value};" for name, value in settings.items())
    return f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;{pinned}"


END = "ROLLBACK"
"""Ends a transaction in which everything was read.

Not by a commit: before version 16 a read-only transaction may make large objects, and an advanced rule could.
"""

BY_PLACE = "SET LOCAL enable_seqscan = off"
"""Keeps the planner from scanning a table for some thousand rows whose places we name: it estimates a disk
read for each.
"""
BY_CHOICE = "SET LOCAL enable_seqscan TO DEFAULT"

PING = "SELECT 1"


def look_in(schemas: Iterable[str]) -> str:
    """Let unqualified names in a query that is not ours mean what they mean to its author.

    What comes with the server is still looked up first, what is in `public` last: extensions live there.
    """
    path = dict.fromkeys([*schemas, "public"])
    return f"SET LOCAL search_path = {','.join(identifier(schema) for schema in path)}"


def relation(schema: str, name: str, *, only: bool = False) -> str:
    """Name a relation in a FROM clause; `only` leaves out inheriting tables."""
    return f"ONLY {qualified(schema, name)}" if only else qualified(schema, name)


def lock(relation: str) -> str:
    """Keep a table from being altered, dropped or rewritten; needs no more than SELECT."""
    return f"LOCK TABLE {relation} IN ACCESS SHARE MODE"


def touch(relation: str) -> str:
    """Take the same lock on a relation that LOCK TABLE does not take, such as a materialized view."""
    return f"SELECT FROM {relation} LIMIT 0"


def all_of(relation: str) -> str:
    """Select every column of a relation, to be described and not run."""
    return f"SELECT * FROM {relation}"


def rows_at(select: str, places: Iterable[tuple[int, int]]) -> str:
    """Restrict a SELECT of documents further, to rows at these places: page and number within the page."""
    array = ",".join(f'"({page:d},{number:d})"' for page, number in places)
    return f"{select} AND t.ctid = ANY({literal('{' + array + '}')}::tid[])"


def rows_between(select: str, first_page: int, end_page: int | None) -> str:
    """Restrict a SELECT of documents further, to a run of pages, open-ended if there is no end."""
    condition = f"t.ctid >= '({first_page:d},0)'::tid"
    if end_page is not None:
        condition += f" AND t.ctid < '({end_page:d},0)'::tid"
    return f"{select} AND {condition}"


def duplicates(source: str, identity: str) -> str:
    """Find out whether two rows of a source have the same identity, an expression over alias `t`."""
    return f"SELECT 1 FROM {source} AS t GROUP BY {identity} HAVING count(*) > 1 LIMIT 1"


def declare(query: str) -> str:
    """Declare a cursor over a query that is not ours.

    Sent over the extended protocol, in a read-only transaction, the server's own grammar refuses several
    statements, COPY, EXPLAIN, SELECT INTO and everything that writes.
    """
    return f"DECLARE rows NO SCROLL CURSOR FOR {query}"


def sub_select(query: str) -> str:
    """Put a query that `declare` has accepted on its own into a FROM clause.

    A comment at its end may be open.
    """
    return f"(\n{query}\n)"


FETCH_NONE = "FETCH 0 FROM rows"
"""Fetches no row of the cursor: to be described and not run."""
CLOSE = "CLOSE rows"


def value_of_key(number: int, schema: str, type_name: str) -> str:
    """Turn a part of a key, which is text in alias `k`, into a value of its type."""
    return f"k.k{number:d}::{qualified(schema, type_name)}"


def equals(column: str, value: str, schema: str) -> str:
    """Compare a column of alias `t` by an equality whose schema is known."""
    return f"t.{identifier(column)} OPERATOR({identifier(schema)}.=) {value}"


def rows_of(select: str, conditions: Iterable[str], parts: Sequence[Sequence[str]]) -> str:
    """Restrict a SELECT of documents further, to the rows of some keys, found one by one.

    `parts` holds the texts of the keys, a list for each column. The OFFSET keeps the planner from joining in
    another way, such as by passing the whole table.
    """
    lists = ",".join(f"{_text_array(texts)}::text[]" for texts in parts)
    return (
        f"SELECT d.* FROM unnest({lists}) AS k({_key_names(len(parts))})"
        f" CROSS JOIN LATERAL ({select} AND {' AND '.join(conditions)} OFFSET 0) AS d"
    )


def ids_of(id_of_key: str, parts: int) -> str:
    """Write the ids that rows with some keys have or would have; takes a list of texts for each column."""
    lists = ",".join(f"${number + 1:d}::text[]" for number in range(parts))
    return f"SELECT {id_of_key} FROM unnest({lists}) AS k({_key_names(parts)})"


def _key_names(parts: int) -> str:
    return ",".join(f"k{number:d}" for number in range(parts))


def _text_array(texts: Iterable[str]) -> str:
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return literal("{" + ",".join(f'"{text}"' for text in quoted) + "}")


def have_files(files: Iterable[str]) -> str:
    """Select one row if relations are in these files (as `catalog.looks.FILES` names them), else none."""
    parts = (file.split(" ")[:2] for file in files)
    conditions = (
        f"COALESCE(pg_catalog.pg_relation_filenode({int(oid):d}), 0) = {int(node):d}" for oid, node in parts
    )
    return f"SELECT WHERE {' AND '.join(conditions) or 'true'}"

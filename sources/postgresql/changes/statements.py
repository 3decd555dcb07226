"""The statements that read row versions and sums over a table."""

HORIZON_AGE = "SELECT pg_catalog.age(($1::int8 % 4294967296)::text::xid)"
"""How many transactions ago a horizon was. The server counts from one moment all through a transaction, so
that ages of rows compare with it.
"""


def changed(select: str, horizon_age: int) -> str:
    """Restrict a SELECT of documents further, to row versions written at a horizon or later.

    Freezing leaves the number of the transaction in place. One of two billion transactions ago counts as
    new again, which costs a comparison; no new one counts as old.
    """
    return f"{select} AND pg_catalog.age(t.xmin) <= {horizon_age:d}"


def count(source: str, wanted: str) -> str:
    """Count the wanted rows."""
    return f"SELECT count(*) FROM {source} AS t WHERE {wanted}"


def digest(source: str, wanted: str, row_hash: str) -> str:
    """Count the wanted rows and sum up their hashes.

    The hash of a record is a sum over its columns, so two rows that swap a value would leave the sum of
    their hashes as it was. Hashed once more, as bytes, every row counts as a whole.
    """
    whole = f"pg_catalog.hashtextextended(pg_catalog.encode(pg_catalog.int8send({row_hash}),'hex'),1)"
    return f"SELECT count(*) AS rows, sum({whole})::text AS sums FROM {source} AS t WHERE {wanted}"

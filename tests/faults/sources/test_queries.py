"""What queries of a read are exposed to: bad bytes, huge values, cancels, settings of the role."""

from dataclasses import replace

import pytest

from sandbox.postgresql import Cluster
from sources.errors import SourceConfigurationError, SourceUnavailableError
from tests.faults.sources.reading import READER, ROWS, TABLE, read_with, slice_of
from tests.support.database import BRISK, Database, database_on, read, read_all
from tests.support.fault_proxy import FaultProxy


async def test_p20_bytes_that_are_no_text_are_an_error_naming_the_table_and_latin1_is_converted(
    cluster: Cluster,
) -> None:
    async with database_on(
        cluster, options="TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
    ) as ascii_:
        await ascii_.execute(
            r"CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1,"
            r" E'\xff')"
        )
        with pytest.raises(SourceConfigurationError, match=r"public\.t.*22021"):
            await read_all(ascii_.source())
        assert [f for f in await ascii_.source().check({}) if "SQL_ASCII" in f.problem]
    async with database_on(
        cluster, options="TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    ) as latin:
        await latin.execute("CREATE TABLE té (ïd text PRIMARY KEY, a text); INSERT INTO té VALUES ('ñ', 'ü')")
        (document,) = (await read_all(latin.source())).documents.values()
        assert (document["id"], document["public_té_a"]) == (f"{latin.name}_public_té_ñ", "ü")


async def test_p22_a_huge_value_never_crosses_the_wire(proxied: tuple[FaultProxy, Database]) -> None:
    proxy, database = proxied
    await database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a text, b bytea, c jsonb);"
        "ALTER TABLE t ALTER a SET STORAGE EXTERNAL;"
        "INSERT INTO t VALUES (1, repeat('x', 50000000), convert_to(repeat('x', 50000000), 'UTF8'),"
        " to_jsonb(repeat('x', 50000000)))"
    )

    # To measure a value the server may have to unpack it first, and says nothing meanwhile.
    patient = replace(BRISK, stall_seconds=60)
    reading = await read_all(database.source(patient, host=proxy.host, port=proxy.port))

    assert reading.nulled == 3
    assert proxy.answers.passed_bytes < 100_000


async def test_p05_a_query_that_is_cancelled_in_the_middle_is_transient_with_its_state(
    database: Database,
) -> None:
    await database.execute(TABLE)
    slice_ = await slice_of(database)
    cancelled: list[int] = []

    async def cancel() -> None:
        cancelled.append(
            await database.value(
                "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity"
                f" WHERE application_name = 'elastic-ingest' AND datname = '{database.name}'"
            )
        )

    with pytest.raises(SourceUnavailableError, match="57014"):
        await read_with(slice_, cancel)

    assert cancelled == [1]
    assert len((await read(slice_)).documents) == ROWS


async def test_p05_the_statement_timeout_of_a_role_has_no_effect(database: Database) -> None:
    await database.execute(
        f"{TABLE}; DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'x';"
        "GRANT SELECT ON t TO reader; ALTER ROLE reader SET statement_timeout = '1ms'"
    )

    assert len((await read_all(database.source(**READER, tables="t"))).documents) == ROWS


async def test_s08_functions_in_the_search_path_of_a_role_are_not_ours(database: Database) -> None:
    """Each of them takes the very types our SQL gives, so it would stand before the server's."""
    await database.execute(
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'x'; CREATE SCHEMA hostile;"
        "GRANT USAGE ON SCHEMA hostile TO reader;"
        "CREATE FUNCTION hostile.to_json(text) RETURNS json LANGUAGE sql AS $$ SELECT '1'::json $$;"
        "CREATE FUNCTION hostile.concat(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'hijacked' $$;"
        "CREATE FUNCTION hostile.octet_length(text) RETURNS int LANGUAGE sql AS $$ SELECT 0 $$;"
        "CREATE FUNCTION hostile.add(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'hijacked' $$;"
        "CREATE OPERATOR hostile.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.add);"
        "CREATE TABLE t (id text PRIMARY KEY, a text); INSERT INTO t VALUES ('k', 'v');"
        "GRANT SELECT ON t TO reader;"
        "ALTER ROLE reader SET search_path = hostile, pg_catalog, public"
    )

    for rules in (None, [{"tables": ["t"], "query": "SELECT * FROM t"}]):
        (document,) = (await read_all(database.source(**READER, tables="t"), rules)).documents.values()

        assert document["id"] == f"{database.name}_public_t_k"
        assert document["public_t_a"] == "v"

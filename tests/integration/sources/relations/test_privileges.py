"""What the role may not read, or would be hidden from it, is an error."""

from tests.integration.sources.relations.selection import ids_of, problems_of
from tests.support.database import Database


async def test_a_table_that_may_not_be_read_is_an_error_under_the_wildcard_too(database: Database) -> None:
    await database.execute(
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'x'; CREATE TABLE a (id int"
        " PRIMARY KEY);"
        "CREATE TABLE b (id int PRIMARY KEY, c int); GRANT SELECT ON a TO reader; GRANT SELECT (id) ON b"
        " TO reader"
    )
    reader = {"username": "reader", "password": "x"}

    for tables in ("*", "a,b"):
        assert "public.b may not be read" in await problems_of(database, tables=tables, **reader)
    assert await ids_of(database, tables="a", **reader) == []
    await database.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    assert "2 tables may not be read by the role: public.a, public.b" in await problems_of(
        database, tables="a,b", **reader
    )


async def test_row_security_that_would_hide_rows_is_an_error(database: Database) -> None:
    await database.execute(
        "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'x'; CREATE TABLE t (id int"
        " PRIMARY KEY);"
        "INSERT INTO t VALUES (1), (2); GRANT SELECT ON t TO reader;"
        "CREATE POLICY p ON t USING (id = 1); ALTER TABLE t ENABLE ROW LEVEL SECURITY"
    )

    assert "public.t has row security" in await problems_of(database, username="reader", password="x")
    assert len(await ids_of(database)) == 2


async def test_row_security_that_applies_to_the_owner_of_a_view_is_an_error_that_names_the_owner(
    database: Database,
) -> None:
    await database.execute(
        "DROP ROLE IF EXISTS reader, owner; CREATE ROLE reader LOGIN PASSWORD 'x'; CREATE ROLE owner;"
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2);"
        "CREATE POLICY p ON t USING (id = 1); ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
        "GRANT SELECT ON t TO owner; CREATE VIEW v AS SELECT * FROM t;"
        "CREATE VIEW outer_v AS SELECT * FROM v;"
        "CREATE VIEW fine AS SELECT * FROM t; ALTER VIEW v OWNER TO owner; GRANT SELECT ON v TO reader;"
        "GRANT SELECT ON outer_v, fine TO reader"
    )
    names = {"id_columns": "v(id), outer_v(id), fine(id)", "username": "reader", "password": "x"}

    for view in ("v", "outer_v"):
        problem = await problems_of(database, tables=view, **names)
        assert f"public.{view} reads as role owner" in problem
        assert "public.t" in problem
        assert "Exempt owner" in problem
    assert len(await ids_of(database, tables="fine", **names)) == 2


async def test_check_warns_of_a_role_that_may_do_more_than_read_and_reports_what_would_stop_a_sync(
    database: Database,
) -> None:
    await database.execute("CREATE TABLE t (a int)")

    findings = await database.source().check({})

    assert {finding.is_fatal for finding in findings if "superuser" in finding.problem} == {False}
    assert {finding.is_fatal for finding in findings if "public.t" in finding.problem} == {True}
    assert all(finding.remedy for finding in findings)

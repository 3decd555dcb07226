"""The documented role reads the tables of one schema, those created later too, and does nothing else."""

from collections.abc import Iterator

import pytest

from sandbox.postgresql import Cluster
from tests.repo import project

SCRIPT = (project.ROOT / "deploy/postgresql-role.sql").read_text()


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[str]:
    cluster.execute("CREATE DATABASE role_example")
    cluster.execute("CREATE TABLE before (id int)", database="role_example")
    cluster.execute("CREATE SCHEMA other; CREATE TABLE other.t (id int)", database="role_example")
    # `Cluster.execute` logs everyone in with the same password.
    settings = f"\\set password {cluster.password}\n\\set schema public\n"
    cluster.execute(settings + SCRIPT, database="role_example")
    cluster.execute("CREATE TABLE after (id int)", database="role_example")
    yield "role_example"
    cluster.execute("DROP DATABASE role_example")
    cluster.execute("DROP ROLE elastic_ingest")


@pytest.mark.parametrize("table", ["before", "after"])
def test_the_role_reads_tables_of_the_schema(cluster: Cluster, database: str, table: str) -> None:
    assert cluster.execute(f"SELECT count(*) FROM {table}", database=database, user="elastic_ingest") == "0"


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO before VALUES (1)",
        "DELETE FROM before",
        "DROP TABLE before",
        "CREATE TABLE mine (id int)",
        "SELECT * FROM other.t",
        "COPY before TO PROGRAM 'true'",
        "SELECT pg_read_file('postgresql.conf')",
    ],
)
def test_the_role_does_nothing_else(cluster: Cluster, database: str, statement: str) -> None:
    with pytest.raises(RuntimeError, match=r"permission denied|must be owner"):
        cluster.execute(statement, database=database, user="elastic_ingest")

"""The documented role reads the tables of one schema, those created later too, and does nothing else."""

from collections.abc import Iterator

import pytest

from sandbox.postgresql import Cluster
from tests.repo import project

SCRIPT = (project.ROOT / "deploy/postgresql-role.sql").read_text()
ROLE = "elastic_ingest"


def run_script(cluster: Cluster, database: str, **variables: str) -> None:
    """Run the script as its first comment says, with `--set` written as psql's own `\\set`."""
    settings = "".join(f"\\set {name} {value}\n" for name, value in variables.items())
    cluster.execute(settings + SCRIPT, database=database)


def as_role(cluster: Cluster, database: str, statement: str) -> str:
    # `Cluster.execute` logs everyone in with the same password.
    return cluster.execute(statement, database=database, user=ROLE)


def role_exists(cluster: Cluster) -> bool:
    return cluster.execute(f"SELECT count(*) FROM pg_roles WHERE rolname = '{ROLE}'") == "1"


@pytest.fixture(scope="module")
def existing_databases(cluster: Cluster) -> Iterator[tuple[str, str]]:
    names = ("role_example", "role_example_2")
    for name in names:
        cluster.execute(f"CREATE DATABASE {name}")
        cluster.execute(
            "CREATE TABLE before (id int); CREATE SCHEMA other; CREATE TABLE other.t (id int)", database=name
        )
    yield names
    for name in names:
        cluster.execute(f"DROP DATABASE {name}")


@pytest.fixture
def databases(cluster: Cluster, existing_databases: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Two databases that know no such role."""
    yield existing_databases
    if role_exists(cluster):
        for name in existing_databases:
            cluster.execute(f"DROP OWNED BY {ROLE}", database=name)
        cluster.execute(f"DROP ROLE {ROLE}")


@pytest.fixture
def database(cluster: Cluster, databases: tuple[str, str]) -> str:
    run_script(cluster, databases[0], schema="public", password=cluster.password)
    return databases[0]


def test_the_role_reads_tables_of_the_schema_also_later_ones(cluster: Cluster, database: str) -> None:
    cluster.execute("CREATE TABLE after (id int)", database=database)

    for table in ("before", "after"):
        assert as_role(cluster, database, f"SELECT count(*) FROM {table}") == "0"


def test_the_role_does_nothing_else(cluster: Cluster, database: str) -> None:
    for statement in (
        "INSERT INTO before VALUES (1)",
        "DELETE FROM before",
        "DROP TABLE before",
        "CREATE TABLE mine (id int)",
        "SELECT * FROM other.t",
        "COPY before TO PROGRAM 'true'",
        "SELECT pg_read_file('postgresql.conf')",
    ):
        with pytest.raises(RuntimeError, match=r"permission denied|must be owner"):
            as_role(cluster, database, statement)


def test_a_second_schema_is_added_and_the_password_stays(cluster: Cluster, database: str) -> None:
    run_script(cluster, database, schema="other")

    assert as_role(cluster, database, "SELECT count(*) FROM other.t") == "0"
    assert as_role(cluster, database, "SELECT count(*) FROM before") == "0"


def test_a_second_database_is_added_and_only_the_schema_asked_for(
    cluster: Cluster, database: str, databases: tuple[str, str]
) -> None:
    run_script(cluster, databases[1], schema="other", password=cluster.password)

    assert as_role(cluster, databases[1], "SELECT count(*) FROM other.t") == "0"
    with pytest.raises(RuntimeError, match="permission denied"):
        as_role(cluster, databases[1], "SELECT count(*) FROM before")


def test_a_password_that_is_given_again_is_the_new_one(cluster: Cluster, database: str) -> None:
    run_script(cluster, database, schema="public", password="another-one")

    with pytest.raises(RuntimeError, match="password authentication failed"):
        as_role(cluster, database, "SELECT 1")


def test_a_role_without_a_password_cannot_log_in_yet(cluster: Cluster, databases: tuple[str, str]) -> None:
    run_script(cluster, databases[0], schema="public")

    with pytest.raises(RuntimeError, match="password authentication failed"):
        as_role(cluster, databases[0], "SELECT 1")


def test_a_schema_that_does_not_exist_leaves_no_role_behind(
    cluster: Cluster, databases: tuple[str, str]
) -> None:
    with pytest.raises(RuntimeError, match='schema "nowhere" does not exist'):
        run_script(cluster, databases[0], schema="nowhere", password="any")

    assert not role_exists(cluster)

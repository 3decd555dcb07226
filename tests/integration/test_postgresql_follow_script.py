"""The documented script gives the role and the tables what following needs, and harms no table."""

from collections.abc import Iterator

import pytest

from sandbox.postgresql import Cluster
from tests.repo import project

ROLE = (project.ROOT / "deploy/postgresql-role.sql").read_text()
SCRIPT = (project.ROOT / "deploy/postgresql-follow.sql").read_text()
PUBLISHED = "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_publication_tables"


@pytest.fixture
def database(cluster: Cluster) -> Iterator[str]:
    """A database with the role, and with tables of every kind."""
    cluster.execute("CREATE DATABASE follow_example")
    cluster.execute(f"\\set schema public\n{ROLE}", database="follow_example")
    cluster.execute(
        """
        CREATE TABLE keyed (id int PRIMARY KEY); CREATE TABLE "odd, name" (id int PRIMARY KEY);
        CREATE TABLE keyless (id int); CREATE TABLE other (id int NOT NULL UNIQUE);
        CREATE TABLE whole (id int); ALTER TABLE whole REPLICA IDENTITY FULL;
        CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY); CREATE VIEW v AS TABLE keyed;
        CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
        CREATE TABLE part PARTITION OF parts DEFAULT; INSERT INTO keyless VALUES (1);
        """,
        database="follow_example",
    )
    yield "follow_example"
    cluster.execute("DROP OWNED BY elastic_ingest", database="follow_example")
    cluster.execute("DROP DATABASE follow_example")
    cluster.execute("DROP ROLE elastic_ingest")


def test_it_publishes_what_can_be_followed_and_says_what_the_rest_lacks(
    cluster: Cluster, database: str
) -> None:
    said = cluster.execute(f"\\set schema public\n{SCRIPT}", database=database)

    assert cluster.execute(PUBLISHED, database=database) == "keyed odd, name part whole"
    assert "keyless|add a primary key" in said
    assert "other|ALTER TABLE other REPLICA IDENTITY USING INDEX other_id_key;" in said
    assert cluster.execute("SELECT rolreplication FROM pg_roles WHERE rolname = 'elastic_ingest'") == "t"
    cluster.execute("UPDATE keyless SET id = 2; DELETE FROM other", database=database)


def test_run_again_it_adds_what_was_created_since(cluster: Cluster, database: str) -> None:
    cluster.execute(f"\\set schema public\n{SCRIPT}", database=database)
    cluster.execute(
        "CREATE TABLE later (id int PRIMARY KEY);ALTER TABLE other REPLICA IDENTITY USING INDEX other_id_key",
        database=database,
    )

    cluster.execute(f"\\set schema public\n{SCRIPT}", database=database)

    assert cluster.execute(PUBLISHED, database=database) == "keyed later odd, name other part whole"

"""`elastic-ingest check` passes exactly where a job would, and names what a person must put right.

Where a job is run all the same, it says so in one sentence, nothing is deleted, and the service goes on.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ingest.protocol import CONNECTORS_INDEX
from sandbox.calls import Call
from sandbox.process import Process
from sandbox.world import READER, World, world
from tests.acceptance.typed_commands import process
from tests.support import sandbox_world
from tests.support.command_line import Finished, run_command
from tests.support.ports import free_port
from tests.support.postgresql import server


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[World, Process]]:
    with world(postgresql=server) as created, created.service() as service:
        sandbox_world.set_up(created, service)
        sandbox_world.configure(created)
        yield created, service


def check(place: World, *arguments: str, config_file: Path | None = None) -> Finished:
    return run_command("check", *arguments, config_file=config_file or place.config_file)


def problems(place: World, *arguments: str, config_file: Path | None = None) -> list[str]:
    finished = check(place, *arguments, "--json", config_file=config_file)
    answer: dict[str, Any] = json.loads(finished.stdout)
    found = [one["sentence"] for one in answer["checks"] if one["severity"] == "problem"]
    assert finished.returncode == bool(found)
    assert answer["problems"] == len(found)
    return found


EVERY_INDEX = {"names": ["*"], "privileges": ["all"], "allow_restricted_indices": True}


def with_key_of(created: World, folder: Path, role: Mapping[str, Any]) -> Path:
    """Write the configuration of the world anew, with a key that has the privileges of this role."""
    key = created.elasticsearch.send(
        Call("", "POST", "/_security/api_key", {"name": "other", "role_descriptors": {"other": role}})
    )
    text = created.config_file.read_text()
    (line,) = [line for line in text.splitlines() if "api_key:" in line]
    file = folder / "config.yml"
    file.write_text(text.replace(line, f"  api_key: {key['encoded']}"))
    return file


def test_where_a_job_would_work_it_passes_and_shows_what_would_be_read(place: tuple[World, Process]) -> None:
    created, service = place

    finished = process(created, "check", "--samples")

    assert finished.returncode == 0, finished.stdout + finished.stderr
    for words in ("version", "privileges", "public.album", "2 tables", "public_album_title", "No problems"):
        assert words in finished.stdout
    assert created.reader_password not in finished.stdout + finished.stderr
    assert sandbox_world.sync(created, service)["indexed_document_count"] == 622


def test_it_writes_nothing(place: tuple[World, Process]) -> None:
    created, _ = place
    connector = Call("", "GET", "/_connector/my-connector-id")
    before = created.elasticsearch.send(connector)

    assert check(created).returncode == 0

    after = created.elasticsearch.send(connector)
    assert {**after, "last_seen": None} == {**before, "last_seen": None}


ONCE = {"retry_count": 1}
"""What cannot be reached is not tried again, which takes a job six seconds."""


@pytest.fixture(scope="module")
def synced(place: tuple[World, Process]) -> tuple[World, Process]:
    """The world, with all documents in the index and a table that the service may not read."""
    created, service = place
    assert sandbox_world.sync(created, service)["status"] == "completed"
    assert len(sandbox_world.documents(created)) == 622
    created.sql(f"REVOKE SELECT ON invoice FROM {READER}")
    return place


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        pytest.param({"password": "not-the-password"}, ["password"], id="wrong password"),
        pytest.param({"username": "nobody_here"}, ["nobody_here"], id="unknown user"),
        pytest.param({"database": "no_such_database"}, ["no_such_database"], id="unknown database"),
        pytest.param({"schema": "no_such_schema"}, ["no_such_schema"], id="unknown schema"),
        pytest.param({"tables": "album,no_such_table"}, ["no_such_table"], id="missing table"),
        pytest.param({"tables": "album,invoice"}, ["public.invoice", "SELECT"], id="no privilege"),
        pytest.param({**ONCE, "host": "no-such-host.invalid"}, ["no-such-host.invalid"], id="unknown host"),
        pytest.param({**ONCE, "port": free_port()}, ["127.0.0.1"], id="unreachable host"),
    ],
)
def test_a_mistake_is_found_and_told_by_a_job_that_deletes_nothing(
    synced: tuple[World, Process], changed: Mapping[str, Any], named: list[str]
) -> None:
    created, service = synced
    before = sandbox_world.documents(created)
    sandbox_world.configure(created, **changed)
    try:
        (problem,) = problems(created)
        job = sandbox_world.sync(created, service)
    finally:
        sandbox_world.configure(created)

    assert job["status"] == "error"
    for told in (problem, job["error"]):
        assert all(word in told for word in named), told
        assert not [word for word in ("\n", "Traceback", "not-the-password") if word in told]
        assert created.reader_password not in told
    assert job["error"] in problem or problem in job["error"]
    assert job["deleted_document_count"] == 0
    assert sandbox_world.documents(created) == before
    service.check()


def test_the_next_job_works_once_the_cause_is_gone(synced: tuple[World, Process]) -> None:
    created, service = synced
    sandbox_world.configure(created, tables="no_such_table")
    assert sandbox_world.sync(created, service)["status"] == "error"
    sandbox_world.configure(created)

    job = sandbox_world.sync(created, service)

    assert (job["status"], job["error"]) == ("completed", None)
    assert (job["indexed_document_count"], job["deleted_document_count"]) == (0, 0)


def test_a_field_that_a_column_cannot_share_is_found(synced: tuple[World, Process]) -> None:
    created, service = synced
    created.sql("CREATE TABLE album_artist (id uuid PRIMARY KEY)")
    created.sql(f"GRANT SELECT ON album_artist TO {READER}")
    sandbox_world.configure(created, tables="album,artist,album_artist")
    try:
        (problem,) = problems(created)
        job = sandbox_world.sync(created, service)
    finally:
        created.sql("DROP TABLE album_artist")
        sandbox_world.configure(created)

    for words in ("public_album_artist_id is integer", "public.album_artist.id", "Delete the index"):
        assert words in problem
    assert job["status"] == "error"
    assert job["error"] in problem


def test_a_missing_connector_is_found(place: tuple[World, Process], tmp_path: Path) -> None:
    created, _ = place
    file = tmp_path / "config.yml"
    file.write_text(created.config_file.read_text().replace("my-connector-id", "nobody-made-this"))

    (problem,) = problems(created, config_file=file)

    assert "elastic-ingest connector create nobody-made-this" in problem


def test_a_type_that_the_service_would_refuse_to_start_with_is_found(
    place: tuple[World, Process], tmp_path: Path
) -> None:
    created, _ = place
    file = tmp_path / "config.yml"
    file.write_text(created.config_file.read_text().replace("postgresql", "PostgreSQL"))

    found = problems(created, config_file=file)

    assert "connectors[0].service_type: 'PostgreSQL' is unknown (known are: postgresql, sqlite)" in found


def test_an_index_that_no_job_could_use_is_found(synced: tuple[World, Process], tmp_path: Path) -> None:
    created, service = synced
    config_file = with_key_of(created, tmp_path, {"cluster": ["all"], "indices": [EVERY_INDEX]})
    path = f"/{CONNECTORS_INDEX}/_doc"
    own = created.elasticsearch.send(Call("", "GET", f"{path}/my-connector-id"))["_source"]
    found = []
    try:
        for other, index_name in (("second", "music"), ("third", "Music")):
            copy = {**own, "index_name": index_name}
            created.elasticsearch.send(Call("", "PUT", f"{path}/{other}?refresh=true", copy))
            found += problems(created, other, config_file=config_file)
        job = sandbox_world.sync(created, service)
    finally:
        for other in ("second", "third"):
            created.elasticsearch.send(Call("", "DELETE", f"{path}/{other}?refresh=true"))

    shared, unusable = found
    assert "Connector my-connector-id writes documents of the same database to the index music" in shared
    assert "Connector second writes documents of the same database to the index music" in job["error"]
    assert "There is no index Music, and there can be none: its name must be lowercase" in unusable


def test_each_missing_privilege_of_the_key_is_named(place: tuple[World, Process], tmp_path: Path) -> None:
    created, _ = place
    role = {
        "cluster": ["manage_connector"],
        "indices": [
            {"names": ["music"], "privileges": ["read", "view_index_metadata", "create_index"]},
            {"names": [".elastic-connectors*"], "privileges": ["read", "write"]},
        ],
    }

    found = problems(created, config_file=with_key_of(created, tmp_path, role))

    assert any("lacks write on music" in one for one in found)
    assert not any("lacks read " in one for one in found)


def test_an_elasticsearch_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text(
        "elasticsearch: {host: 'http://127.0.0.1:9'}\n"
        "connectors: [{connector_id: c, service_type: postgresql}]\n"
    )

    finished = run_command("check", config_file=tmp_path / "config.yml")

    assert finished.returncode == 1
    assert "127.0.0.1:9" in finished.stdout


def test_the_health_check_of_a_container_asks_elasticsearch_alone(place: tuple[World, Process]) -> None:
    created, _ = place

    finished = process(created, "check", "--quick")

    assert finished.returncode == 0
    assert "connector" not in finished.stdout

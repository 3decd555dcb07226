"""What a person must put right: the job says so in one sentence, nothing is deleted, the service goes on."""

import socket
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sandbox.process import Process
from sandbox.world import READER, World, world
from tests.support import sandbox_world


@pytest.fixture(scope="module")
def synced() -> Iterator[tuple[World, Process]]:
    """A world whose 622 documents are in the index, and the service that brought them there."""
    with world() as created, created.service() as service:
        sandbox_world.set_up(created, service)
        sandbox_world.configure(created)
        assert sandbox_world.sync(created, service)["indexed_document_count"] == 622
        created.sql(f"REVOKE SELECT ON invoice FROM {READER}")
        yield created, service


ONCE = {"retry_count": 1}
"""What cannot be reached is not tried again, which takes a job six seconds."""


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
        pytest.param({**ONCE, "port": closed_port()}, ["127.0.0.1"], id="unreachable host"),
    ],
)
def test_the_job_says_what_to_do_and_nothing_is_deleted(
    synced: tuple[World, Process], changed: Mapping[str, Any], named: list[str]
) -> None:
    world, service = synced
    before = sandbox_world.documents(world)
    sandbox_world.configure(world, **changed)

    job = sandbox_world.sync(world, service)

    assert job["status"] == "error"
    assert "\n" not in job["error"]
    assert "Traceback" not in job["error"]
    assert "not-the-password" not in job["error"]
    assert world.reader_password not in job["error"]
    assert all(word in job["error"] for word in named), job["error"]
    assert job["deleted_document_count"] == 0
    assert sandbox_world.documents(world) == before
    service.check()


def test_the_next_job_works_once_the_cause_is_gone(synced: tuple[World, Process]) -> None:
    world, service = synced
    sandbox_world.configure(world, tables="no_such_table")
    assert sandbox_world.sync(world, service)["status"] == "error"
    sandbox_world.configure(world)

    job = sandbox_world.sync(world, service)

    assert (job["status"], job["error"]) == ("completed", None)
    assert (job["indexed_document_count"], job["deleted_document_count"]) == (0, 0)

"""The journal: every request, its effect and its answer."""

import asyncio

import aiohttp
import orjson
import pytest

from sandbox.elasticsearch import Security, Server, User, serve
from sandbox.elasticsearch.server.journal import Journal

NDJSON = {"Content-Type": "application/x-ndjson"}


async def _send(server: Server, method: str, path: str, body: bytes | None = None, **headers: str) -> None:
    sent = {**(NDJSON if body else {}), **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, server.url + path, data=body, headers=sent) as answer,
    ):
        await answer.read()


async def test_an_entry_holds_request_effect_and_answer(elasticsearch: Server) -> None:
    body = b'{"index":{"_id":"1"}}\n{"a":1}\n{"delete":{"_id":"2"}}\n{"create":{"_id":"1"}}\n{}\n'

    await _send(elasticsearch, "POST", "/m/_bulk?refresh=true", body, X_Opaque_Id="worker-1")

    entry = elasticsearch.journal.entries[-1]
    assert (entry.method, entry.path, entry.query) == ("POST", "/m/_bulk", {"refresh": "true"})
    assert (entry.status, entry.opaque_id) == (200, "worker-1")
    assert entry.lines()[0] == {"index": {"_id": "1"}}
    assert entry.effect.deleted == []
    assert (entry.effect.indexed, entry.effect.failed) == (["1"], ["1"])
    assert entry.answer_json()["errors"] is True
    assert entry.ended_monotonic is not None
    assert entry.ended_monotonic >= entry.began_monotonic


async def test_requests_are_found_by_method_path_and_status(elasticsearch: Server) -> None:
    await _send(elasticsearch, "GET", "/")
    await _send(elasticsearch, "GET", "/nothing/_doc/1")
    await _send(elasticsearch, "PUT", "/nothing")

    journal = elasticsearch.journal
    assert [entry.path for entry in journal.requests(method="GET")] == ["/", "/nothing/_doc/1"]
    assert [entry.method for entry in journal.requests(path="/nothing*")] == ["GET", "PUT"]
    assert [entry.path for entry in journal.requests(status=404)] == ["/nothing/_doc/1"]


async def test_credentials_are_not_kept_but_the_caller_is() -> None:
    async with serve(security=Security([User("ada", "secret")])) as server:
        async with (
            aiohttp.ClientSession() as session,
            session.get(server.url.replace("//", "//ada:secret@")) as answer,
        ):
            await answer.read()

        entry = server.journal.entries[-1]
        assert entry.principal == "ada"
        assert "authorization" not in {name.lower() for name in entry.headers}


async def test_long_bodies_are_cut_but_counted() -> None:
    async with serve(journal=Journal(kept_bytes=10)) as server:
        await _send(server, "PUT", "/m/_doc/1", orjson.dumps({"a": "x" * 100}))

        entry = server.journal.entries[-1]
        assert (len(entry.body), entry.body_bytes) == (10, 108)
        assert (len(entry.answer), entry.answer_bytes > 10) == (10, True)


async def test_the_oldest_entries_fall_out() -> None:
    async with serve(journal=Journal(entries=2)) as server:
        for _ in range(3):
            await _send(server, "GET", "/")

        assert [entry.number for entry in server.journal] == [1, 2]


async def test_entries_fall_out_when_they_hold_too_much() -> None:
    async with serve(journal=Journal(total_bytes=100_000)) as server:
        for number in range(5):
            await _send(server, "PUT", f"/m/_doc/{number}", orjson.dumps({"a": "x" * 40_000}))

        assert [entry.number for entry in server.journal] == [3, 4]


async def test_one_can_wait_for_a_request_to_come(elasticsearch: Server) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(elasticsearch.journal.wait_for(lambda entry: entry.path == "/_license"))
        await _send(elasticsearch, "GET", "/")
        await _send(elasticsearch, "GET", "/_license")

    assert waiting.result().status == 200


async def test_waiting_finds_what_has_already_come(elasticsearch: Server) -> None:
    await _send(elasticsearch, "GET", "/_license")

    assert (await elasticsearch.journal.wait_for(lambda entry: entry.path == "/_license")).number == 0


async def test_waiting_ends(elasticsearch: Server) -> None:
    with pytest.raises(TimeoutError):
        await elasticsearch.journal.wait_for(lambda entry: False, timeout_seconds=0.01)

"""The routes below `/_sandbox`: off by default; faults, journal and clock from outside."""

from typing import Any

import aiohttp
import pytest

from sandbox.elasticsearch import Server, serve


async def _call(server: Server, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, server.url + path, json=body) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def test_they_are_off_by_default(elasticsearch: Server) -> None:
    status, body = await _call(elasticsearch, "GET", "/_sandbox/journal")

    assert status == 400
    assert "no handler found" in body["error"]


async def test_a_fault_is_added_listed_and_removed() -> None:
    async with serve(admin=True) as server:
        _, fault = await _call(server, "POST", "/_sandbox/faults", {"reply": 503, "path": "/_count"})
        struck, _ = await _call(server, "GET", "/_count")
        _, listed = await _call(server, "GET", "/_sandbox/faults")
        await _call(server, "DELETE", f"/_sandbox/faults/{fault['id']}")
        free, _ = await _call(server, "GET", "/_count")

        assert (struck, free) == (503, 200)
        assert listed[0]["strikes"] == 1


@pytest.mark.parametrize(
    "body", [{}, {"reply": 500, "drop": True}, {"reply": {"body": "x"}}, {"reply": 500, "pathh": "/"}]
)
async def test_a_fault_that_makes_no_sense_is_refused(body: Any) -> None:
    async with serve(admin=True) as server:
        assert (await _call(server, "POST", "/_sandbox/faults", body))[0] == 400


async def test_the_journal_is_read_and_cleared() -> None:
    async with serve(admin=True) as server:
        await _call(server, "GET", "/")
        _, entries = await _call(server, "GET", "/_sandbox/journal?path=/")
        await _call(server, "DELETE", "/_sandbox/journal")

        assert [(entry["method"], entry["path"], entry["status"]) for entry in entries] == [("GET", "/", 200)]
        assert (await _call(server, "GET", "/_sandbox/journal"))[1] == []


async def test_the_clock_is_moved() -> None:
    async with serve(admin=True) as server:
        before = server.state.clock.now()

        await _call(server, "PUT", "/_sandbox/clock", {"offset_seconds": 7200})

        assert (server.state.clock.now() - before).total_seconds() == pytest.approx(7200, abs=60)

"""The routes below `/_sandbox`: other processes script faults, read the journal and move the clock.

They are off unless the server was asked for them, need no authentication, are never struck by faults and
never journaled.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.server.faults import (
    Action,
    Delay,
    Drop,
    FailItems,
    Faults,
    Hold,
    Reply,
    Reset,
    Truncate,
)
from sandbox.elasticsearch.server.journal import Journal

PREFIX = "/_sandbox"
MEMBERS = frozenset({"method", "path", "nth", "times", "applied"})


def routes(faults: Faults, journal: Journal) -> list[Route]:
    """The admin routes of one server."""
    return [
        *_fault_routes(faults),
        *_journal_routes(journal),
        Route("PUT", f"{PREFIX}/clock", move_clock, body=Body.REQUIRED),
    ]


def move_clock(request: Request) -> Answer:
    """Set the offset of the server's clock."""
    offset = request.json_object().get("offset_seconds")
    if isinstance(offset, bool) or not isinstance(offset, int | float):
        raise errors.illegal_argument("Required [offset_seconds]")
    request.state.clock.offset = timedelta(seconds=offset)
    return Answer({"now": request.state.clock.timestamp()})


def _fault_routes(faults: Faults) -> list[Route]:
    def add(request: Request) -> Answer:
        body = request.json_object()
        unknown = [name for name in body if name not in MEMBERS and name not in ACTIONS]
        if unknown:
            raise errors.illegal_argument(f"unknown member [{unknown[0]}] of a fault")
        fault = faults.add(_action(body), **{name: body[name] for name in MEMBERS if name in body})
        return Answer(fault.to_wire(), 201)

    def list_all(request: Request) -> Answer:
        return Answer([fault.to_wire() for fault in faults])

    def clear(request: Request) -> Answer:
        faults.clear()
        return Answer({"acknowledged": True})

    def remove(request: Request) -> Answer:
        faults.remove(_named(request))
        return Answer({"acknowledged": True})

    def release(request: Request) -> Answer:
        _named(request).release()
        return Answer({"acknowledged": True})

    def _named(request: Request) -> Any:
        fault = faults.find(request.parameter("id"))
        if fault is None:
            raise errors.not_found(f"fault [{request.parameter('id')}] not found")
        return fault

    return [
        Route("POST", f"{PREFIX}/faults", add, body=Body.REQUIRED),
        Route("GET", f"{PREFIX}/faults", list_all),
        Route("DELETE", f"{PREFIX}/faults", clear),
        Route("DELETE", f"{PREFIX}/faults/{{id}}", remove),
        Route("POST", f"{PREFIX}/faults/{{id}}/_release", release),
    ]


def _journal_routes(journal: Journal) -> list[Route]:
    def read(request: Request) -> Answer:
        since = request.integer("since", 0)
        found = journal.requests(method=request.query.get("method"), path=request.query.get("path"))
        entries = [entry.to_wire() for entry in found if entry.number >= since]
        return Answer(entries[: request.integer("size", len(entries))])

    def clear(request: Request) -> Answer:
        journal.clear()
        return Answer({"acknowledged": True})

    return [
        Route("GET", f"{PREFIX}/journal", read, frozenset({"method", "path", "since", "size"})),
        Route("DELETE", f"{PREFIX}/journal", clear),
    ]


def _reply(options: Any) -> Action:
    if isinstance(options, int):
        return Reply(options)
    return Reply(int(options["status"]), options.get("body"), options.get("headers") or {})


def _fail_items(options: Mapping[str, Any]) -> Action:
    positions = options.get("positions")
    known = {name: options[name] for name in ("type", "reason") if name in options}
    return FailItems(int(options["status"]), None if positions is None else tuple(positions), **known)


ACTIONS: Mapping[str, Callable[[Any], Action]] = {
    "delay_seconds": lambda options: Delay(float(options)),
    "drop": lambda options: Drop(),
    "fail_items": _fail_items,
    "hold": lambda options: Hold(),
    "reply": _reply,
    "reset": lambda options: Reset(),
    "truncate_bytes": lambda options: Truncate(int(options)),
}


def _action(body: Mapping[str, Any]) -> Action:
    named = [name for name in body if name in ACTIONS]
    if len(named) != 1:
        raise errors.illegal_argument(f"a fault has exactly one of [{', '.join(sorted(ACTIONS))}]")
    try:
        return ACTIONS[named[0]](body[named[0]])
    except (TypeError, ValueError, KeyError, AttributeError):
        raise errors.illegal_argument(f"failed to parse [{named[0]}]") from None

"""Scripted faults: what goes wrong with which request.

    fault = server.faults.add(Reply(429), method="POST", path="*/_bulk", nth=2)
    fault = server.faults.add(Drop(), path="*/_claim", applied=True)     # carried out, but not answered
    fault = server.faults.add(Hold(), path="*/_bulk"); await fault.struck(); fault.release()

Which requests a fault meets depends on counts alone, never on time, so every failure can be repeated.
"""

import asyncio
import fnmatch
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.elasticsearch.http import Answer
from sandbox.elasticsearch.server.journal import Entry

STRIKE_TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Broken:
    """An answer that never arrives whole: so many bytes of its body, then the connection ends."""

    answer: Answer | None = None
    sent_bytes: int = 0
    is_reset: bool = False


Outcome = Answer | Broken | None
"""What a fault makes of an answer; None leaves everything as it is."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer this instead. Headers given as None are left out of the answer, also the product header."""

    status: int
    body: Any = None
    headers: Mapping[str, str | None] = field(default_factory=dict)

    async def act(self, fault: "Fault", answer: Answer | None) -> Outcome:
        """The scripted answer."""
        body = self.body if self.body is not None else standard_body(self.status)
        return Answer(body.encode() if isinstance(body, str) else body, self.status, self.headers)


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection."""

    async def act(self, fault: "Fault", answer: Answer | None) -> Outcome:
        """Nothing sent, connection reset."""
        return Broken(is_reset=True)


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection without an answer."""

    async def act(self, fault: "Fault", answer: Answer | None) -> Outcome:
        """Nothing sent, connection closed."""
        return Broken()


@dataclass(frozen=True, slots=True)
class Truncate:
    """Send only the first bytes of the answer's body under the full content length, then close."""

    sent_bytes: int

    async def act(self, fault: "Fault", answer: Answer | None) -> Outcome:
        """The head of the answer."""
        return Broken(answer or Answer({}), self.sent_bytes)


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait before going on."""

    seconds: float

    async def act(self, fault: "Fault", answer: Answer | None) -> Outcome:
        """Everything as it was, later."""
        await asyncio.sleep(self.seconds)
        return None


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait until the fault is released."""

    async def act(self, fault: "Fault", answer: Answer | None) -> Outcome:
        """Everything as it was, once released."""
        await fault.released()
        return None


@dataclass(frozen=True, slots=True)
class Edit:
    """Change the answer's body, given and returned as a JSON value."""

    change: Callable[[Any], Any]

    async def act(self, fault: "Fault", answer: Answer | None) -> Outcome:
        """The changed answer."""
        answer = answer or Answer({})
        body = self.change(orjson.loads(answer.rendered() or b"null"))
        return Answer(body, answer.status, answer.headers)


@dataclass(frozen=True, slots=True)
class FailItems:
    """Turn items of a bulk answer into failures: those at these positions, or all without positions."""

    status: int
    positions: tuple[int, ...] | None = None
    type: str = "es_rejected_execution_exception"
    reason: str = "rejected execution of coordinating operation"

    async def act(self, fault: "Fault", answer: Answer | None) -> Outcome:
        """The answer with failed items."""
        return await Edit(self._failed).act(fault, answer)

    def _failed(self, body: Any) -> Any:
        if not isinstance(body, dict) or "items" not in body:
            return body
        for number, item in enumerate(body["items"]):
            if self.positions is None or number in self.positions:
                for action, members in item.items():
                    error = {"type": self.type, "reason": self.reason}
                    kept = {name: members[name] for name in ("_index", "_id") if name in members}
                    item[action] = {**kept, "status": self.status, "error": error}
        if "errors" in body:
            body["errors"] = True
        return body


Action = Reply | Reset | Drop | Truncate | Delay | Hold | Edit | FailItems
ANSWERED_FIRST = (Truncate, Edit, FailItems)


@dataclass(slots=True, kw_only=True)
class Fault:
    """One scripted fault and what it has done so far."""

    number: int
    action: Action
    method: str | None
    path: str
    when: Callable[[Entry], bool] | None
    nth: int | None
    times: int | None
    applied: bool
    matches: int = 0
    strikes: int = 0
    _struck: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, entry: Entry) -> bool:
        """Whether the fault strikes this request; counts it if it is of the kind the fault is for."""
        if self.method not in (None, entry.method) or not fnmatch.fnmatchcase(entry.path, self.path):
            return False
        if self.when is not None and not self.when(entry):
            return False
        self.matches += 1
        if self.nth is not None:
            return self.matches == self.nth
        return self.times is None or self.strikes < self.times

    async def act(self, answer: Answer | None) -> Outcome:
        """Do to the answer (None: before there is one) what the fault does."""
        self._struck.set()
        return await self.action.act(self, answer)

    def release(self) -> None:
        """Release the requests that are held, and hold no more."""
        self._released.set()

    async def released(self) -> None:
        """Wait until `release`."""
        await self._released.wait()

    async def struck(self, *, timeout_seconds: float = STRIKE_TIMEOUT_SECONDS) -> None:
        """Wait until the fault has struck for the first time."""
        await asyncio.wait_for(self._struck.wait(), timeout_seconds)

    def to_wire(self) -> dict[str, Any]:
        """The fault as the admin route shows it."""
        return {
            "id": str(self.number),
            "action": type(self.action).__name__,
            "method": self.method,
            "path": self.path,
            "nth": self.nth,
            "times": self.times,
            "applied": self.applied,
            "matches": self.matches,
            "strikes": self.strikes,
        }


class Faults:
    """The faults of a server, asked in the order they were added."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._added = 0

    def __iter__(self) -> Any:
        return iter(tuple(self._faults))

    def add(
        self,
        action: Action,
        *,
        method: str | None = None,
        path: str = "*",
        when: Callable[[Entry], bool] | None = None,
        nth: int | None = None,
        times: int | None = None,
        applied: bool = False,
    ) -> Fault:
        """Script a fault for the requests of this method and path pattern (`*` stands for anything).

        `nth` strikes only the nth of them, counted from one; `times` at most so many; neither, every one.
        `when` narrows it down by the request itself. With `applied` the request is carried out first and
        the fault strikes its answer; faults that change an answer always do.
        """
        self._added += 1
        fault = Fault(
            number=self._added,
            action=action,
            method=method,
            path=path,
            when=when,
            nth=nth,
            times=times,
            applied=applied or isinstance(action, ANSWERED_FIRST),
        )
        self._faults.append(fault)
        return fault

    def meeting(self, entry: Entry) -> Fault | None:
        """The fault that strikes this request, if one does."""
        due = [fault for fault in self._faults if fault.meets(entry)]
        if not due:
            return None
        due[0].strikes += 1
        entry.fault = f"{type(due[0].action).__name__} #{due[0].number}"
        return due[0]

    def find(self, number: str) -> Fault | None:
        """The fault of this number."""
        return next((fault for fault in self._faults if str(fault.number) == number), None)

    def remove(self, fault: Fault) -> None:
        """Forget a fault and release what it holds."""
        fault.release()
        if fault in self._faults:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Forget all faults and release what they hold."""
        for fault in tuple(self._faults):
            self.remove(fault)


def standard_body(status: int) -> dict[str, Any] | bytes:
    """What the server would say with this status, where a test does not care."""
    types = {
        400: ("illegal_argument_exception", "scripted"),
        401: ("security_exception", "unable to authenticate with provided credentials"),
        403: ("security_exception", "action is unauthorized"),
        404: ("resource_not_found_exception", "scripted"),
        409: ("version_conflict_engine_exception", "scripted"),
        429: ("es_rejected_execution_exception", "rejected execution of coordinating operation"),
        500: ("exception", "scripted"),
        503: ("cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/2/no master];"),
    }
    if status not in types:
        return b"" if status == 413 or status < 400 else {"error": "scripted", "status": status}
    kind, reason = types[status]
    cause = {"type": kind, "reason": reason}
    return {"error": {"root_cause": [cause], **cause}, "status": status}

"""What goes wrong by itself: with a request for one connector, or with a reading of the tables."""

from collections.abc import Callable

from sandbox.elasticsearch.server.faults import Action, FailItems, Reply, Reset, Truncate
from sandbox.elasticsearch.server.journal import Entry
from tests.faults.machine.house import House

FIRST_DOCUMENT = 1
"""Its place in a bulk request: before it stands a guard, which is not refused for what a document holds."""

FAULTS: dict[str, tuple[Callable[[], Action], bool, str]] = {
    "reset": (Reset, False, "*"),
    "reset, applied": (Reset, True, "*"),
    "unavailable": (lambda: Reply(503), False, "*"),
    "turned away": (lambda: Reply(429), False, "*"),
    "not JSON": (lambda: Reply(200, "<html>"), True, "*"),
    "half an answer": (lambda: Truncate(10), True, "*"),
    "too large": (lambda: Reply(413), False, "*/_bulk"),
    "one item refused": (
        lambda: FailItems(400, (FIRST_DOCUMENT,), type="document_parsing_exception"), True, "*/_bulk"
    ),
}  # fmt: skip
LEAST_DOCUMENTS = {"too large": 2, "one item refused": 1}
TURN_AWAY = "documents turned away"
LOSE_READERS = "readers lost"
NAMES = (*sorted(FAULTS), TURN_AWAY, TURN_AWAY, LOSE_READERS, LOSE_READERS)


async def break_something(house: House, connector: str, name: str, nth: int) -> None:
    """Let the nth request from now on for a connector's jobs fail, or the tables be lost now."""
    if name == LOSE_READERS:
        house.disturb()
        await house.tables.lose_readers()
        return
    house.disturb(connector)
    if name == TURN_AWAY:
        house.to_turn_away[connector] = nth
        return
    make, applied, path = FAULTS[name]
    if "refused" in name:
        # The document is there or not, whatever its row says, until a job writes it again.
        house.meddling[connector] += 1

    def is_of_its_jobs(entry: Entry) -> bool:
        job = (entry.opaque_id or "").rpartition("/")[2]
        is_one = house.connector_of.get(job) == connector
        documents = entry.body.count(b'{"index":')
        # Refused as a whole, one document by itself would be a document that cannot be had.
        return is_one and documents >= LEAST_DOCUMENTS.get(name, 0)

    house.server.faults.add(make(), path=path, when=is_of_its_jobs, nth=nth, applied=applied)

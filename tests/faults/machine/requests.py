"""What must hold of every bulk request by itself: its form, its ids and its size.

That no document is lost or sent twice when a request is divided shows in the index and in the counts.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from sandbox.elasticsearch.server.journal import Entry
from tests.faults.machine.house import CHUNK_SIZE

GUARD = "update"


def require_sound_requests(entries: Sequence[Entry]) -> None:
    """Fail if a bulk request is not what it should be."""
    for entry in entries:
        if entry.path.endswith("/_bulk"):
            actions = list(actions_of(entry.body))
            ids = [id_ for id_, _ in actions]
            assert len(ids) == len(set(ids)), f"{ids}"
            assert sum(document is not None for _, document in actions) <= CHUNK_SIZE, f"{ids}"


def actions_of(body: bytes) -> Iterator[tuple[str, Any]]:
    """Read a body by the rules of JSON: each action's id, and its document if it has one."""
    assert body.endswith(b"\n"), "no line feed at the end"
    lines = iter(body.split(b"\n")[:-1])
    for line in lines:
        ((operation, target),) = strict(line).items()
        document = None if operation == "delete" else strict(next(lines))
        assert document is None or isinstance(document, dict), "no object"
        if operation != GUARD:
            assert 0 < len(target["_id"].encode()) <= 512, "length of the id"
            yield target["_id"], document


def strict(line: bytes) -> Any:
    """Parse JSON, and none of what only JavaScript or Python would take."""
    return json.loads(line.decode(), parse_constant=_refuse, object_pairs_hook=_without_repetition)


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is no JSON")


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"{names}"
    return dict(pairs)

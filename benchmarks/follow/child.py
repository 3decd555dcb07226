"""A process that follows: its task comes on standard input, and it goes on until that is closed.

It prints how it follows whenever that changes, as a line of JSON each, and at the end what it did.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmarks import engine
from benchmarks.tasks import Task
from ingest.sync.kinds.follow.loop import follow
from ingest.sync.progress.following import Following

LOOK_SECONDS = 2.0
"""Seldom: with ten looks a second an idle process took 0.53 % of a core, with these 0.20 %."""


async def stay(task: Task) -> None:
    """Follow the table until told to end."""
    following = Following(store=_nowhere)
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), following.ask_to_end, "It was long enough.")
    async with engine.prepared(task) as (request, context), asyncio.TaskGroup() as group:
        telling = group.create_task(_tell(following))
        cursor = await follow(request, replace(context, following=following))
        telling.cancel()
    _say({"counts": context.stats.counts(), "is_proven": cursor is not None})


async def _nowhere(cursor: Mapping[str, Any]) -> None:
    """Keep no cursor: there is no next job."""


async def _tell(following: Following) -> None:
    told = None
    while True:
        if following.way is not told:
            told = following.way
            _say({"way": None if told is None else told.value, "reason": following.reason})
        await asyncio.sleep(LOOK_SECONDS)


def _say(what: Mapping[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    asyncio.run(stay(Task.from_wire(json.loads(sys.stdin.readline()))))

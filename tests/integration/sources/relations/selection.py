"""Read what a configuration selects, or get the problems for which it is refused."""

from typing import Any

import pytest

from sources.errors import SourceConfigurationError
from tests.support.database import Database, read_all


async def ids_of(database: Database, **configuration: Any) -> list[str]:
    """The ids of all documents, without the name of the test's database."""
    reading = await read_all(database.source(**configuration))
    return sorted(name.removeprefix(database.name + "_") for name in reading.documents)


async def problems_of(database: Database, **configuration: Any) -> str:
    with pytest.raises(SourceConfigurationError) as raised:
        await database.source(**configuration).slices(None, 0)
    return str(raised.value)

"""The connector whose jobs these tests are about."""

import pytest

from tests.contract.elasticsearch.connectors.world import World


@pytest.fixture
async def connector_id(world: World) -> str:
    """A connector that may sync."""
    return await world.connector(index_name=world.unique("search-test"), language="de")

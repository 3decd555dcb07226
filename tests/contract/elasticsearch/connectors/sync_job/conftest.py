"""The connector whose jobs these tests are about."""

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi


@pytest.fixture
async def connector_id(api: ConnectorApi) -> str:
    """A connector that may sync."""
    return await api.connector(index_name=api.unique("search-test"), language="de")

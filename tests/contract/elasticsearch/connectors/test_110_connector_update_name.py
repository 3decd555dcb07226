"""Setting name and description."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_update_connector_name(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_name", {"name": "test-name"})

    assert (await api.read(connector_id))["name"] == "test-name"


async def test_update_connector_description(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_name", {"description": "test-description"})

    stored = await api.read(connector_id)
    assert (stored["name"], stored["description"]) == ("my-connector", "test-description")


async def test_update_connector_name_and_description(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_name", {"name": "test-name", "description": "test-description"})

    stored = await api.read(connector_id)
    assert (stored["name"], stored["description"]) == ("test-name", "test-description")


async def test_update_connector_name_and_description_are_both_missing(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    for body in ({}, {"name": None, "description": None}):
        reply = await api.update(connector_id, "_name", body)

        assert (reply.status, reply.reason) == (
            400,
            (
                "Validation Failed: 1: [name] and [description] cannot both be [null]. Please provide a "
                "value for at least one of them.;"
            ),
        )


async def test_update_connector_scheduling_404_when_connector_doesnt_exist(api: ConnectorApi) -> None:
    await api.connector()

    reply = await api.update(api.unique("nobody"), "_name", {"name": "test-name"})

    assert (reply.status, reply.error_type) == (404, "document_missing_exception")


async def test_update_connector_scheduling_400_status_code_when_connector_id_is_empty(
    api: ConnectorApi,
) -> None:
    reply = await api.update("", "_name", {"name": "test-name"})

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")


async def test_update_connector_scheduling_400_status_code_when_payload_is_not_string(
    api: ConnectorApi,
) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_name", {"name": {"field_1": "test", "field_2": "something"}})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")

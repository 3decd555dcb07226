"""The ids of the API key and of the secret that holds it."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi


async def test_update_connector_api_key_id(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_api_key_id", {"api_key_id": "test-api-key-id"})

    assert (await api.read(connector_id))["api_key_id"] == "test-api-key-id"


async def test_update_connector_api_key_secret_id(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_api_key_id", {"api_key_secret_id": "test-secret-id"})

    assert (await api.read(connector_id))["api_key_secret_id"] == "test-secret-id"


async def test_update_connector_api_key_id_and_api_key_secret_id(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    sent = {"api_key_id": "test-api-key-id", "api_key_secret_id": "test-secret-id"}

    await api.updated(connector_id, "_api_key_id", sent)

    stored = await api.read(connector_id)
    assert {name: stored[name] for name in sent} == sent


async def test_update_connector_api_key_id_404_when_connector_doesnt_exist(api: ConnectorApi) -> None:
    await api.connector()

    reply = await api.update(api.unique("nobody"), "_api_key_id", {"api_key_id": "test-api-key-id"})

    assert (reply.status, reply.error_type) == (404, "document_missing_exception")


async def test_update_connector_api_key_id_400_status_code_when_connector_id_is_empty(
    api: ConnectorApi,
) -> None:
    reply = await api.update("", "_api_key_id", {"api_key_id": "test-api-key-id"})

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")


async def test_update_connector_api_key_id_400_status_code_when_payload_is_not_string(
    api: ConnectorApi,
) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_api_key_id", {"api_key_id": {"field_1": "test"}})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")


async def test_update_connector_api_key_id_400_status_code_when_both_values_are_null(
    api: ConnectorApi,
) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_api_key_id", {"api_key_id": None, "api_key_secret_id": None})

    assert (reply.status, reply.reason) == (
        400,
        (
            "Validation Failed: 1: [api_key_id] and [api_key_secret_id] cannot both be [null]. Please "
            "provide a value for at least one of them.;"
        ),
    )

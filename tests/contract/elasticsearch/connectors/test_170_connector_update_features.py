"""Feature flags."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi

FEATURES = {
    "document_level_security": {"enabled": True},
    "incremental_sync": {"enabled": False},
    "native_connector_api_keys": {"enabled": True},
    "sync_rules": {"basic": {"enabled": True}, "advanced": {"enabled": False}},
}


async def test_update_connector_features(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_features", {"features": FEATURES})

    assert (await api.read(connector_id))["features"] == FEATURES


async def test_update_connector_features_partial_update(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_features", {"features": {"document_level_security": {"enabled": True}}})
    await api.updated(
        connector_id, "_features", {"features": {"native_connector_api_keys": {"enabled": True}}}
    )

    assert (await api.read(connector_id))["features"] == {
        "document_level_security": {"enabled": True},
        "native_connector_api_keys": {"enabled": True},
    }


async def test_update_connector_features_skips_flags_it_does_not_know(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    sent = {"time_travel": {"enabled": True}, "incremental_sync": {"enabled": True}}

    await api.updated(connector_id, "_features", {"features": sent})

    assert (await api.read(connector_id))["features"] == {"incremental_sync": {"enabled": True}}


async def test_update_connector_features_404_when_connector_doesnt_exist(api: ConnectorApi) -> None:
    await api.connector()

    reply = await api.update(api.unique("nobody"), "_features", {"features": FEATURES})

    assert (reply.status, reply.error_type) == (404, "document_missing_exception")


async def test_update_connector_features_400_status_code_when_connector_id_is_empty(
    api: ConnectorApi,
) -> None:
    reply = await api.update("", "_features", {"features": FEATURES})

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")


async def test_update_connector_features_400_status_code_when_payload_unknown(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_features", {"featuresss": FEATURES})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    assert reply.reason == (
        "[1:2] [connector_update_features_request] unknown field [featuresss] did you mean [features]?"
    )

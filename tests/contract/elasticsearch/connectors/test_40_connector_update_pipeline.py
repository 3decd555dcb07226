"""Setting the ingest pipeline."""

from tests.contract.elasticsearch.connectors.api import ConnectorApi

PIPELINE = {
    "extract_binary_content": True,
    "name": "test-pipeline",
    "reduce_whitespace": True,
    "run_ml_inference": False,
}


async def test_update_connector_pipeline_connector_doesnt_exist(api: ConnectorApi) -> None:
    await api.connector()

    reply = await api.update(api.unique("nobody"), "_pipeline", {"pipeline": PIPELINE})

    assert (reply.status, reply.error_type) == (404, "document_missing_exception")


async def test_update_connector_pipeline(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_pipeline", {"pipeline": PIPELINE})

    assert (await api.read(connector_id))["pipeline"] == PIPELINE


async def test_update_connector_pipeline_takes_booleans_as_text_and_skips_what_it_does_not_know(
    api: ConnectorApi,
) -> None:
    connector_id = await api.connector()
    sent = {**PIPELINE, "run_ml_inference": "false", "colour": "blue"}

    await api.updated(connector_id, "_pipeline", {"pipeline": sent})

    assert (await api.read(connector_id))["pipeline"] == PIPELINE


async def test_update_connector_pipeline_required_fields_are_missing(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    incomplete = {name: value for name, value in PIPELINE.items() if name != "reduce_whitespace"}

    reply = await api.update(connector_id, "_pipeline", {"pipeline": incomplete})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    assert reply.cause == {"type": "illegal_argument_exception", "reason": "Required [reduce_whitespace]"}
    assert "pipeline" not in await api.read(connector_id)

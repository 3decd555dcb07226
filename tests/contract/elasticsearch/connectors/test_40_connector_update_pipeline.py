"""Setting the ingest pipeline."""

from tests.contract.elasticsearch.connectors.world import World

PIPELINE = {
    "extract_binary_content": True,
    "name": "test-pipeline",
    "reduce_whitespace": True,
    "run_ml_inference": False,
}


async def test_update_connector_pipeline_connector_doesnt_exist(world: World) -> None:
    await world.connector()

    reply = await world.update(world.unique("nobody"), "_pipeline", {"pipeline": PIPELINE})

    assert (reply.status, reply.error_type) == (404, "document_missing_exception")


async def test_update_connector_pipeline(world: World) -> None:
    connector_id = await world.connector()

    await world.updated(connector_id, "_pipeline", {"pipeline": PIPELINE})

    assert (await world.read(connector_id))["pipeline"] == PIPELINE


async def test_update_connector_pipeline_takes_booleans_as_text_and_skips_what_it_does_not_know(
    world: World,
) -> None:
    connector_id = await world.connector()
    sent = {**PIPELINE, "run_ml_inference": "false", "colour": "blue"}

    await world.updated(connector_id, "_pipeline", {"pipeline": sent})

    assert (await world.read(connector_id))["pipeline"] == PIPELINE


async def test_update_connector_pipeline_required_fields_are_missing(world: World) -> None:
    connector_id = await world.connector()
    incomplete = {name: value for name, value in PIPELINE.items() if name != "reduce_whitespace"}

    reply = await world.update(connector_id, "_pipeline", {"pipeline": incomplete})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    assert reply.cause == {"type": "illegal_argument_exception", "reason": "Required [reduce_whitespace]"}
    assert "pipeline" not in await world.read(connector_id)

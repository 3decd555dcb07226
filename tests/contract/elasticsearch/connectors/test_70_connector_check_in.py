"""Checking in."""

from tests.contract.elasticsearch.connectors.world import World


async def test_connector_check_in(world: World) -> None:
    connector_id = await world.connector()

    await world.updated(connector_id, "_check_in")
    first = (await world.read(connector_id))["last_seen"]
    await world.updated(connector_id, "_check_in")
    second = (await world.read(connector_id))["last_seen"]

    assert first < second


async def test_connector_check_in_error_connector_doesnt_exist(world: World) -> None:
    await world.connector()
    connector_id = world.unique("nobody")

    reply = await world.update(connector_id, "_check_in")

    assert (reply.status, reply.error_type) == (404, "document_missing_exception")
    assert reply.reason == f"[{connector_id}]: document missing"


async def test_connector_check_in_error_connector_id_is_empty(world: World) -> None:
    reply = await world.update("", "_check_in")

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")
    assert reply.reason == 'Validation Failed: 1: [connector_id] cannot be [null] or [""].;'


async def test_connector_check_in_takes_no_body(world: World) -> None:
    connector_id = await world.connector()

    reply = await world.update(connector_id, "_check_in", {"last_seen": "2023-05-25T12:30:00.000Z"})

    assert (reply.status, reply.error_type) == (400, "illegal_argument_exception")
    assert (
        reply.reason == f"request [PUT /_connector/{connector_id}/_check_in] does not support having a body"
    )

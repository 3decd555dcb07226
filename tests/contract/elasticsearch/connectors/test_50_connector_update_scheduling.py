"""Setting the schedules."""

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi

MIDNIGHT = {"enabled": False, "interval": "0 0 0 * * ?"}


async def test_update_connector_scheduling(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    sent = {
        "access_control": {"enabled": True, "interval": "10 0 0 * * ?"},
        "full": {"enabled": True, "interval": "20 0 0 * * ?"},
        "incremental": {"enabled": False, "interval": "30 0 0 * * ?"},
    }

    await api.updated(connector_id, "_scheduling", {"scheduling": sent})

    assert (await api.read(connector_id))["scheduling"] == sent


async def test_update_connector_scheduling_update_single_schedule_only(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    incremental = {"enabled": True, "interval": "10 10 10 * * ?"}

    await api.updated(connector_id, "_scheduling", {"scheduling": {"incremental": incremental}})

    assert (await api.read(connector_id))["scheduling"] == {
        "access_control": MIDNIGHT,
        "full": MIDNIGHT,
        "incremental": incremental,
    }


async def test_update_connector_scheduling_access_control_alone_is_not_enough(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_scheduling", {"scheduling": {"access_control": MIDNIGHT}})

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")


async def test_update_connector_scheduling_connector_doesnt_exist(api: ConnectorApi) -> None:
    await api.connector()

    reply = await api.update(api.unique("nobody"), "_scheduling", {"scheduling": {"full": MIDNIGHT}})

    assert (reply.status, reply.error_type) == (404, "document_missing_exception")


async def test_update_connector_scheduling_schedules_are_missing(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_scheduling", {"scheduling": {}})

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")
    assert "needs to define at least one schedule type: [full | incremental | access_control]" in reply.reason


async def test_update_connector_scheduling_required_fields_are_missing(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_scheduling", {"scheduling": {"full": {"enabled": True}}})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")


async def test_update_connector_scheduling_wrong_cron_expression(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    wrong = {"enabled": False, "interval": "61 0 0 * * ?"}

    reply = await api.update(connector_id, "_scheduling", {"scheduling": {"full": wrong}})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    assert reply.reason.endswith("[connector_update_scheduling_request] failed to parse field [scheduling]")
    assert (await api.read(connector_id))["scheduling"]["full"] == MIDNIGHT


@pytest.mark.parametrize("interval", ["0 0 0 * *", "0 0 0 * * *", "0 0 0 ? * ?", "a b c d e f", ""])
async def test_update_connector_scheduling_refuses_what_is_no_schedule(
    api: ConnectorApi, interval: str
) -> None:
    connector_id = await api.connector()
    schedule = {"enabled": False, "interval": interval}

    reply = await api.update(connector_id, "_scheduling", {"scheduling": {"full": schedule}})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")


@pytest.mark.parametrize(
    "interval", ["0 0/15 8-18 ? * MON-FRI", "0 0 0 L * ? 2030", "0 0 0 ? JAN 6#3", "0 0 0 15W * ?"]
)
async def test_update_connector_scheduling_takes_quartz_expressions(api: ConnectorApi, interval: str) -> None:
    connector_id = await api.connector()
    schedule = {"enabled": True, "interval": interval}

    await api.updated(connector_id, "_scheduling", {"scheduling": {"full": schedule}})

    assert (await api.read(connector_id))["scheduling"]["full"] == schedule

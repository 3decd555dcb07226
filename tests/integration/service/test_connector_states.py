"""Every transition of a connector's status, each driven by the real service through the embedded server.

from                 to                   why                              test
created              needs_configuration  schema registered                test_created_becomes_needs_...
needs_configuration  configured           user gave values                 test_a_configured_connector_is_...
configured           connected            source could be used             test_a_configured_connector_is_...
configured           error                source could not be used         test_a_source_that_cannot_be_...
connected            configured           user gave other values           test_new_values_are_checked
connected            error                source cannot be used with them  test_new_values_are_checked
connected            error                a job failed                     test_the_error_of_a_job_stays_...
error                connected            the cause is gone                test_a_source_that_recovers_...
error                connected            a job starts                     test_the_error_of_a_job_stays_...
"""

import asyncio

import structlog

from sources.errors import SourceConfigurationError, SourceUnavailableError
from tests.support.service_harness import CONNECTOR, ServiceHarness, config_for, until
from tests.support.shelf_source import WRONG_PASSWORD


async def test_created_becomes_needs_configuration(harness: ServiceHarness) -> None:
    await harness.create_connector()
    async with harness.serving():
        connector = await harness.until_connector("needs_configuration")

    assert set(connector["configuration"]) == {"host", "password", "port"}
    assert connector["configuration"]["port"] == {
        "default_value": None,
        "depends_on": [],
        "display": "numeric",
        "label": "Port",
        "options": [],
        "order": 3,
        "required": True,
        "sensitive": False,
        "tooltip": None,
        "type": "int",
        "ui_restrictions": [],
        "validations": [],
        "value": 5432,
    }
    assert connector["features"] == {
        "sync_rules": {"basic": {"enabled": True}, "advanced": {"enabled": True}},
        "document_level_security": {"enabled": False},
        "incremental_sync": {"enabled": False},
        "native_connector_api_keys": {"enabled": False},
    }
    assert connector["last_seen"]


async def test_a_configured_connector_is_connected(harness: ServiceHarness) -> None:
    await harness.create_connector()
    async with harness.serving():
        await harness.until_connector("needs_configuration")
        assert harness.shelf.pings == 0
        await harness.configure()
        connector = await harness.until_connector("connected")

    assert connector["error"] is None
    assert connector["configuration"]["host"]["value"] == "shelf"
    assert connector["configuration"]["port"]["value"] == 5432


async def test_a_source_that_cannot_be_used_is_an_error_with_its_reason(harness: ServiceHarness) -> None:
    await harness.create_connector()
    harness.shelf.ping_error = SourceUnavailableError(
        "Nothing listens at shelf:5432; start it or check Port."
    )
    async with harness.serving():
        await harness.until_connector("needs_configuration")
        await harness.configure()
        connector = await harness.until_connector("error")

    assert connector["error"] == "Nothing listens at shelf:5432; start it or check Port."


async def test_a_missing_value_is_an_error_with_its_reason(harness: ServiceHarness) -> None:
    await harness.create_connector()
    async with harness.serving():
        await harness.until_connector("needs_configuration")
        await harness.configure(host="")
        connector = await harness.until_connector("error")

    assert connector["error"] == "Host is empty."


async def test_a_source_that_recovers_is_connected_without_a_restart(harness: ServiceHarness) -> None:
    await harness.create_connector()
    harness.shelf.ping_error = SourceUnavailableError("Nothing listens at shelf:5432.")
    async with harness.serving():
        await harness.until_connector("needs_configuration")
        await harness.configure()
        await harness.until_connector("error")
        harness.shelf.ping_error = None
        connector = await harness.until_connector("connected")

    assert connector["error"] is None


async def test_an_error_is_shown_until_its_cause_is_gone_and_written_once(harness: ServiceHarness) -> None:
    await harness.create_connector()
    harness.shelf.ping_error = SourceUnavailableError("Nothing listens at shelf:5432.")
    async with harness.serving():
        await harness.until_connector("needs_configuration")
        await harness.configure()
        await harness.until_connector("error")
        written = await harness.ok("GET", f"/.elastic-connectors-v1/_doc/{CONNECTOR}")
        pings = harness.shelf.pings
        await until(lambda: _value(harness.shelf.pings), lambda seen: seen >= pings + 2)
        later = await harness.ok("GET", f"/.elastic-connectors-v1/_doc/{CONNECTOR}")

    assert later["_source"]["status"] == "error"
    assert later["_seq_no"] == written["_seq_no"]


async def test_new_values_are_checked(harness: ServiceHarness) -> None:
    async with harness.ready():
        await harness.configure(password=WRONG_PASSWORD)
        refused = await harness.until_connector("error")
        await harness.configure(password="right")
        await harness.until_connector("connected")

    assert "check Password" in refused["error"]
    assert WRONG_PASSWORD not in refused["error"]


async def test_a_connected_connector_is_not_written_nor_its_source_asked_again(
    harness: ServiceHarness,
) -> None:
    async with harness.ready():
        before = await harness.ok("GET", f"/.elastic-connectors-v1/_doc/{CONNECTOR}")
        pings = harness.shelf.pings
        listings = _listings(harness)
        await until(lambda: _value(_listings(harness)), lambda seen: seen >= listings + 2)
        after = await harness.ok("GET", f"/.elastic-connectors-v1/_doc/{CONNECTOR}")

    assert after == before
    assert harness.shelf.pings == pings


async def test_the_error_of_a_job_stays_until_the_next_job_starts(harness: ServiceHarness) -> None:
    harness.shelf.read_error = SourceConfigurationError("The table is gone.")
    async with harness.ready():
        await harness.until_job(await harness.create_job(), "error")
        await harness.until_connector("error")
        listings = _listings(harness)
        await until(lambda: _value(_listings(harness)), lambda seen: seen >= listings + 2)
        still = await harness.connector()
        harness.shelf.read_error = None
        await harness.until_job(await harness.create_job(), "completed")
        cured = await until(harness.connector, lambda one: one["last_sync_status"] == "completed")

    assert (still["status"], still["error"]) == ("error", "The table is gone.")
    assert (cured["status"], cured["error"], cured["last_sync_error"]) == ("connected", None, None)


async def test_a_job_waits_until_its_connector_is_configured(harness: ServiceHarness) -> None:
    await harness.create_connector()
    async with harness.serving():
        await harness.until_connector("needs_configuration")
        job_id = await harness.create_job()
        listings = _listings(harness)
        await until(lambda: _value(_listings(harness)), lambda seen: seen >= listings + 2)
        assert (await harness.job(job_id))["status"] == "pending"
        await harness.configure()
        job = await harness.until_job(job_id, "completed", "error")

    assert job["status"] == "error"
    assert "created before the connector was configured" in job["error"]


async def test_a_job_from_before_the_configuration_says_so_and_leaves_its_connector_alone(
    harness: ServiceHarness,
) -> None:
    await harness.create_connector()
    before_registration = await harness.create_job()
    async with harness.serving():
        await harness.until_connector("needs_configuration")
        before_configuration = await harness.create_job()
        await harness.configure()
        early = [
            await harness.until_job(job_id, "completed", "error")
            for job_id in (before_registration, before_configuration)
        ]
        connector = await harness.until_connector("connected")
        job = await harness.until_job(await harness.create_job(), "completed", "error")

    for one in early:
        assert one["status"] == "error"
        assert "created before the connector was configured" in one["error"]
    assert (connector["error"], connector.get("last_sync_status")) == (None, None)
    assert job["status"] == "completed"


async def test_a_configuration_that_is_wrong_is_not_called_early(harness: ServiceHarness) -> None:
    await harness.create_connector()
    async with harness.serving():
        await harness.until_connector("needs_configuration")
        await harness.ok("PUT", f"/_connector/{CONNECTOR}/_configuration", {"values": {"host": ""}})
        await harness.until_connector("error")
        job = await harness.until_job(await harness.create_job(), "completed", "error")

    assert (job["status"], job["error"]) == ("error", "Host is empty.")


async def test_an_unknown_service_type_is_an_error_that_names_the_known_ones(harness: ServiceHarness) -> None:
    await harness.ok("PUT", f"/_connector/{CONNECTOR}", {"index_name": "music", "service_type": "gramophone"})
    async with harness.serving():
        connector = await harness.until_connector("error")

    assert "'gramophone'" in connector["error"]
    assert "'postgresql'" in connector["error"]


async def test_a_source_that_hangs_holds_up_no_other_connector(harness: ServiceHarness) -> None:
    harness.shelf.ping_gate = asyncio.Event()
    await harness.create_connector("hanging", "some-index")
    await harness.create_connector("new", "other-index")
    async with harness.serving(config_for(harness.server, "hanging", "new")):
        await harness.until_connector("needs_configuration", "hanging")
        await harness.configure("hanging")
        await until(lambda: _value(harness.shelf.pings), lambda seen: seen == 1)
        await harness.ok("DELETE", "/_connector/new")
        await harness.create_connector("new", "third-index")
        await harness.until_connector("needs_configuration", "new")
        harness.shelf.ping_gate.set()
        await harness.until_connector("connected", "hanging")


def _listings(harness: ServiceHarness) -> int:
    """How often the service has listed its connectors so far."""
    return len(harness.server.journal.requests(path="/.elastic-connectors-v1/_search"))


async def _value(number: int) -> int:
    return number


async def test_a_connector_that_does_not_exist_is_said_once_with_the_remedy(harness: ServiceHarness) -> None:
    with structlog.testing.capture_logs() as lines:
        async with harness.serving():
            mark = len(harness.server.journal.requests(path="/.elastic-connectors*"))
            await until(lambda: _connector_requests(harness), lambda seen: seen >= mark + 4)
            await harness.create_connector()
            await harness.until_connector("needs_configuration")

    (said,) = (line for line in lines if line["event"] == "connector.missing")
    assert f"connector create {CONNECTOR} --index-name" in said["remedy"]


async def _connector_requests(harness: ServiceHarness) -> int:
    return len(harness.server.journal.requests(path="/.elastic-connectors*"))

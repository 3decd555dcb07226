"""The configuration: its schema and its values."""

from typing import Any

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi


def declared(**changes: Any) -> dict[str, Any]:
    return {
        "default_value": None,
        "depends_on": [{"field": "some_field", "value": 31}],
        "display": "numeric",
        "label": "Very important field",
        "options": [],
        "order": 4,
        "required": True,
        "sensitive": False,
        "tooltip": "Wow, this tooltip is useful.",
        "type": "str",
        "ui_restrictions": [],
        "validations": [{"constraint": 0, "type": "greater_than"}],
        "value": 123,
        **changes,
    }


@pytest.fixture
async def connector_id(api: ConnectorApi) -> str:
    connector_id = await api.connector()
    configuration = {"some_field": declared(), "yet_another_field": declared(value="peace & love")}
    await api.updated(connector_id, "_configuration", {"configuration": configuration})
    return connector_id


async def configuration_of(api: ConnectorApi, connector_id: str) -> Any:
    return (await api.read(connector_id))["configuration"]


async def test_update_connector_configuration(api: ConnectorApi, connector_id: str) -> None:
    stored = await api.read(connector_id)
    assert stored["configuration"]["some_field"] == declared()
    assert stored["configuration"]["yet_another_field"]["value"] == "peace & love"
    assert stored["status"] == "configured"
    validations = [
        {"constraint": [1, 2, 3], "type": "included_in"},
        {"constraint": ["string_1", "string_2", "string_3"], "type": "included_in"},
        {"constraint": 0, "type": "greater_than"},
        {"constraint": 42, "type": "less_than"},
        {"constraint": "int", "type": "list_type"},
        {"constraint": "\\d+", "type": "regex"},
    ]
    replacement = {"some_new_field": declared(validations=validations, value=456)}

    await api.updated(connector_id, "_configuration", {"configuration": replacement})

    assert await configuration_of(api, connector_id) == replacement


async def test_update_connector_configuration_is_normalised(api: ConnectorApi, connector_id: str) -> None:
    sent = {
        "field": {
            "label": "Field",
            "display": "TextBox",
            "order": "3",
            "required": "true",
            "colour": "blue",
            "type": None,
            "placeholder": None,
            "options": {"label": "One", "value": 1, "colour": "blue"},
            "ui_restrictions": "advanced",
        }
    }

    await api.updated(connector_id, "_configuration", {"configuration": sent})

    assert await configuration_of(api, connector_id) == {
        "field": {
            "default_value": None,
            "display": "textbox",
            "label": "Field",
            "options": [{"label": "One", "value": 1}],
            "order": 3,
            "required": True,
            "sensitive": False,
            "ui_restrictions": ["advanced"],
            "value": None,
        }
    }


async def test_update_connector_configuration_with_null_tooltip(api: ConnectorApi, connector_id: str) -> None:
    await api.updated(
        connector_id, "_configuration", {"configuration": {"some_field": declared(tooltip=None)}}
    )

    assert "tooltip" not in (await configuration_of(api, connector_id))["some_field"]


async def test_update_connector_configuration_connector_doesnt_exist(api: ConnectorApi) -> None:
    nobody = api.unique("nobody")

    reply = await api.update(nobody, "_configuration", {"configuration": {"some_field": declared()}})

    assert (reply.status, reply.reason) == (404, f"connector [{nobody}] not found")


async def test_update_connector_configuration_required_fields_are_missing(
    api: ConnectorApi, connector_id: str
) -> None:
    without_label = {name: value for name, value in declared().items() if name != "label"}

    reply = await api.update(connector_id, "_configuration", {"configuration": {"some_field": without_label}})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    assert reply.reason.endswith(
        "[connector_update_configuration_request] failed to parse field [configuration]"
    )
    assert reply.cause == {"type": "illegal_argument_exception", "reason": "Required [label]"}


async def test_update_connector_configuration_unknown_field_type(
    api: ConnectorApi, connector_id: str
) -> None:
    wrong = {"some_field": declared(display="some_display_type")}

    reply = await api.update(connector_id, "_configuration", {"configuration": wrong})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    assert reply.cause["reason"].endswith("[connector_configuration] failed to parse field [display]")
    assert reply.cause["caused_by"]["reason"] == "Unknown ConfigurationDisplayType [some_display_type]."


async def test_update_connector_configuration_unknown_constraint(
    api: ConnectorApi, connector_id: str
) -> None:
    wrong = {"some_field": declared(validations=[{"constraint": 0, "type": "unknown_constraint"}])}

    reply = await api.update(connector_id, "_configuration", {"configuration": wrong})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    inner = reply.cause["caused_by"]
    assert inner["reason"].endswith("[connector_configuration_validation] failed to parse field [type]")
    assert inner["caused_by"]["reason"] == "Unknown ConfigurationValidationType [unknown_constraint]."


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("value", [1, 2]),
        ("default_value", {"a": 1}),
        ("display", None),
        ("label", None),
        ("label", 7),
        ("order", 2**31),
        ("required", "yes"),
        ("type", "STR"),
        ("depends_on", [{"field": "a"}]),
        ("options", [{"label": "a", "value": True}]),
        ("validations", [{"type": "regex"}]),
        ("validations", [{"type": "regex", "constraint": True}]),
        ("validations", [{"type": "included_in", "constraint": [True]}]),
        ("ui_restrictions", 7),
    ],
)
async def test_update_connector_configuration_wrong_member(
    api: ConnectorApi, connector_id: str, member: str, value: Any
) -> None:
    before = await configuration_of(api, connector_id)

    reply = await api.update(
        connector_id, "_configuration", {"configuration": {"some_field": declared(**{member: value})}}
    )

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")
    assert await configuration_of(api, connector_id) == before


async def test_update_connector_configuration_crawler_configuration(
    api: ConnectorApi, connector_id: str
) -> None:
    value = {"allow": ["a", "b"], "deep": {"er": [1]}}

    await api.updated(
        connector_id,
        "_configuration",
        {"configuration": {"nextSyncConfig": {"label": "nextSyncConfig", "value": value}}},
    )

    assert (await configuration_of(api, connector_id))["nextSyncConfig"]["value"] == value


async def test_update_connector_configuration_clear_configuration(
    api: ConnectorApi, connector_id: str
) -> None:
    await api.updated(connector_id, "_configuration", {"configuration": {}})

    assert await configuration_of(api, connector_id) == {}


async def test_update_connector_configuration_values_only(api: ConnectorApi, connector_id: str) -> None:
    await api.updated(connector_id, "_configuration", {"values": {"some_field": 42, "yet_another_field": 42}})

    assert await configuration_of(api, connector_id) == {
        "some_field": declared(value=42),
        "yet_another_field": declared(value=42),
    }


async def test_update_connector_configuration_partial_values_update(
    api: ConnectorApi, connector_id: str
) -> None:
    await api.updated(connector_id, "_configuration", {"values": {"some_field": "new value"}})

    stored = await configuration_of(api, connector_id)
    assert (stored["some_field"]["value"], stored["yet_another_field"]["value"]) == (
        "new value",
        "peace & love",
    )


async def test_update_connector_configuration_object_values_are_merged(
    api: ConnectorApi, connector_id: str
) -> None:
    await api.updated(connector_id, "_configuration", {"values": {"some_field": {"a": 1}}})
    await api.updated(connector_id, "_configuration", {"values": {"some_field": {"b": 2}}})

    assert (await configuration_of(api, connector_id))["some_field"]["value"] == {"a": 1, "b": 2}


async def test_update_connector_configuration_configures_from_any_status(
    api: ConnectorApi, connector_id: str
) -> None:
    await api.updated(connector_id, "_error", {"error": "oh no"})

    await api.updated(connector_id, "_configuration", {"values": {"some_field": 1}})

    assert (await api.read(connector_id))["status"] == "configured"


async def test_update_connector_configuration_update_unknown_field_value(
    api: ConnectorApi, connector_id: str
) -> None:
    reply = await api.update(connector_id, "_configuration", {"values": {"unknown_field": 42}})

    assert (reply.status, reply.error_type) == (400, "status_exception")
    assert reply.reason == (
        "Unknown [configuration] fields in the request payload: [unknown_field]. Remove them from request or "
        "register their schema first."
    )


async def test_update_connector_configuration_configuration_and_values_are_both_non_null(
    api: ConnectorApi, connector_id: str
) -> None:
    body = {"configuration": {"some_field": declared()}, "values": {"some_field": 42}}

    reply = await api.update(connector_id, "_configuration", body)

    assert (reply.status, reply.reason) == (
        400,
        "Validation Failed: 1: [configuration] and [values] cannot both be provided in the same request.;",
    )


async def test_update_connector_configuration_configuration_and_values_are_null(
    api: ConnectorApi, connector_id: str
) -> None:
    reply = await api.update(connector_id, "_configuration", {})

    assert (reply.status, reply.reason) == (
        400,
        "Validation Failed: 1: [configuration] and [values] cannot both be null.;",
    )


async def test_update_connector_configuration_configuration_null(
    api: ConnectorApi, connector_id: str
) -> None:
    reply = await api.update(connector_id, "_configuration", {"configuration": None})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")

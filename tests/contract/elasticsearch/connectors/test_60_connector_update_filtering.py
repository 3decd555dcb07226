"""Sync rules: full override, draft edit, validation and activation."""

from typing import Any

import pytest

from tests.contract.elasticsearch.connectors.api import ConnectorApi

DATE = "2023-05-25T12:30:00.000Z"
LATER = "2023-06-25T12:30:00.000Z"


def rule(rule_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "created_at": DATE,
        "updated_at": DATE,
        "field": "_",
        "id": rule_id,
        "order": 0,
        "policy": "include",
        "rule": "regex",
        "value": ".*",
        **changes,
    }


def rules(rule_id: str, snippet: Any) -> dict[str, Any]:
    return {
        "advanced_snippet": {"created_at": DATE, "updated_at": DATE, "value": snippet},
        "rules": [rule(rule_id)],
        "validation": {"errors": [], "state": "valid"},
    }


def entry(number: int, domain: str = "DEFAULT", snippet: Any = None) -> dict[str, Any]:
    value = [{"tables": ["some_table"], "query": "SELECT 1"}] if snippet is None else snippet
    return {
        "active": rules(f"RULE-ACTIVE-{number}", value),
        "domain": domain,
        "draft": rules(f"RULE-DRAFT-{number}", value),
    }


async def draft_of(api: ConnectorApi, connector_id: str) -> Any:
    [only] = (await api.read(connector_id))["filtering"]
    return only["draft"]


async def test_update_connector_filtering(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_filtering", {"filtering": [entry(0), entry(1, "TEST")]})

    # Servers since 8.14 store DEFAULT as the domain of every entry.
    assert (await api.read(connector_id))["filtering"] == [entry(0), entry(1)]


async def test_update_connector_filtering_with_object(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    with_object = entry(0, snippet={"test": "value"})

    await api.updated(connector_id, "_filtering", {"filtering": with_object})

    assert (await api.read(connector_id))["filtering"] == [with_object]


async def test_update_connector_filtering_with_string_literal_snippet(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_filtering", {"filtering": [entry(0, snippet="string literal")]})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")


async def test_update_connector_filtering_connector_doesnt_exist(api: ConnectorApi) -> None:
    await api.connector()
    nobody = api.unique("nobody")

    override = await api.update(nobody, "_filtering", {"filtering": [entry(0)]})
    edit = await api.update(nobody, "_filtering", {"rules": []})

    assert (override.status, override.error_type) == (404, "document_missing_exception")
    assert (edit.status, edit.reason) == (404, f"connector [{nobody}] not found")


async def test_update_connector_filtering_required_fields_are_missing(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_filtering", {"filtering": [{"domain": "some_domain"}]})

    assert reply.status == reply.body["status"] == 400
    assert reply.cause == {"type": "illegal_argument_exception", "reason": "Required [active, draft]"}


async def test_update_connector_filtering_wrong_datetime_expression(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    wrong = entry(0)
    wrong["active"]["advanced_snippet"]["created_at"] = "this-is-not-a-datetime"

    reply = await api.update(connector_id, "_filtering", {"filtering": [wrong]})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("policy", "maybe"),
        ("rule", "REGEX"),
        ("rule", "like"),
        ("order", "first"),
        ("value", 7),
        ("created_at", 7),
    ],
)
async def test_update_connector_filtering_wrong_rule_member(
    api: ConnectorApi, member: str, value: Any
) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_filtering", {"rules": [rule("r", **{member: value})]})

    assert (reply.status, reply.error_type) == (400, "x_content_parse_exception")


async def test_update_connector_draft_filtering_rules(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    before = (await api.read(connector_id))["filtering"][0]
    sent = [
        rule("RULE-2", field="price", rule=">", value="10", order=2),
        rule("RULE-1", field="name", rule="equals", value="a", order=1, policy="EXCLUDE"),
    ]

    await api.updated(connector_id, "_filtering", {"rules": sent})

    draft = await draft_of(api, connector_id)
    assert [(each["id"], each["order"], each["policy"]) for each in draft["rules"]] == [
        ("RULE-1", 1, "exclude"),
        ("RULE-2", 2, "include"),
        ("DEFAULT", 3, "include"),
    ]
    assert draft["validation"] == {"errors": [], "state": "edited"}
    assert draft["advanced_snippet"] == before["draft"]["advanced_snippet"]
    assert (await api.read(connector_id))["filtering"][0]["active"] == before["active"]


async def test_update_connector_draft_filtering_default_rule_moves_last_and_keeps_its_date(
    api: ConnectorApi,
) -> None:
    connector_id = await api.connector()
    sent = [rule("DEFAULT", order=0, updated_at=LATER), rule("RULE-1", field="name", value="a", order=5)]

    await api.updated(connector_id, "_filtering", {"rules": sent})

    first, last = (await draft_of(api, connector_id))["rules"]
    assert first["id"] == "RULE-1"
    assert (last["id"], last["order"], last["created_at"], last["updated_at"]) == ("DEFAULT", 6, DATE, DATE)


async def test_update_connector_draft_filtering_rule_that_only_looks_like_the_default_one(
    api: ConnectorApi,
) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_filtering", {"rules": [rule("DEFAULT", value="a.*", order=4)]})

    ordinary, default = (await draft_of(api, connector_id))["rules"]
    assert (ordinary["value"], ordinary["order"]) == ("a.*", 4)
    assert (default["value"], default["order"]) == (".*", 5)


async def test_update_connector_draft_filtering_no_rules_leave_the_default_one(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    await api.updated(connector_id, "_filtering", {"rules": []})

    [default] = (await draft_of(api, connector_id))["rules"]
    assert (default["id"], default["order"]) == ("DEFAULT", 0)
    assert default["created_at"] == default["updated_at"]


async def test_update_connector_draft_filtering_advanced_snippet(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    before = await draft_of(api, connector_id)

    await api.updated(connector_id, "_filtering", {"advanced_snippet": {"value": [{"tables": ["t"]}]}})

    draft = await draft_of(api, connector_id)
    assert draft["advanced_snippet"]["value"] == [{"tables": ["t"]}]
    assert draft["advanced_snippet"]["created_at"] == draft["advanced_snippet"]["updated_at"]
    assert draft["rules"] == before["rules"]
    assert draft["validation"]["state"] == "edited"


async def test_update_connector_draft_filtering_drops_all_entries_but_the_first(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    await api.updated(connector_id, "_filtering", {"filtering": [entry(0), entry(1)]})

    await api.updated(connector_id, "_filtering", {"rules": []})

    [only] = (await api.read(connector_id))["filtering"]
    assert only["active"] == entry(0)["active"]


async def test_update_connector_filtering_nothing_given(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_filtering", {})

    assert (reply.status, reply.reason) == (
        400,
        "Validation Failed: 1: [advanced_snippet] and [rules] cannot be both [null].;",
    )


async def test_update_connector_filtering_both_forms_given(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    reply = await api.update(connector_id, "_filtering", {"filtering": [entry(0)], "rules": []})

    assert (reply.status, reply.reason) == (
        400,
        (
            "Validation Failed: 1: If [filtering] is specified, [rules] and [advanced_snippet] should not be "
            "present in the request body.;"
        ),
    )


async def test_update_connector_filtering_validation(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    await api.updated(
        connector_id, "_filtering", {"rules": [rule("RULE-1", field="name", value="(", order=1)]}
    )
    verdict = {"errors": [{"ids": ["RULE-1"], "messages": ["is no regular expression"]}], "state": "invalid"}

    await api.updated(connector_id, "_filtering/_validation", {"validation": verdict})

    assert (await draft_of(api, connector_id))["validation"] == verdict


async def test_update_connector_filtering_validation_refuses_what_it_does_not_know(api: ConnectorApi) -> None:
    connector_id = await api.connector()

    unknown = await api.update(
        connector_id, "_filtering/_validation", {"validation": {"errors": [], "state": "perfect"}}
    )
    incomplete = await api.update(connector_id, "_filtering/_validation", {"validation": {"state": "valid"}})

    assert (unknown.status, unknown.error_type) == (400, "x_content_parse_exception")
    assert (incomplete.status, incomplete.cause["reason"]) == (400, "Required [errors]")


async def test_update_connector_filtering_validation_connector_doesnt_exist(api: ConnectorApi) -> None:
    nobody = api.unique("nobody")
    body = {"validation": {"errors": [], "state": "valid"}}

    reply = await api.update(nobody, "_filtering/_validation", body)

    assert (reply.status, reply.reason) == (404, f"connector [{nobody}] not found")


async def test_update_connector_filtering_activation(api: ConnectorApi) -> None:
    connector_id = await api.connector()
    await api.updated(
        connector_id, "_filtering", {"rules": [rule("RULE-1", field="name", value="a", order=1)]}
    )
    valid = {"validation": {"errors": [], "state": "valid"}}
    await api.updated(connector_id, "_filtering/_validation", valid)

    await api.updated(connector_id, "_filtering/_activate")

    [only] = (await api.read(connector_id))["filtering"]
    assert only["active"] == only["draft"]
    assert [each["id"] for each in only["active"]["rules"]] == ["RULE-1", "DEFAULT"]


@pytest.mark.parametrize("state", ["edited", "invalid"])
async def test_update_connector_filtering_activation_refuses_a_draft_that_is_not_valid(
    api: ConnectorApi, state: str
) -> None:
    connector_id = await api.connector()
    await api.updated(connector_id, "_filtering/_validation", {"validation": {"errors": [], "state": state}})

    reply = await api.update(connector_id, "_filtering/_activate")

    assert (reply.status, reply.error_type) == (400, "status_exception")
    assert reply.reason == (
        "Filtering draft needs to be validated by the connector service before activation. Current filtering "
        f"draft validation state [{state}] is not equal to [valid]."
    )


async def test_update_connector_filtering_activation_connector_doesnt_exist(api: ConnectorApi) -> None:
    nobody = api.unique("nobody")

    reply = await api.update(nobody, "_filtering/_activate")

    assert (reply.status, reply.reason) == (404, f"connector [{nobody}] not found")

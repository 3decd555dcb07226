"""Draft rules: validated, explained, activated."""

from collections.abc import Sequence
from typing import Any

import pytest

from ingest.protocol import CONNECTORS_INDEX
from sandbox.elasticsearch.server.faults import Hold
from sources.contract import Finding, RuleProblem
from tests.support.service_harness import CONNECTOR, ServiceHarness, until
from tests.support.shelf_source import SERVICE_TYPE, ShelfSource, source_over

KEEP_ONE = {
    "id": "keep-one", "field": "title", "rule": "equals", "value": "two", "policy": "exclude", "order": 0,
}  # fmt: skip


async def draft(harness: ServiceHarness, **members: Any) -> None:
    await harness.ok("PUT", f"/_connector/{CONNECTOR}/_filtering", members)


async def filtering(harness: ServiceHarness) -> dict[str, Any]:
    return dict((await harness.connector())["filtering"][0])


async def test_a_valid_draft_is_activated_and_the_next_sync_follows_it(harness: ServiceHarness) -> None:
    async with harness.ready():
        await draft(harness, rules=[KEEP_ONE])
        active = await until(lambda: filtering(harness), lambda one: len(one["active"]["rules"]) == 2)
        await harness.until_job(await harness.create_job(), "completed", "error")

    assert active["active"]["validation"] == {"state": "valid", "errors": []}
    assert await harness.titles() == {"one"}


async def test_an_invalid_draft_says_why_by_rule_and_the_active_rules_stay(harness: ServiceHarness) -> None:
    async with harness.ready():
        broken = {**KEEP_ONE, "id": "broken", "rule": "regex", "value": "("}
        await draft(harness, rules=[broken])
        seen = await until(
            lambda: filtering(harness), lambda one: one["draft"]["validation"]["state"] != "edited"
        )

    assert seen["draft"]["validation"]["state"] == "invalid"
    (error,) = seen["draft"]["validation"]["errors"]
    assert error["ids"] == ["broken"]
    assert error["messages"]
    assert [rule["id"] for rule in seen["active"]["rules"]] == ["DEFAULT"]


async def test_an_advanced_snippet_is_judged_by_the_source(harness: ServiceHarness) -> None:
    harness.shelf.rule_problems = [RuleProblem(ids=("advanced_snippet",), messages=("There is no table x.",))]
    async with harness.ready():
        await draft(harness, advanced_snippet={"value": [{"tables": ["x"], "query": "SELECT 1"}]})
        seen = await until(
            lambda: filtering(harness), lambda one: one["draft"]["validation"]["state"] != "edited"
        )

    assert seen["draft"]["validation"] == {
        "state": "invalid",
        "errors": [{"ids": ["advanced_snippet"], "messages": ["There is no table x."]}],
    }


class PickySource(ShelfSource):
    """Can be read by advanced rules only."""

    async def check(self, advanced_rules: Any) -> Sequence[Finding]:
        return [] if advanced_rules else [Finding(problem="No key.", remedy="Give advanced rules.")]


async def test_what_only_a_sync_without_advanced_rules_would_read_stops_none_with_them(
    harness: ServiceHarness,
) -> None:
    await harness.create_connector()
    async with harness.serving(sources={SERVICE_TYPE: source_over(harness.shelf, base=PickySource)}):
        await harness.until_connector("needs_configuration")
        await harness.configure()
        unusable = await harness.until_connector("error")
        await draft(harness, advanced_snippet={"value": [{"tables": ["shelf"], "query": "SELECT 1"}]})
        await harness.until_connector("connected")
        job = await harness.until_job(await harness.create_job(), "completed", "error")

    assert unusable["error"] == "No key. Give advanced rules."
    assert job["status"] == "completed"


async def test_an_edit_during_the_validation_is_validated_too_and_never_activated_unseen(
    harness: ServiceHarness,
) -> None:
    """The verdict over the first draft arrives after the second was written."""
    async with harness.ready():
        held = harness.server.faults.add(Hold(), path="*/_filtering/_validation", times=1)
        await draft(harness, rules=[KEEP_ONE])
        await held.struck()
        await draft(harness, rules=[{**KEEP_ONE, "id": "broken", "rule": "regex", "value": "("}])
        held.release()
        seen = await until(
            lambda: filtering(harness), lambda one: one["draft"]["validation"]["state"] == "invalid"
        )

    assert [rule["id"] for rule in seen["active"]["rules"]] == ["DEFAULT"]
    assert seen["draft"]["validation"]["errors"][0]["ids"] == ["broken"]


@pytest.mark.parametrize("rule", ["sounds_like", "regex"])
async def test_a_job_with_rules_that_cannot_be_used_is_an_error_before_anything_is_read(
    harness: ServiceHarness, rule: str
) -> None:
    async with harness.ready():
        broken = {**KEEP_ONE, "rule": rule, "value": "("}
        active = {"rules": [broken], "advanced_snippet": {"value": {}}}
        snapshot = {**active, "validation": {"state": "valid", "errors": []}}
        await harness.write(
            CONNECTORS_INDEX, CONNECTOR, {"filtering": [{"active": snapshot, "draft": snapshot}]}
        )
        job = await harness.until_job(await harness.create_job(), "completed", "error")

    assert job["status"] == "error"
    assert harness.shelf.reads == 0

"""Basic rules in a full sync: which rows lose their documents and get them back."""

from dataclasses import replace

from ingest.sync.rules import BasicRules
from tests.support.sync_harness import SyncHarness


def excluding(field: str, value: str) -> BasicRules:
    rule = {"id": "1", "policy": "exclude", "field": field, "rule": "equals", "value": value, "order": 1}
    return BasicRules.from_wire([rule])


async def test_rows_the_rules_exclude_are_counted_and_lose_their_documents(shop: SyncHarness) -> None:
    shop.put("shop_album_3", "shop_album_4", title="secret")
    await shop.sync()
    shop.rules = excluding("title", "secret")

    stats = await shop.sync()
    again = await shop.sync()

    assert (await shop.content()).keys() == shop.expected().keys() - {"shop_album_3", "shop_album_4"}
    assert (stats.filtered, stats.unchanged, stats.indexed) == (2, 5, 0)
    assert (stats.deleted, stats.excluded) == (2, 2)
    assert (again.filtered, again.unchanged, again.indexed, again.deleted) == (2, 5, 0, 0)


async def test_rows_the_rules_want_again_get_their_documents_back(shop: SyncHarness) -> None:
    shop.put("shop_album_3", title="secret")
    shop.rules = excluding("title", "secret")
    await shop.sync()
    shop.rules = BasicRules()

    stats = await shop.sync()

    assert await shop.content() == shop.expected()
    assert (stats.created, stats.updated, stats.unchanged) == (1, 0, 6)


async def test_rewriting_follows_the_rules_too(shop: SyncHarness) -> None:
    await shop.sync()
    shop.put("shop_album_3", title="secret")
    shop.rules = excluding("title", "secret")
    shop.options = replace(shop.options, rewrite=True)

    stats = await shop.sync()

    assert (stats.filtered, stats.updated, stats.deleted) == (1, 6, 1)
    assert "shop_album_3" not in await shop.documents()


async def test_documents_a_rule_excludes_are_not_said_to_have_no_row(shop: SyncHarness) -> None:
    shop.put("shop_album_3", "shop_album_4", "shop_album_5", title="secret")
    await shop.sync()
    shop.rules = excluding("title", "secret")
    del shop.source.tables["album"]["shop_album_6"]

    stats = await shop.sync()

    assert (stats.deleted, stats.excluded) == (4, 3)
    assert stats.warnings == [
        "1 of 7 documents have no row in the tables that are read, and were deleted.",
        "3 of 7 documents are excluded by the sync rules and were deleted.",
    ]

"""An index that is deleted or replaced during a sync ends the job, and no request creates it."""

import pytest

from ingest.errors import (
    IndexChangedError,
    IngestError,
    NotFoundError,
)
from tests.integration.sync.incomplete.interference import at_the_first_bulk
from tests.support.sync_harness import INDEX, SyncHarness, nothing


async def test_e14_an_index_deleted_right_before_a_request_is_neither_created_nor_completed(
    shop: SyncHarness,
) -> None:
    async def delete_index() -> None:
        await shop.call("DELETE", f"/{INDEX}")

    at_the_first_bulk(shop, delete_index)

    with pytest.raises(IndexChangedError, match="removed"):
        await shop.sync()

    assert shop.deletes() == []
    with pytest.raises(NotFoundError):
        await shop.call("GET", f"/{INDEX}")
    await shop.sync()
    assert await shop.content() == shop.expected()


async def test_e14_an_index_deleted_right_before_the_deletes_is_not_taken_for_one_without_documents(
    shop: SyncHarness,
) -> None:
    # The race: the look before the deletes still finds the index, the deletes do not.
    shop.source.tables["album"].clear()
    deleted = 0

    async def delete_index(_method: str, path: str, body: bytes) -> None:
        nonlocal deleted
        if path.endswith("/_bulk") and body.startswith(b'{"delete"'):
            deleted += 1
            await shop.call("DELETE", f"/{INDEX}")

    shop.wire.before = delete_index

    with pytest.raises(IndexChangedError, match="removed"):
        await shop.sync()

    assert deleted == 1


async def test_an_index_that_an_alias_takes_the_place_of_is_noticed_by_the_next_request(
    shop: SyncHarness,
) -> None:
    async def put_alias() -> None:
        await shop.call("DELETE", f"/{INDEX}")
        await shop.call("PUT", "/shop-000001", {"aliases": {INDEX: {}}})

    shop.with_bulk(max_concurrency=1)
    at_the_first_bulk(shop, put_alias)

    with pytest.raises(IngestError, match="alias"):
        await shop.sync()

    assert shop.deletes() == []


async def test_an_index_deleted_between_two_requests_is_not_created_by_the_next_one(
    shop: SyncHarness,
) -> None:
    shop.with_bulk(chunk_size=1, max_concurrency=1)
    deleted = 0

    async def delete_index(_method: str, path: str, _body: bytes) -> None:
        nonlocal deleted
        if path.endswith("/_bulk") and not deleted:
            deleted += 1
            await shop.call("DELETE", f"/{INDEX}")

    shop.wire.after = delete_index

    with pytest.raises(IndexChangedError, match="removed"):
        await shop.sync()

    assert deleted == 1
    with pytest.raises(NotFoundError):
        await shop.call("GET", f"/{INDEX}")
    await shop.sync()
    assert await shop.content() == shop.expected()


async def test_an_alias_whose_index_is_deleted_while_a_request_is_under_way_is_not_created_as_an_index(
    shop: SyncHarness,
) -> None:
    # The race: the look before the request still finds the index, the request does not.
    await shop.call("DELETE", f"/{INDEX}")
    await shop.call("PUT", "/shop-000001", {"aliases": {INDEX: {}}})
    await shop.sync()
    shop.put("shop_album_0", title="changed")

    async def delete_index() -> None:
        await shop.call("DELETE", "/shop-000001")

    at_the_first_bulk(shop, delete_index)

    with pytest.raises(IndexChangedError):
        await shop.sync()

    with pytest.raises(NotFoundError):
        await shop.call("GET", f"/{INDEX}")


async def test_e14_an_index_replaced_meanwhile_is_noticed(shop: SyncHarness) -> None:
    async def replace_index() -> None:
        await shop.call("DELETE", f"/{INDEX}")
        await shop.call("PUT", f"/{INDEX}")

    shop.with_bulk(max_concurrency=1)
    at_the_first_bulk(shop, replace_index)

    with pytest.raises(IndexChangedError, match="replaced"):
        await shop.sync()

    assert shop.deletes() == []


async def test_e14_an_index_replaced_after_everything_was_proven_is_noticed(shop: SyncHarness) -> None:
    shop.put("1", "2")
    await shop.sync()
    counted = False

    async def replace_behind_the_first_count(_method: str, path: str, _body: bytes) -> None:
        nonlocal counted
        if counted:
            shop.wire.before = nothing
            await shop.call("DELETE", f"/{INDEX}")
            await shop.call("PUT", f"/{INDEX}")
        counted = path.endswith("/_count")

    # The first count proves that the index holds the tables; what follows only tells what it came to.
    shop.wire.before = replace_behind_the_first_count

    with pytest.raises(IndexChangedError, match="replaced"):
        await shop.sync()

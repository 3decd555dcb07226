"""The index is lost while stale documents are deleted from it, after everything else was settled."""

import pytest

from ingest.errors import IndexChangedError, NotFoundError
from tests.support.sync_harness import INDEX, SyncHarness


class Loss:
    """Deletes the index at one request of the delete pass."""

    def __init__(self, shop: SyncHarness, *, path: str, holds: bytes = b"", replaces: bool) -> None:
        self.shop = shop
        self.path = path
        self.holds = holds
        self.replaces = replaces
        self.strikes = 0
        shop.wire.before = self

    async def __call__(self, _method: str, path: str, body: bytes) -> None:
        """Delete the index before this request, if it is the one."""
        # By then all that was read is acknowledged: four documents of the two tables.
        if (
            self.strikes
            or self.shop.stats.indexed < 4
            or not path.endswith(self.path)
            or self.holds not in body
        ):
            return
        self.strikes += 1
        await self.shop.call("DELETE", f"/{INDEX}")
        if self.replaces:
            await self.shop.call("PUT", f"/{INDEX}")


POINTS = {
    "at the refresh before it": ("/_refresh", b""),
    "at its search": ("/_search", b""),
    "at the deletes": ("/_bulk", b'{"delete"'),
}


@pytest.mark.parametrize("replaces", [False, True], ids=["deleted", "replaced by an empty one"])
@pytest.mark.parametrize("point", POINTS)
async def test_e14_an_index_lost_during_the_delete_pass_is_not_completed(
    shop: SyncHarness, point: str, replaces: bool
) -> None:
    path, holds = POINTS[point]
    loss = Loss(shop, path=path, holds=holds, replaces=replaces)

    with pytest.raises((IndexChangedError, NotFoundError), match=r"removed|replaced|no such index"):
        await shop.sync()

    assert loss.strikes == 1
    assert shop.stats.deleted == 0
    if not replaces:
        with pytest.raises(NotFoundError):
            await shop.call("GET", f"/{INDEX}")
    await shop.sync()
    assert await shop.content() == shop.expected()

"""Events that a test causes in the middle of a sync."""

from collections.abc import Awaitable, Callable

from sources.errors import SourceUnavailableError
from tests.support.sync_harness import SyncHarness


def losing(shop: SyncHarness, times: int, *, slice_: str = "album", batch: int = 2) -> None:
    """Lose the source so many times, at this batch of this slice."""
    left = times

    def lose(name: str, number: int) -> None:
        nonlocal left
        if (name, number) == (slice_, batch) and left:
            left -= 1
            raise SourceUnavailableError("the connection was closed in the middle of a read")

    shop.source.before_batch = lose


def lose_and_delete(shop: SyncHarness, ids: list[str], *, slice_: str = "album", batch: int) -> None:
    """Lose the source once, at this batch of this slice, after which these rows of it are gone."""
    is_lost = False

    def lose(name: str, number: int) -> None:
        nonlocal is_lost
        if (name, number) == (slice_, batch) and not is_lost:
            is_lost = True
            for id_ in ids:
                del shop.source.tables[slice_][id_]
            raise SourceUnavailableError("the connection was closed in the middle of a read")

    shop.source.before_batch = lose


def at_the_first_bulk(shop: SyncHarness, act: Callable[[], Awaitable[None]]) -> None:
    done = False

    async def before(_method: str, path: str, _body: bytes) -> None:
        nonlocal done
        if path.endswith("/_bulk") and not done:
            done = True
            await act()

    shop.wire.before = before

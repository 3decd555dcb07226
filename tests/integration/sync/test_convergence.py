"""After any changes between syncs the index is the source, and an unchanged source writes nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.errors import IngestError
from sandbox.elasticsearch.server.faults import Action, Drop, FailItems, Reply
from sources.errors import SourceError, SourceUnavailableError
from tests.cluster.relay import serving
from tests.support.examples import examples_divided_by
from tests.support.sync_harness import SyncHarness, sync_harness

TABLES = ("album", "track")
keys = st.integers(0, 12)
texts = st.text(max_size=20)


@dataclass(frozen=True)
class Put:
    table: str
    key: int
    title: str

    def apply(self, shop: SyncHarness) -> None:
        shop.put(f"shop_{self.table}_{self.key}", table=self.table, title=self.title)


@dataclass(frozen=True)
class Remove:
    table: str
    key: int

    def apply(self, shop: SyncHarness) -> None:
        shop.source.tables.get(self.table, {}).pop(f"shop_{self.table}_{self.key}", None)


@dataclass(frozen=True)
class ChangeKey:
    table: str
    key: int
    to: int

    def apply(self, shop: SyncHarness) -> None:
        rows = shop.source.tables.get(self.table, {})
        row = rows.pop(f"shop_{self.table}_{self.key}", None)
        if row is not None:
            rows[f"shop_{self.table}_{self.to}"] = row


@dataclass(frozen=True)
class DropTable:
    table: str

    def apply(self, shop: SyncHarness) -> None:
        shop.source.tables.pop(self.table, None)


@dataclass(frozen=True)
class LoseSource:
    """During the next sync, so many times."""

    times: int
    batch: int

    def apply(self, shop: SyncHarness) -> None:
        left = self.times

        def lose(_slice: str, batch: int) -> None:
            nonlocal left
            if batch == self.batch and left:
                left -= 1
                raise SourceUnavailableError("lost")

        shop.source.before_batch = lose


FAULTS: dict[str, tuple[Action, bool]] = {
    "unavailable": (Reply(503), False),
    "refused": (Reply(403), False),
    "lost": (Drop(), True),
    "busy": (FailItems(429, (1,)), True),
}


@dataclass(frozen=True)
class BreakRequest:
    """During the next sync, the nth request."""

    nth: int
    kind: str

    def apply(self, shop: SyncHarness) -> None:
        action, applied = FAULTS[self.kind]
        shop.server.faults.add(action, nth=self.nth, applied=applied)


Step = Put | Remove | ChangeKey | DropTable | LoseSource | BreakRequest

changes: st.SearchStrategy[Step] = st.one_of(
    st.builds(Put, st.sampled_from(TABLES), keys, texts),
    st.builds(Put, st.sampled_from(TABLES), keys, texts),
    st.builds(Remove, st.sampled_from(TABLES), keys),
    st.builds(ChangeKey, st.sampled_from(TABLES), keys, keys),
    st.builds(DropTable, st.sampled_from(TABLES)),
)
troubles: st.SearchStrategy[Step] = st.one_of(
    st.builds(LoseSource, st.integers(1, 3), st.integers(-1, 3)),
    st.builds(BreakRequest, st.integers(1, 25), st.sampled_from(sorted(FAULTS))),
)
quiet_rounds = st.lists(st.lists(changes, max_size=8), min_size=1, max_size=4)
troubled_rounds = st.lists(
    st.lists(st.one_of(changes, changes, troubles), max_size=10), min_size=1, max_size=4
)


@given(rounds=quiet_rounds, rows_per_batch=st.integers(1, 5), chunk_size=st.integers(1, 5))
@settings(max_examples=examples_divided_by(4), suppress_health_check=[HealthCheck.too_slow])
def test_every_sync_makes_the_index_exact_and_a_second_one_writes_nothing(
    rounds: Sequence[Sequence[Step]], rows_per_batch: int, chunk_size: int
) -> None:
    async def run() -> None:
        async with serving() as server, sync_harness(server) as shop:
            shop.source.rows_per_batch = rows_per_batch
            shop.with_bulk(chunk_size=chunk_size)
            for changes in rounds:
                for change in changes:
                    change.apply(shop)
                await shop.sync()
                assert await shop.content() == shop.expected()
                sent = len(shop.actions())
                again = await shop.sync()
                assert len(shop.actions()) == sent
                assert again.unchanged == again.read == len(shop.expected())

    asyncio.run(run())


@given(rounds=troubled_rounds)
@settings(max_examples=examples_divided_by(4), suppress_health_check=[HealthCheck.too_slow])
def test_faults_never_cost_the_document_of_a_row_that_stays_and_a_clean_sync_repairs_everything(
    rounds: Sequence[Sequence[Step]],
) -> None:
    async def run() -> None:
        async with serving() as server, sync_harness(server) as shop:
            for steps in rounds:
                before = (await _everything(shop)).keys()
                for step in steps:
                    step.apply(shop)
                living = before & shop.expected().keys()
                try:
                    await shop.sync()
                except (IngestError, SourceError):
                    pass
                else:
                    server.faults.clear()
                    assert await shop.content() == shop.expected()
                server.faults.clear()
                shop.source.before_batch = lambda _slice, _batch: None
                assert living <= (await _everything(shop)).keys()
            await shop.sync()
            assert await shop.content() == shop.expected()

    asyncio.run(run())


async def _everything(shop: SyncHarness) -> dict[str, dict[str, object]]:
    exists = "search-shop" in await shop.call("GET", "/search-shop*")
    return await shop.content() if exists else {}

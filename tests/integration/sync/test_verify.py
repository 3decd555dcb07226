"""Verification says exactly which documents are not their rows, and is not misled while they change."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from ingest.sync.blocks.lines import KeyReader
from ingest.sync.rules import BasicRules
from ingest.sync.verification import verify as verification
from ingest.sync.verification.findings import Difference, Findings
from ingest.sync.verification.verify import ELSEWHERE, Thoroughness, verify
from sandbox.elasticsearch import Server
from sources.errors import SourceUnavailableError
from tests.support.sync_harness import SyncHarness, nothing, sync_harness

ROWS = 40
PLAIN = Thoroughness(grace_seconds=0)
DEEP = Thoroughness(is_deep=True, grace_seconds=0)


@pytest.fixture
async def shop(elasticsearch: Server) -> AsyncIterator[SyncHarness]:
    """Two tables, both synced."""
    async with sync_harness(elasticsearch) as opened:
        opened.put(*(f"album_{number}" for number in range(ROWS)))
        opened.put(*(f"note_{number}" for number in range(5)), table="note")
        await opened.sync()
        yield opened


async def look(shop: SyncHarness, thoroughness: Thoroughness = PLAIN) -> Findings:
    return await verify(shop.request(shop.source), shop.client, thoroughness)


def told(found: Findings) -> dict[str, dict[str, int]]:
    """Return what differs: by table, how many of each kind."""
    return {
        table.name: {kind.value: count for kind, count in table.counts.items() if count}
        for table in found.tables
        if table.differing
    }


async def test_an_index_that_is_its_tables_is_equal(shop: SyncHarness) -> None:
    found = await look(shop, DEEP)

    assert found.is_equal is True
    assert [(table.name, table.rows) for table in found.tables] == [("album", ROWS), ("note", 5)]


async def test_each_kind_of_difference_is_counted_in_its_table_with_ids(shop: SyncHarness) -> None:
    shop.put("album_new_1", "album_new_2")
    shop.put("album_3", title="changed")
    del shop.source.tables["note"]["note_4"]

    found = await look(shop)

    assert found.is_equal is False
    assert told(found) == {"album": {"missing": 2, "stale": 1}, "note": {"surplus": 1}}
    album, note = found.tables
    assert sorted(album.samples[Difference.MISSING]) == ["album_new_1", "album_new_2"]
    assert album.samples[Difference.STALE] == ["album_3"]
    assert note.samples[Difference.SURPLUS] == ["note_4"]


async def test_a_look_changes_nothing(shop: SyncHarness) -> None:
    shop.put("album_3", title="changed")
    before = await shop.documents()
    methods: set[str] = set()

    async def note(method: str, path: str, _body: bytes) -> None:
        methods.add(f"{method} {path.rpartition('/')[2]}")

    shop.wire.before = note
    await look(shop, DEEP)
    shop.wire.before = nothing

    assert await shop.documents() == before
    assert methods <= {
        "GET search-shop", "GET docs", "POST _refresh", "POST _pit", "POST _search", "DELETE _pit",
        "POST _mget",
    }  # fmt: skip


async def test_documents_of_a_table_that_is_gone_are_surplus(shop: SyncHarness) -> None:
    del shop.source.tables["note"]

    assert told(await look(shop)) == {ELSEWHERE: {"surplus": 5}}


async def test_without_an_index_every_row_is_missing(elasticsearch: Server) -> None:
    async with sync_harness(elasticsearch) as shop:
        shop.put("album_1", "album_2")

        assert told(await look(shop)) == {"album": {"missing": 2}}


async def test_rows_that_the_rules_exclude_should_have_no_document(shop: SyncHarness) -> None:
    wire = {
        "id": "1", "policy": "exclude", "field": "title", "rule": "equals",
        "value": "title of note_3", "order": 0,
    }  # fmt: skip
    shop.rules = BasicRules.from_wire([wire])

    assert told(await look(shop)) == {"note": {"surplus": 1}}
    await shop.sync()
    assert (await look(shop)).is_equal


async def test_documents_of_others_are_ignored(shop: SyncHarness) -> None:
    await shop.index_document("theirs", {"title": "x", "database": "elsewhere"})

    assert (await look(shop)).is_equal


async def test_a_row_that_is_synced_while_the_tables_are_read_is_no_difference(shop: SyncHarness) -> None:
    """Read after the index, and changed in between: the document was on its way."""

    async def change_and_sync() -> None:
        shop.wire.before = nothing
        shop.put("album_3", title="changed")
        shop.put("album_new")
        del shop.source.tables["album"]["album_5"]
        await shop.sync()

    await interfere_once(shop, "DELETE", "/_pit", change_and_sync)

    assert (await look(shop)).is_equal is True


async def test_a_row_written_at_every_look_is_unsettled_and_no_difference(shop: SyncHarness) -> None:
    """Synced between the index and the row, and again before the second look, each time."""
    version = 0

    async def changing(method: str, path: str, _body: bytes) -> None:
        nonlocal version
        if (method, path) == ("DELETE", "/_pit"):
            shop.wire.before = nothing
            version += 1
            shop.put("album_3", title=f"version {version}")
            await shop.sync()
            shop.put("album_3", title=f"read as {version}")
            shop.wire.before = changing

    shop.wire.before = changing
    found = await look(shop)

    assert found.differing == 0
    assert found.unsettled == 1
    assert found.is_equal is None


async def test_a_difference_beside_rows_that_change_is_found(shop: SyncHarness) -> None:
    shop.put("album_7", title="never sent")
    await shop.index_document("album_7", {"title": "written by somebody"})

    async def change_and_sync() -> None:
        shop.put("album_3", title="changed")
        line = shop.source.tables["album"].pop("album_7")
        await shop.sync()
        shop.source.tables["album"]["album_7"] = line

    await interfere_once(shop, "DELETE", "/_pit", change_and_sync)

    assert told(await look(shop)) == {"album": {"missing": 1}}


def lost_once(shop: SyncHarness, meanwhile: Callable[[], None], reading: int = 1) -> None:
    """Let the source be lost in the middle of album's nth reading, and something happen there then."""
    readings = 0

    def lose(table: str, batch: int) -> None:
        nonlocal readings
        readings += (table, batch) == ("album", 0)
        if (table, batch) == ("album", 4) and readings == reading:
            readings += 1
            meanwhile()
            raise SourceUnavailableError("Reading album failed: the connection was lost.")

    shop.source.before_batch = lose


async def test_a_table_whose_source_is_lost_is_read_again(shop: SyncHarness) -> None:
    """What the first reading met is forgotten: album_0 is gone by the second, album_1 as it was synced."""
    shop.put("album_1", title="not synced")

    def change() -> None:
        del shop.source.tables["album"]["album_0"]
        shop.put("album_1")

    lost_once(shop, change)

    assert told(await look(shop)) == {"album": {"surplus": 1}}


async def test_a_content_whose_source_is_lost_is_compared_again(shop: SyncHarness) -> None:
    document = (await shop.documents())["album_3"]
    await shop.index_document("album_3", {**document, "title": "written by somebody"})
    lost_once(shop, lambda: None, reading=2)

    assert told(await look(shop, DEEP)) == {"album": {"altered": 1}}


async def test_a_source_that_stays_lost_leaves_nothing_told(shop: SyncHarness) -> None:
    readings = 0

    def lose(table: str, batch: int) -> None:
        nonlocal readings
        readings += batch == 0
        if (table, batch) == ("album", 4):
            raise SourceUnavailableError("Reading album failed: the connection was lost.")

    shop.source.before_batch = lose

    with pytest.raises(SourceUnavailableError, match="album"):
        await look(shop)
    assert readings == shop.options.readings


async def test_only_a_deep_look_sees_what_somebody_wrote_into_a_document(shop: SyncHarness) -> None:
    document = (await shop.documents())["album_3"]
    await shop.index_document("album_3", {**document, "title": "written by somebody"})

    assert (await look(shop)).is_equal
    assert told(await look(shop, DEEP)) == {"album": {"altered": 1}}


async def test_ids_with_one_hash_hide_nothing(shop: SyncHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """With four bits of id hash all is collisions; such a reader must not be trusted."""
    readers = iter([KeyReader(id_bits=4)])
    monkeypatch.setattr(verification, "KeyReader", lambda: next(readers, KeyReader()))
    del shop.source.tables["album"]["album_5"]

    assert told(await look(shop)) == {"album": {"surplus": 1}}


async def test_every_document_differing_takes_a_few_bytes_each(shop: SyncHarness) -> None:
    shop.put(*(f"album_{number}" for number in range(ROWS, 2_500)))

    found = await look(shop)

    assert told(found) == {"album": {"missing": 2_500 - ROWS}}
    assert len(found.tables[0].samples[Difference.MISSING]) == 5


async def interfere_once(
    shop: SyncHarness, method: str, path: str, work: Callable[[], Awaitable[None]]
) -> None:
    """Do something in the middle of the next request of this kind."""

    async def interfering(asked: str, asked_path: str, _body: bytes) -> None:
        if (asked, asked_path) == (method, path):
            shop.wire.before = nothing
            await work()

    shop.wire.before = interfering

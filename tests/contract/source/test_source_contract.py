"""What any source has to keep to, whatever it reads from."""

import inspect
from contextlib import aclosing
from decimal import Decimal

import orjson
import pytest

from sources.contract import HASH_END, Batch, RowTest, Slice, Source
from sources.errors import SourceConfigurationError, SourceError
from sources.registry import SOURCES
from tests.contract.source.conftest import MANY, SourceUnderTest
from tests.support.database import Known, Reading, read

FIELD_MEMBERS = {
    "default_value", "depends_on", "display", "label", "options", "order", "required", "sensitive", "tooltip",
    "type", "ui_restrictions", "validations", "value",
}  # fmt: skip


async def only_slice(subject: SourceUnderTest, seed: int = 0) -> Slice:
    (slice_,) = await subject.source.slices(None, seed)
    return slice_


def test_sources_are_registered_under_their_service_type() -> None:
    assert {name: source.service_type for name, source in SOURCES.items()} == {name: name for name in SOURCES}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_fields_are_complete_and_depend_only_on_fields_there_are(source: type[Source]) -> None:
    for name, field in source.fields.items():
        assert set(field) == FIELD_MEMBERS, name
        assert {dependency["field"] for dependency in field["depends_on"]} <= set(source.fields)
    orders = [field["order"] for field in source.fields.values()]
    assert sorted(orders) == orders
    assert len(set(orders)) == len(orders)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_an_invalid_configuration_is_reported_at_once_with_every_problem(source: type[Source]) -> None:
    with pytest.raises(SourceConfigurationError) as raised:
        source({})

    missing = [n for n, f in source.fields.items() if f["required"] and f["value"] in ("", None)]
    assert missing
    for name in missing:
        assert f"({name})" in str(raised.value)


async def test_a_source_answers_pings_and_finds_nothing_fatal(subject: SourceUnderTest) -> None:
    async with subject.source as source:
        await source.ping()

        assert not [finding for finding in await source.check({}) if finding.is_fatal]
        assert list(await source.validate(None)) == []


async def test_two_full_reads_are_equal(subject: SourceUnderTest) -> None:
    slice_ = await only_slice(subject)

    first, second = await read(slice_), await read(slice_)

    assert len(first.documents) == 3
    assert (first.documents, first.hashes) == (second.documents, second.hashes)


async def test_documents_carry_the_scope_and_their_id(subject: SourceUnderTest) -> None:
    reading = await read(await only_slice(subject))

    assert subject.source.scope
    for identifier, document in reading.documents.items():
        assert document["id"] == identifier
        assert dict(subject.source.scope).items() <= document.items()


async def test_batches_come_from_an_async_generator_that_can_be_left(subject: SourceUnderTest) -> None:
    slice_ = await only_slice(subject)

    async with aclosing(slice_.batches()) as batches:
        assert inspect.isasyncgen(batches)
        assert isinstance(await anext(batches), Batch)

    assert len((await read(slice_)).documents) == 3


async def test_known_rows_are_counted_and_each_row_is_asked_about_once(subject: SourceUnderTest) -> None:
    slice_ = await only_slice(subject)
    known = Known((await read(slice_)).hashes)

    again = await read(slice_, known)

    assert (again.documents, again.unchanged) == ({}, 3)
    assert len(known.asked) == len(set(known.asked)) == 3


async def test_only_the_changed_row_is_given_again(subject: SourceUnderTest) -> None:
    before = await read(await only_slice(subject))
    await subject.change_b()

    after = await read(await only_slice(subject), Known(before.hashes))

    (identifier,) = after.documents
    assert identifier.endswith("b")
    assert after.hashes[identifier] != before.hashes[identifier]
    assert after.unchanged == 2


async def test_the_seed_enters_every_hash(subject: SourceUnderTest) -> None:
    one: Reading = await read(await only_slice(subject, seed=1))
    other: Reading = await read(await only_slice(subject, seed=-(2**63)))

    assert one.documents == other.documents
    assert not set(one.hashes.values()) & set(other.hashes.values())


async def test_a_snapshot_reads_what_a_slice_reads(subject: SourceUnderTest) -> None:
    slice_ = await only_slice(subject)
    reading = Reading()

    async with slice_.snapshot() as snapshot, aclosing(snapshot.batches()) as batches:
        async for batch in batches:
            reading.add(batch)

    assert reading.documents == (await read(slice_)).documents


async def test_a_snapshot_tells_what_changed_or_why_it_cannot(subject: SourceUnderTest) -> None:
    async with (await only_slice(subject)).snapshot() as before:
        since = before.position
    await subject.change_b()

    async with (await only_slice(subject)).snapshot() as after:
        assert after.incompatibility(None)
        if (reason := after.incompatibility(since)) is not None:
            assert reason.endswith(".")
            return
        assert since is not None
        reading = Reading()
        async with aclosing(after.changes(since)) as batches:
            async for batch in batches:
                reading.add(batch)
        assert [identifier[-1] for identifier in reading.documents] == ["b"]
        assert await after.count() == 3


async def test_equal_digests_mean_equal_rows(subject: SourceUnderTest) -> None:
    digests = []
    for change in (None, None, subject.change_b):
        if change is not None:
            await change()
        async with (await only_slice(subject)).snapshot() as snapshot:
            digests.append(await snapshot.digest())

    first, second, third = digests
    assert first == second
    if first is not None:
        assert first.rows == 3
        assert first != third


async def test_documents_carry_the_scope_of_their_slice(subject: SourceUnderTest) -> None:
    slice_ = await only_slice(subject)

    for document in (await read(slice_)).documents.values():
        assert dict(slice_.scope or {}).items() <= document.items()


async def test_a_reading_that_cannot_reach_its_end_does_not_end_in_order(subject: SourceUnderTest) -> None:
    slice_ = await only_slice(subject)
    await subject.lose()

    with pytest.raises(SourceError):
        await read(slice_)


async def test_what_is_written_meanwhile_is_not_in_the_snapshot(subject: SourceUnderTest) -> None:
    await subject.fill()
    slice_ = await only_slice(subject)

    count = 0
    async with aclosing(slice_.batches()) as batches:
        async for batch in batches:
            if not count:
                await subject.clear()
            count += batch.count

    assert count == MANY + 3


async def test_keys_that_begin_alike_are_different_ids(subject: SourceUnderTest) -> None:
    await subject.fill()

    assert len((await read(await only_slice(subject))).documents) == MANY + 3


async def test_a_narrowed_slice_leaves_out_exactly_what_the_tests_do_not_keep(
    subject: SourceUnderTest,
) -> None:
    await subject.change_b()
    slice_ = await only_slice(subject)
    whole = await read(slice_)
    (field,) = {name for document in whole.documents.values() for name in document if name.endswith("value")}
    test = RowTest(
        field=field,
        operator="equals",
        text="1",
        number=Decimal(1),
        boolean=None,
        is_instant=False,
        keeps=False,
    )

    narrowed = slice_.narrowed([test])

    if narrowed is not None:
        assert [name for name in (await read(narrowed)).documents if not name.endswith("b")] == []


async def test_what_json_cannot_hold_is_null(subject: SourceUnderTest) -> None:
    await subject.put_infinity()

    reading = await read(await only_slice(subject))

    documents = [orjson.loads(b"{" + line.partition(HASH_END)[2]) for line in reading.lines]
    (nulled,) = [document for document in documents if document["id"].endswith("c")]
    assert [value for name, value in nulled.items() if name.endswith("value")] == [None]

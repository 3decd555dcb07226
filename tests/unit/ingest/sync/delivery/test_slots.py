"""Slots bound what is in flight, give way under pressure and come back."""

import asyncio

from ingest.sync.delivery.slots import SLOW_SECONDS, Slots
from tests.support.fake_transport import FakeTime


async def test_no_more_are_taken_than_there_are() -> None:
    slots = Slots(2)
    await slots.acquire()
    await slots.acquire()
    third = asyncio.create_task(slots.acquire())
    await asyncio.sleep(0)
    assert not third.done()

    slots.release()
    await third

    assert slots.in_use == 2


async def test_pressure_halves_the_slots_once_for_all_requests_in_flight() -> None:
    time = FakeTime()
    slots = Slots(8, clock=time.clock)
    sent_at = time.now
    time.now += 1

    for _ in range(5):
        slots.overloaded(sent_at)

    assert slots.limit == 4


async def test_later_pressure_lowers_further_but_never_to_nothing() -> None:
    time = FakeTime()
    slots = Slots(8, clock=time.clock)

    for _ in range(10):
        slots.overloaded(time.now)
        time.now += 1

    assert slots.limit == 1


async def test_success_brings_the_slots_back_one_by_one() -> None:
    time = FakeTime()
    slots = Slots(8, clock=time.clock)
    slots.overloaded(time.now)
    limits = []

    for _ in range(40):
        slots.succeeded(time.now)
        limits.append(slots.limit)

    assert limits[0] == 4
    assert limits == sorted(limits)
    assert limits[-1] == 8


async def test_an_answer_far_slower_than_the_fastest_counts_as_pressure() -> None:
    time = FakeTime()
    slots = Slots(8, clock=time.clock)
    slots.succeeded(time.now)
    sent_at = time.now
    time.now += SLOW_SECONDS + 1

    slots.succeeded(sent_at)

    assert slots.limit == 4


async def test_a_waiter_that_is_canceled_does_not_take_the_slot_with_it() -> None:
    slots = Slots(1)
    await slots.acquire()
    first = asyncio.create_task(slots.acquire())
    second = asyncio.create_task(slots.acquire())
    await asyncio.sleep(0)

    # The race: the slot is handed to the first waiter in the same turn of the loop in which it is canceled.
    slots.release()
    first.cancel()
    await second

    assert slots.in_use == 1
    assert first.cancelled()

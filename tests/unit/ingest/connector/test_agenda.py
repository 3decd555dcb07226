"""Which runs of a schedule are due."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ingest.connector.agenda import Agenda, require_schedules, supported
from ingest.connector.cron import ScheduleError
from ingest.protocol import Connector, JobType, Scheduling, Version
from sources.contract import Features

NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
HOURLY = "0 0 * * * ?"
PLAIN = Features()
EVERYTHING = Features(incremental_sync=True, document_level_security=True)


def connector(interval: str = HOURLY, *, last: datetime | None = None, enabled: bool = True) -> Connector:
    members: dict[str, Any] = {} if last is None else {"last_scheduled_at": {JobType.FULL: last}}
    return Connector(
        id="c",
        version=Version(1, 1),
        scheduling={JobType.FULL: Scheduling(is_enabled=enabled, interval=interval)},
        **members,
    )


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def test_a_run_is_due_from_its_second_on() -> None:
    agenda = Agenda()
    last = connector(last=NOON - timedelta(hours=1))

    assert agenda.due(last, PLAIN, NOON - seconds(0.1)) == []
    assert agenda.next_at == NOON
    assert agenda.due(last, PLAIN, NOON) == [JobType.FULL]


def test_a_stamp_settles_it_until_the_next_run() -> None:
    agenda = Agenda()

    assert agenda.due(connector(last=NOON + seconds(0.01)), PLAIN, NOON + seconds(1)) == []
    assert agenda.next_at == NOON + timedelta(hours=1)


def test_a_stamp_of_a_replica_whose_clock_is_ahead_settles_it_too() -> None:
    assert Agenda().due(connector(last=NOON + seconds(20)), PLAIN, NOON + seconds(1)) == []


def test_many_missed_runs_are_one() -> None:
    assert Agenda().due(connector(last=NOON - timedelta(days=30)), PLAIN, NOON) == [JobType.FULL]


def test_a_schedule_that_never_ran_waits_for_its_next_run() -> None:
    agenda = Agenda()

    assert agenda.due(connector(), PLAIN, NOON + seconds(1)) == []
    assert agenda.due(connector(), PLAIN, NOON + timedelta(hours=1)) == [JobType.FULL]


@pytest.mark.parametrize(
    "before",
    [
        connector(enabled=False, last=NOON - timedelta(days=9)),
        connector("0 0 0 1 1 ?", last=NOON - timedelta(9)),
    ],
    ids=["enabled", "changed"],
)
def test_a_schedule_enabled_or_changed_under_our_eyes_counts_from_then(before: Connector) -> None:
    agenda = Agenda()
    agenda.due(before, PLAIN, NOON - seconds(60))
    now_hourly = connector(last=NOON - timedelta(days=9))

    assert agenda.due(now_hourly, PLAIN, NOON + seconds(1)) == []
    assert agenda.due(now_hourly, PLAIN, NOON + timedelta(hours=1)) == [JobType.FULL]


def test_a_disabled_schedule_is_never_due_even_if_it_is_no_cron() -> None:
    broken = connector("nonsense", enabled=False)

    assert Agenda().due(broken, PLAIN, NOON) == []
    require_schedules(broken, PLAIN)


def test_an_enabled_schedule_must_be_a_cron_expression() -> None:
    with pytest.raises(ScheduleError):
        require_schedules(connector("nonsense"), PLAIN)


@pytest.mark.parametrize(
    ("features", "kinds"),
    [(PLAIN, (JobType.FULL,)), (EVERYTHING, tuple(JobType))],
    ids=["plain", "everything"],
)
def test_only_the_job_types_a_source_can_run_are_scheduled(
    features: Features, kinds: tuple[JobType, ...]
) -> None:
    assert supported(features) == kinds

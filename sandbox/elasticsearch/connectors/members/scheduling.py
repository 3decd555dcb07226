"""When a connector syncs: one schedule for each type of job."""

from typing import Any

from sandbox.elasticsearch.connectors.members import cron
from sandbox.elasticsearch.connectors.parsing.members import boolean, object_of, text
from sandbox.elasticsearch.connectors.parsing.parser import ILLEGAL_ARGUMENT, BodyError, ObjectParser, illegal

MIDNIGHT = "0 0 0 * * ?"
SCHEDULES = ("access_control", "full", "incremental")


def _keep_canonical_cron(schedule: dict[str, Any]) -> None:
    expression = schedule["interval"]
    try:
        schedule["interval"] = cron.check_cron(expression)
    except cron.CronError as error:
        inner = BodyError(f"illegal cron expression format [{error}]", kind=ILLEGAL_ARGUMENT)
        raise illegal(f"invalid cron expression [{expression}]", cause=inner) from error


_SCHEDULE = ObjectParser(
    "schedule_config",
    (boolean("enabled", required=True), text("interval", required=True)),
    build=_keep_canonical_cron,
)
SCHEDULING = ObjectParser(
    "connector_scheduling", tuple(object_of(name, _SCHEDULE.read) for name in SCHEDULES)
)


def default_scheduling() -> dict[str, Any]:
    """Return the scheduling of a new connector: everything off."""
    return {name: {"enabled": False, "interval": MIDNIGHT} for name in SCHEDULES}

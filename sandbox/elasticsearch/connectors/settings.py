"""The small parts of a connector document: schedules, pipeline, feature flags."""

from typing import Any

from sandbox.elasticsearch.connectors import cron
from sandbox.elasticsearch.connectors.members import boolean, object_of, text
from sandbox.elasticsearch.connectors.parsing import ILLEGAL_ARGUMENT, BodyError, ObjectParser, illegal

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

PIPELINE = ObjectParser(
    "connector_ingest_pipeline",
    (
        boolean("extract_binary_content", required=True),
        text("name", required=True),
        boolean("reduce_whitespace", required=True),
        boolean("run_ml_inference", required=True),
    ),
)

_FEATURE = ObjectParser("connector_feature_enabled", (boolean("enabled", required=True),))
_SYNC_RULES = ObjectParser(
    "sync_rules_features", (object_of("advanced", _FEATURE.read), object_of("basic", _FEATURE.read))
)
FEATURES = ObjectParser(
    "connector_features",
    (
        object_of("document_level_security", _FEATURE.read),
        object_of("incremental_sync", _FEATURE.read),
        object_of("native_connector_api_keys", _FEATURE.read),
        object_of("sync_rules", _SYNC_RULES.read),
    ),
)


def default_scheduling() -> dict[str, Any]:
    """Return the scheduling of a new connector: everything off."""
    return {name: {"enabled": False, "interval": MIDNIGHT} for name in SCHEDULES}

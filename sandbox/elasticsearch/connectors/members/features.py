"""What a connector can do, and the ingest pipeline its documents go through."""

from sandbox.elasticsearch.connectors.parsing.members import boolean, object_of, text
from sandbox.elasticsearch.connectors.parsing.parser import ObjectParser

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

PIPELINE = ObjectParser(
    "connector_ingest_pipeline",
    (
        boolean("extract_binary_content", required=True),
        text("name", required=True),
        boolean("reduce_whitespace", required=True),
        boolean("run_ml_inference", required=True),
    ),
)

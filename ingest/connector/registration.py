"""What a connector document must say about its source: schema, service type, features. Pure.

A first registration writes the whole schema. Later ones only add what is missing: values, and whatever else
a person or another version of this service wrote, stay as they are. So replicas of two versions never write
in turns.
"""

from collections.abc import Mapping
from typing import Any

from ingest.protocol import Connector, ConnectorStatus
from sources.contract import Features, Source
from sources.fields import PROPERTY_DEFAULTS


def missing_members(connector: Connector, source: type[Source]) -> dict[str, Any]:
    """Return the members to write so that the document describes the source; empty if it already does."""
    members: dict[str, Any] = {}
    if connector.service_type is None:
        members["service_type"] = source.service_type
    configuration = _missing_configuration(connector.configuration, schema_of(source))
    if configuration:
        members["configuration"] = configuration
    if not _contains(connector.features, features_of(source.features)):
        members["features"] = features_of(source.features)
    if connector.status in (ConnectorStatus.CREATED, None) or not connector.configuration:
        members["status"] = ConnectorStatus.NEEDS_CONFIGURATION.value
    return members


def schema_of(source: type[Source]) -> dict[str, dict[str, Any]]:
    """Return the configuration schema as it is registered: every field with every property."""
    return {name: {**PROPERTY_DEFAULTS, **properties} for name, properties in source.fields.items()}


def features_of(features: Features) -> dict[str, Any]:
    """Render what a source can do in the protocol's words."""
    return {
        "sync_rules": {
            "basic": {"enabled": features.basic_sync_rules},
            "advanced": {"enabled": features.advanced_sync_rules},
        },
        "document_level_security": {"enabled": features.document_level_security},
        "incremental_sync": {"enabled": features.incremental_sync},
        "native_connector_api_keys": {"enabled": False},
    }


def _missing_configuration(
    configuration: Mapping[str, Any], schema: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    missing: dict[str, Any] = {}
    for name, properties in schema.items():
        known = configuration.get(name)
        if not isinstance(known, dict):
            missing[name] = dict(properties)
            continue
        # The server drops null and empty properties; adding those again would never end.
        lacking = {
            key: value
            for key, value in properties.items()
            if key not in known and key != "value" and value not in (None, "", [])
        }
        if lacking:
            missing[name] = lacking
    return missing


def _contains(whole: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    return all(
        _contains(whole.get(key, {}), value) if isinstance(value, dict) else whole.get(key) == value
        for key, value in part.items()
    )

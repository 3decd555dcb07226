"""What is written on a connector about its source, and what is left alone."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from ingest.connector.registration import features_of, missing_members, schema_of
from ingest.protocol import Connector, ConnectorStatus, Version
from sources.contract import Features
from sources.fields import PROPERTY_DEFAULTS
from sources.postgresql import PostgreSQL
from sources.registry import SOURCES


class Source(PostgreSQL):
    """A source with two fields."""

    fields: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "host": {"label": "Host", "order": 1, "type": "str"},
        "port": {"label": "Port", "order": 2, "type": "int", "value": 5432},
    }
    features: ClassVar[Features] = Features(advanced_sync_rules=True)


def connector(**members: Any) -> Connector:
    complete: dict[str, Any] = {
        "service_type": "postgresql",
        "status": ConnectorStatus.CONNECTED,
        "configuration": schema_of(Source),
        "features": features_of(Source.features),
    }
    return Connector(id="c", version=Version(1, 1), **{**complete, **members})


def test_a_connector_that_says_everything_is_not_written() -> None:
    assert missing_members(connector(), Source) == {}


def test_a_new_connector_gets_schema_features_type_and_status_at_once() -> None:
    new = connector(service_type=None, status=ConnectorStatus.CREATED, configuration={}, features={})

    assert missing_members(new, Source) == {
        "service_type": "postgresql",
        "configuration": schema_of(Source),
        "features": features_of(Source.features),
        "status": "needs_configuration",
    }


def test_every_registered_field_has_every_property() -> None:
    for source in SOURCES.values():
        for name, properties in schema_of(source).items():
            assert set(properties) >= set(PROPERTY_DEFAULTS), name


def test_a_field_that_is_new_in_this_version_is_added_alone_and_the_status_stays() -> None:
    known = {"host": {**schema_of(Source)["host"], "value": "db.example"}}

    assert missing_members(connector(configuration=known), Source) == {
        "configuration": {"port": schema_of(Source)["port"]}
    }


@pytest.mark.parametrize("value", ["db.example", "", None, 0])
def test_a_value_that_is_there_is_never_written(value: Any) -> None:
    known = {**schema_of(Source), "host": {"label": "Host", "value": value}}

    written = missing_members(connector(configuration=known), Source)["configuration"]

    assert "value" not in written["host"]
    assert set(written) == {"host"}


def test_what_a_person_edited_stays_edited() -> None:
    edited = {**schema_of(Source), "host": {**schema_of(Source)["host"], "label": "Our server", "order": 9}}

    assert missing_members(connector(configuration=edited), Source) == {}


def test_fields_of_other_versions_stay() -> None:
    known = {**schema_of(Source), "retired": {"label": "Retired", "value": 1}}

    assert missing_members(connector(configuration=known), Source) == {}


def test_properties_the_server_drops_are_not_added_again_and_again() -> None:
    """The server stores no null tooltip and no empty lists once somebody wrote the whole configuration."""
    dropped = {
        name: {key: value for key, value in properties.items() if value not in (None, [], "")}
        for name, properties in schema_of(Source).items()
    }

    assert missing_members(connector(configuration=dropped), Source) == {}


def test_a_feature_that_changed_is_written() -> None:
    known = features_of(Features(advanced_sync_rules=False))

    assert missing_members(connector(features=known), Source) == {"features": features_of(Source.features)}


def test_features_other_people_added_are_no_reason_to_write() -> None:
    known = {**features_of(Source.features), "something_else": {"enabled": True}}

    assert missing_members(connector(features=known), Source) == {}


def test_a_connector_of_elastics_own_service_gets_what_is_new_and_keeps_its_values() -> None:
    """As its service writes it: eleven fields, thirteen properties each, values of a person."""
    values = {
        "host": "db.example", "port": 5432, "username": "reader", "password": "secret", "database": "music",
        "schema": "public", "tables": "album,artist", "fetch_size": 50, "retry_count": 3,
        "ssl_enabled": False, "ssl_ca": "",
    }  # fmt: skip
    theirs = {
        name: {**PROPERTY_DEFAULTS, "label": name.title(), "order": order, "value": value}
        for order, (name, value) in enumerate(values.items(), 1)
    }

    written = missing_members(connector(configuration=theirs), PostgreSQL)

    assert set(written) == {"configuration", "features"}
    assert not set(written["configuration"]) & set(values)
    assert set(written["configuration"]) == set(PostgreSQL.fields) - set(values)


def test_that_connector_is_then_complete() -> None:
    theirs = {"host": {**PROPERTY_DEFAULTS, "label": "Host", "value": "db.example"}}
    written = missing_members(connector(configuration=theirs), PostgreSQL)["configuration"]
    merged = {name: {**theirs.get(name, {}), **written.get(name, {})} for name in {*theirs, *written}}

    features = features_of(PostgreSQL.features)
    assert missing_members(connector(configuration=merged, features=features), PostgreSQL) == {}

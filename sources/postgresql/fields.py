"""The fields of the connector's configuration, as data in the exact shape of the Connector API.

The first eleven are those of Elastic's PostgreSQL connector, with their names and meaning; the rest are
optional and hidden in simple forms. What their values mean is read by `settings`.
"""

from collections.abc import Mapping
from typing import Any

from sources.fields import advanced, between, choice, field, max_deleted_share, number, rejected_index

MIB = 1024 * 1024
_ON_TLS = [{"field": "ssl_enabled", "value": True}]

FIELDS: Mapping[str, Mapping[str, Any]] = {
    "host": field(1, "Host", tooltip="Name or address of the server, or the folder of its unix socket."),
    "port": field(
        2, "Port", type="int", display="numeric", validations=between(1, 65535), tooltip="Usually 5432."
    ),
    "username": field(
        3, "Username", tooltip="A role that has CONNECT, USAGE on the schema and SELECT on the tables."
    ),
    "password": field(
        4, "Password", required=False, default_value="", sensitive=True,
        tooltip="The role's password; may be empty with a client certificate.",
    ),
    "database": field(5, "Database", tooltip="The name of the database, exactly as PostgreSQL spells it."),
    "schema": field(6, "Schema", tooltip="One schema, or several divided by commas."),
    "tables": field(
        7,
        "Comma-separated list of tables",
        type="list",
        display="textarea",
        value="*",
        tooltip="* for all, !log_* to leave some out. Views have to be named. Ignored with advanced rules.",
    ),
    "fetch_size": advanced(
        8,
        "Rows fetched per request",
        50,
        type="int",
        display="numeric",
        validations=between(1, 100_000),
        tooltip="Kept from Elastic's connector, without effect: rows are streamed.",
    ),
    "retry_count": advanced(
        9,
        "Retries per request",
        3,
        type="int",
        display="numeric",
        validations=between(0, 10),
        tooltip="How often a table is read in all when the connection is lost on the way.",
    ),
    "ssl_enabled": field(
        10, "Enable SSL verification", type="bool", display="toggle", value=False,
        tooltip="Encrypt the connection and verify the server's certificate and name.",
    ),
    "ssl_ca": field(
        11, "SSL certificate", required=False, display="textarea", default_value="", depends_on=_ON_TLS,
        tooltip="Certificates (PEM) of the server's authority; empty for the system's authorities.",
    ),
    "sslmode": choice(
        12,
        "SSL mode",
        "",
        {
            "": "As the switch above says",
            "disable": "disable: never encrypt",
            "require": "require: encrypt, verify nothing",
            "verify-ca": "verify-ca: verify the certificate",
            "verify-full": "verify-full: verify the certificate and the host name",
        },
        "Decides instead of the switch above if it is set.",
    ),
    "ssl_cert": advanced(
        13, "SSL client certificate", "", display="textarea", tooltip="PEM; for servers which ask for one."
    ),
    "ssl_key": advanced(
        14, "SSL client key", "", display="textarea", sensitive=True, tooltip="PEM, without a passphrase."
    ),
    "id_columns": advanced(
        15,
        "Id columns",
        "",
        display="textarea",
        tooltip="What identifies rows where there is no primary key: album_view(id), sales(shop, day).",
    ),
    "max_value_bytes": advanced(
        16,
        "Largest value in bytes",
        10 * MIB,
        type="int",
        display="numeric",
        validations=between(1024, 100 * MIB),
        tooltip="A larger value is replaced by null and counted.",
    ),
    "mappings": choice(
        17,
        "Mappings",
        "derived",
        {"derived": "Derived from the column types", "dynamic": "Left to Elasticsearch"},
        "Concerns fields that are not mapped yet.",
    ),
    "full_sync": choice(
        18,
        "Full sync",
        "skip_unchanged",
        {"skip_unchanged": "Send only what changed", "rewrite": "Send every document"},
        "Rewriting is for an index whose documents were changed by others.",
    ),
    "max_deleted_share": max_deleted_share(19),
    "follow": advanced(
        20, "Follow", False, type="bool", display="toggle",
        tooltip="Keep the index in step with the tables all the time, within seconds.",
    ),
    "follow_interval": number(
        21, "Seconds between looks", 2, (1, 3600), "How often to look for changes while following.",
    ),
    "follow_publication": advanced(
        22,
        "Publication to follow",
        "elastic_ingest",
        tooltip="Where it exists and the role may replicate, the server's log tells what changes.",
    ),
    "follow_max_wal": advanced(
        23,
        "Largest log held back, in MiB",
        1024,
        type="int",
        display="numeric",
        validations=between(16, 1024 * 1024),
        tooltip="Past it the server is let go, and what was missed is caught up by row versions.",
    ),
    "rejected_index": rejected_index(24),
}  # fmt: skip

"""What a route demands of the caller, and which named privileges grant it."""

from dataclasses import dataclass

CLUSTER_GRANTS: dict[str, frozenset[str]] = {
    # privilege: those privileges that include it (besides itself)
    "monitor": frozenset({"manage", "all"}),
    "monitor_connector": frozenset({"manage_connector", "manage", "all"}),
    "manage_connector": frozenset({"manage", "all"}),
    "manage": frozenset({"all"}),
    "read_pipeline": frozenset({"manage_pipeline", "manage_ingest_pipelines", "manage", "all"}),
    "manage_pipeline": frozenset({"manage_ingest_pipelines", "manage", "all"}),
    "manage_index_templates": frozenset({"manage", "all"}),
    "read_security": frozenset({"manage_security", "all"}),
    "manage_own_api_key": frozenset({"manage_api_key", "manage_security", "all"}),
    "manage_api_key": frozenset({"manage_security", "all"}),
    "manage_security": frozenset({"all"}),
    "read_connector_secrets": frozenset({"all"}),
    "write_connector_secrets": frozenset({"all"}),
    "all": frozenset(),
}

INDEX_GRANTS: dict[str, frozenset[str]] = {
    "read": frozenset({"all"}),
    "create_doc": frozenset({"create", "index", "write", "all"}),
    "create": frozenset({"index", "write", "all"}),
    "index": frozenset({"write", "all"}),
    "delete": frozenset({"write", "all"}),
    "write": frozenset({"all"}),
    "maintenance": frozenset({"manage", "all"}),
    "monitor": frozenset({"manage", "all"}),
    "view_index_metadata": frozenset({"manage", "all"}),
    "auto_configure": frozenset({"all"}),
    "create_index": frozenset({"manage", "all"}),
    "delete_index": frozenset({"manage", "all"}),
    "manage": frozenset({"all"}),
    "read_cross_cluster": frozenset({"all"}),
    "all": frozenset(),
}


@dataclass(frozen=True, slots=True)
class ClusterPrivilege:
    """A privilege on the cluster, and the server's name of the action it is demanded for."""

    name: str
    action: str


@dataclass(frozen=True, slots=True)
class IndexPrivilege:
    """A privilege on the indices named by the path parameter `index` (none there: on every index)."""

    name: str
    action: str


Privilege = ClusterPrivilege | IndexPrivilege


def cluster_grants(wanted: str) -> frozenset[str]:
    """Every cluster privilege that grants this one."""
    return CLUSTER_GRANTS.get(wanted, frozenset({"all"})) | {wanted}


def index_grants(wanted: str) -> frozenset[str]:
    """Every index privilege that grants this one."""
    return INDEX_GRANTS.get(wanted, frozenset({"all"})) | {wanted}

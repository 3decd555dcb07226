"""Who calls and what they may do: users, roles, API keys and privileges."""

from sandbox.elasticsearch.security.principals import ANYBODY, ApiKey, Principal, Role, Security, User
from sandbox.elasticsearch.security.privileges import (
    CLUSTER_GRANTS,
    INDEX_GRANTS,
    ClusterPrivilege,
    IndexPrivilege,
    Privilege,
)

__all__ = [
    "ANYBODY",
    "CLUSTER_GRANTS",
    "INDEX_GRANTS",
    "ApiKey",
    "ClusterPrivilege",
    "IndexPrivilege",
    "Principal",
    "Privilege",
    "Role",
    "Security",
    "User",
]

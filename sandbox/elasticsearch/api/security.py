"""Routes of security: API keys, the authenticated caller, and its privileges."""

import fnmatch
from collections.abc import Mapping
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.http import Answer, Body, Request, Route
from sandbox.elasticsearch.indices import duration_seconds
from sandbox.elasticsearch.security import CLUSTER_GRANTS, INDEX_GRANTS, ApiKey, ClusterPrivilege

KEY_MEMBERS = frozenset({"name", "role_descriptors", "expiration", "metadata"})
INVALIDATE_MEMBERS = frozenset({"id", "ids", "name", "username", "realm_name", "owner"})


def create_api_key(request: Request) -> Answer:
    """A new key of the caller."""
    body = request.json_object()
    unknown = next((name for name in body if name not in KEY_MEMBERS), None)
    if unknown is not None:
        raise errors.parsing(f"[api_key_request] unknown field [{unknown}]")
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise errors.validation("api key name is required")
    descriptors = body.get("role_descriptors") or {}
    if not isinstance(descriptors, dict):
        raise errors.parsing("[api_key_request] role_descriptors doesn't support values of this type")
    _check_descriptors(descriptors)
    if request.principal.api_key_id is not None and not _is_without_privileges(descriptors):
        raise errors.illegal_argument(
            "creating derived api keys requires an explicit role descriptor that is empty (has no privileges)"
        )
    now = request.state.clock.milliseconds()
    expires = None
    if body.get("expiration") is not None:
        expires = now + int(duration_seconds(str(body["expiration"]), "expiration") * 1000)
    key = request.state.security.create_api_key(
        request.principal,
        name=name,
        descriptors=descriptors,
        metadata=body.get("metadata"),
        now_milliseconds=now,
        expires_milliseconds=expires,
    )
    answer: dict[str, Any] = {"id": key.id, "name": key.name}
    if expires is not None:
        answer["expiration"] = expires
    return Answer({**answer, "api_key": key.secret, "encoded": key.encoded})


def get_api_keys(request: Request) -> Answer:
    """The keys of an id, a name pattern, or all that the caller may see."""
    keys = [key for key in request.state.security.api_keys.values() if _is_asked_for(request, key)]
    if "id" in request.query and not keys:
        return Answer({"api_keys": []}, 404)
    return Answer({"api_keys": [_described(key) for key in keys]})


def invalidate_api_keys(request: Request) -> Answer:
    """Invalidate keys."""
    body = request.json_object()
    unknown = next((name for name in body if name not in INVALIDATE_MEMBERS), None)
    if unknown is not None:
        raise errors.parsing(f"[invalidate_api_key] unknown field [{unknown}]")
    ids = body.get("ids") or ([body["id"]] if body.get("id") else [])
    if not ids and not body.keys() & {"name", "username", "realm_name", "owner"}:
        raise errors.validation(
            "One of [api key id(s), api key name, username, realm name] must be specified if [owner] "
            "flag is false"
        )
    done: list[str] = []
    for key in request.state.security.api_keys.values():
        if not (key.id in ids or ("name" in body and fnmatch.fnmatchcase(key.name, str(body["name"])))):
            continue
        if not key.invalidated:
            done.append(key.id)
        key.invalidated = True
    # Keys that were invalid before are not looked at; only one invalidated at the same moment is reported.
    return Answer({"invalidated_api_keys": done, "previously_invalidated_api_keys": [], "error_count": 0})


def authenticate(request: Request) -> Answer:
    """The authenticated caller."""
    principal = request.principal
    is_key = principal.api_key_id is not None
    realm = (
        {"name": "_es_api_key", "type": "_es_api_key"}
        if is_key
        else {"name": "default_native", "type": "native"}
    )
    answer: dict[str, Any] = {
        "username": principal.username,
        "roles": [] if is_key else [role.name for role in principal.roles],
        "full_name": None,
        "email": None,
        "metadata": {},
        "enabled": True,
        "authentication_realm": realm,
        "lookup_realm": realm,
        "authentication_type": "api_key" if is_key else "realm",
    }
    if is_key:
        answer["api_key"] = {"id": principal.api_key_id, "name": principal.api_key_name}
    return Answer(answer)


def has_privileges(request: Request) -> Answer:
    """Which of the asked-for privileges the caller has."""
    body = request.json_object()
    principal = request.principal
    cluster = {str(name): principal.may_cluster(str(name)) for name in _entries(body, "cluster")}
    index: dict[str, dict[str, bool]] = {}
    for entry in _entries(body, "index"):
        if not isinstance(entry, dict):
            raise errors.parsing("[has_privileges] failed to parse field [index]")
        for name in _names(entry.get("names")):
            answers = index.setdefault(name, {})
            answers.update(
                {
                    privilege: principal.may_index(privilege, name)
                    for privilege in _names(entry.get("privileges"))
                }
            )
    if not cluster and not index and not body.get("application"):
        raise errors.validation("must specify at least one privilege")
    has_all = all(cluster.values()) and all(all(answers.values()) for answers in index.values())
    return Answer(
        {
            "username": principal.username,
            "has_all_requested": has_all,
            "cluster": cluster,
            "index": index,
            "application": {},
        }
    )


def _is_without_privileges(descriptors: Mapping[str, Any]) -> bool:
    return bool(descriptors) and not any(
        body.get("cluster") or body.get("indices") or body.get("index") for body in descriptors.values()
    )


def _check_descriptors(descriptors: Mapping[str, Any]) -> None:
    for name, body in descriptors.items():
        if not isinstance(body, dict):
            raise errors.ElasticsearchError(400, "parse_exception", f"failed to parse role [{name}]")
        _check_known(_names(body.get("cluster")), CLUSTER_GRANTS, "cluster")
        for entry in body.get("indices") or body.get("index") or []:
            if not isinstance(entry, dict):
                raise errors.ElasticsearchError(
                    400, "parse_exception", f"failed to parse indices privileges for role [{name}]"
                )
            if not entry.get("names") or not entry.get("privileges"):
                missing = "names" if not entry.get("names") else "privileges"
                raise errors.ElasticsearchError(
                    400,
                    "parse_exception",
                    f"failed to parse indices privileges for role [{name}]. missing required "
                    f"[{missing}] field",
                )
            _check_known(_names(entry["privileges"]), INDEX_GRANTS, "index")


def _check_known(privileges: list[str], known: Mapping[str, Any], kind: str) -> None:
    for privilege in privileges:
        if privilege.lower() not in known and ":" not in privilege and privilege not in OTHER_PRIVILEGES:
            raise errors.validation(
                f"unknown {kind} privilege [{privilege}]. a privilege must be either one of the "
                f"predefined {kind} "
                f"privilege names [{','.join(sorted(known))}] or a pattern over one of the available "
                f"{kind} actions"
            )


OTHER_PRIVILEGES = frozenset(
    {
        "none",
        "manage_ilm",
        "read_ilm",
        "manage_ml",
        "monitor_ml",
        "transport_client",
        "manage_search_application",
        "monitor_inference",
        "manage_inference",
        "manage_behavioral_analytics",
        "manage_leader_index",
        "manage_follow_index",
        "manage_data_stream_lifecycle",
        "manage_ingest_pipelines",
        "cross_cluster_replication",
    }
)


def _entries(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name) or []
    if not isinstance(value, list):
        raise errors.parsing(f"[has_privileges] {name} doesn't support values of this type")
    return value


def _names(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [str(name) for name in value] if isinstance(value, list) else []


def _is_asked_for(request: Request, key: ApiKey) -> bool:
    if "id" in request.query and key.id != request.query["id"]:
        return False
    if "name" in request.query and not fnmatch.fnmatchcase(key.name, request.query["name"]):
        return False
    if request.flag("active_only") and key.invalidated:
        return False
    sees_all = request.principal.may_cluster("read_security")
    return (
        sees_all or key.id == request.principal.api_key_id or key.owner.username == request.principal.username
    )


def _described(key: ApiKey) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": key.id,
        "name": key.name,
        "type": "rest",
        "creation": key.created_milliseconds,
        "invalidated": key.invalidated,
        "username": key.owner.username,
        "realm": "default_native",
        "metadata": dict(key.metadata),
        "role_descriptors": dict(key.descriptors),
    }
    if key.expires_milliseconds is not None:
        described["expiration"] = key.expires_milliseconds
    return described


MANAGE = ClusterPrivilege("manage_own_api_key", "cluster:admin/xpack/security/api_key/create")
INVALIDATE = ClusterPrivilege("manage_own_api_key", "cluster:admin/xpack/security/api_key/invalidate")

ROUTES = [
    Route("POST", "/_security/api_key", create_api_key, frozenset({"refresh"}), Body.REQUIRED, MANAGE),
    Route("PUT", "/_security/api_key", create_api_key, frozenset({"refresh"}), Body.REQUIRED, MANAGE),
    Route(
        "GET",
        "/_security/api_key",
        get_api_keys,
        frozenset({"id", "name", "owner", "username", "realm_name", "active_only", "with_limited_by"}),
    ),
    Route("DELETE", "/_security/api_key", invalidate_api_keys, frozenset(), Body.REQUIRED, INVALIDATE),
    Route("GET", "/_security/_authenticate", authenticate),
    Route("GET", "/_security/user/_has_privileges", has_privileges, frozenset(), Body.REQUIRED),
    Route("POST", "/_security/user/_has_privileges", has_privileges, frozenset(), Body.REQUIRED),
]

"""Who calls and what they may do: users with roles, API keys with role descriptors.

Without `Security` everybody is the superuser. With it every request must authenticate, and each route
demands its privilege of the caller before anything else is looked at.
"""

import base64
import binascii
import fnmatch
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.security.privileges import (
    ClusterPrivilege,
    IndexPrivilege,
    cluster_grants,
    index_grants,
)

CHALLENGES = 'Basic realm="security", charset="UTF-8", Bearer realm="security", ApiKey'


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Privileges on the cluster, and on indices by name pattern."""

    name: str
    cluster: frozenset[str] = frozenset()
    indices: tuple[tuple[tuple[str, ...], frozenset[str]], ...] = ()

    @classmethod
    def from_wire(cls, name: str, body: Any) -> "Role":
        """A role descriptor as an API key carries it."""
        if not isinstance(body, Mapping):
            raise errors.ElasticsearchError(400, "parse_exception", "failed to parse role descriptor")
        entries = body.get("indices") or body.get("index") or []
        return cls(
            name=name,
            cluster=frozenset(str(privilege).lower() for privilege in body.get("cluster") or ()),
            indices=tuple(
                (
                    tuple(_names(entry.get("names"))),
                    frozenset(str(privilege).lower() for privilege in entry.get("privileges") or ()),
                )
                for entry in entries
                if isinstance(entry, Mapping)
            ),
        )

    def grants_cluster(self, privilege: str) -> bool:
        """Whether the role includes this cluster privilege."""
        return bool(self.cluster & cluster_grants(privilege))

    def grants_index(self, privilege: str, index: str) -> bool:
        """Whether the role includes this privilege on this index."""
        wanted = index_grants(privilege)
        return any(
            privileges & wanted and any(fnmatch.fnmatchcase(index, pattern) for pattern in patterns)
            for patterns, privileges in self.indices
        )

    def has_any(self, privileges: frozenset[str]) -> bool:
        """Whether the role includes one of these index privileges on any index."""
        return any(granted & privileges for _, granted in self.indices)


def _names(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(name) for name in value or ()]


SUPERUSER = Role(name="superuser", cluster=frozenset({"all"}), indices=((("*",), frozenset({"all"})),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated caller."""

    username: str
    roles: tuple[Role, ...] = (SUPERUSER,)
    limited_by: tuple[Role, ...] | None = None
    api_key_id: str | None = None
    api_key_name: str | None = None

    @property
    def name(self) -> str:
        """The caller's key, or user."""
        return self.api_key_name or self.username

    def may_cluster(self, privilege: str) -> bool:
        """Whether the caller has this privilege on the cluster."""
        return all(
            any(role.grants_cluster(privilege) for role in roles)
            for roles in (self.roles, self.limited_by)
            if roles is not None
        )

    def may_index(self, privilege: str, index: str) -> bool:
        """Whether the caller has this privilege on this index."""
        return all(
            any(role.grants_index(privilege, index) for role in roles)
            for roles in (self.roles, self.limited_by)
            if roles is not None
        )

    def demand_cluster(self, privilege: ClusterPrivilege) -> None:
        """Raise the 403 unless the caller has the privilege."""
        if not self.may_cluster(privilege.name):
            granting = _listed(cluster_grants(privilege.name))
            raise errors.security(
                403,
                f"action [{privilege.action}] is unauthorized for {self.described()}, "
                f"this action is granted by the cluster privileges [{granting}]",
            )

    def demand_index(self, privilege: IndexPrivilege, indices: Iterable[str]) -> None:
        """Raise the 403 unless the caller has the privilege on each of these indices."""
        refused = [name for name in indices if not self.may_index(privilege.name, name)]
        if refused:
            granting = _listed(index_grants(privilege.name))
            raise errors.security(
                403,
                f"action [{privilege.action}] is unauthorized for {self.described()} "
                f"on indices [{','.join(refused)}], "
                f"this action is granted by the index privileges [{granting}]",
            )

    def demand_any_index(self, privileges: Iterable[IndexPrivilege], action: str) -> None:
        """Raise the 403 unless the caller has one of these privileges on any index at all."""
        names = sorted({privilege.name for privilege in privileges})
        wanted = frozenset().union(*(index_grants(name) for name in names))
        for roles in (self.roles, self.limited_by):
            if roles is not None and not any(role.has_any(wanted) for role in roles):
                raise errors.security(
                    403,
                    f"action [{action}] is unauthorized for {self.described()}, "
                    f"this action is granted by the index privileges [{_listed(wanted)}]",
                )

    def described(self) -> str:
        """The caller as messages name it."""
        if self.api_key_id is not None:
            return f"API key id [{self.api_key_id}] of user [{self.username}]"
        names = ",".join(role.name for role in self.roles)
        return f"user [{self.username}] with effective roles [{names}]"


def _listed(privileges: frozenset[str]) -> str:
    return ",".join([*sorted(privileges - {"all"}), "all"])


ANYBODY = Principal(username="_anonymous")


@dataclass(frozen=True, slots=True)
class User:
    """A user of the native realm."""

    username: str
    password: str = field(repr=False)
    roles: tuple[Role, ...] = (SUPERUSER,)


@dataclass(slots=True, kw_only=True)
class ApiKey:
    """A key as it was created; `invalidated` once it is no longer accepted."""

    id: str
    name: str
    secret: str = field(repr=False)
    owner: Principal
    roles: tuple[Role, ...]
    descriptors: Mapping[str, Any]
    metadata: Mapping[str, Any]
    created_milliseconds: int
    expires_milliseconds: int | None = None
    invalidated: bool = False

    @property
    def encoded(self) -> str:
        """The form for the `Authorization: ApiKey` header."""
        return base64.b64encode(f"{self.id}:{self.secret}".encode()).decode()


class Security:
    """The users and keys of one server."""

    def __init__(self, users: Iterable[User] = (User("elastic", "changeme"),)) -> None:
        self.users = {user.username: user for user in users}
        self.api_keys: dict[str, ApiKey] = {}

    def authenticate(self, authorization: str | None, *, now_milliseconds: int) -> Principal:
        """The caller an `Authorization` header stands for; raises the 401."""
        scheme, _, credentials = (authorization or "").strip().partition(" ")
        match scheme.lower():
            case "basic":
                return self._user(credentials.strip())
            case "apikey":
                return self._key(credentials.strip(), now_milliseconds)
            case _:
                raise unauthenticated("missing authentication credentials for REST request")

    def create_api_key(
        self,
        owner: Principal,
        *,
        name: str,
        descriptors: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        now_milliseconds: int = 0,
        expires_milliseconds: int | None = None,
    ) -> ApiKey:
        """A new key; without descriptors it may do what its owner may."""
        key = ApiKey(
            id=secrets.token_urlsafe(15),
            name=name,
            secret=secrets.token_urlsafe(16),
            owner=owner,
            roles=tuple(Role.from_wire(role, body) for role, body in descriptors.items()),
            descriptors=descriptors,
            metadata=metadata or {},
            created_milliseconds=now_milliseconds,
            expires_milliseconds=expires_milliseconds,
        )
        self.api_keys[key.id] = key
        return key

    def _user(self, credentials: str) -> Principal:
        username, password = _decoded_pair(credentials, "basic authentication")
        user = self.users.get(username)
        if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
            raise unauthenticated(f"unable to authenticate user [{username}] for REST request")
        return Principal(username=username, roles=user.roles)

    def _key(self, credentials: str, now_milliseconds: int) -> Principal:
        key_id, secret = _decoded_pair(credentials, "ApiKey")
        key = self.api_keys.get(key_id)
        if key is None or not hmac.compare_digest(key.secret.encode(), secret.encode()):
            raise unauthenticated(
                "unable to authenticate with provided credentials and anonymous access is not "
                "allowed for this request"
            )
        if key.invalidated:
            raise unauthenticated(f"api key [{key_id}] has been invalidated")
        if key.expires_milliseconds is not None and key.expires_milliseconds <= now_milliseconds:
            raise unauthenticated("api key is expired")
        return Principal(
            username=key.owner.username,
            roles=key.roles or key.owner.roles,
            limited_by=key.owner.roles if key.roles else None,
            api_key_id=key.id,
            api_key_name=key.name,
        )


def unauthenticated(reason: str) -> errors.ElasticsearchError:
    """The 401 with its challenges."""
    return errors.security(401, reason, headers={"WWW-Authenticate": CHALLENGES})


def _decoded_pair(credentials: str, scheme: str) -> tuple[str, str]:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise unauthenticated(f"invalid {scheme} header value") from None
    name, colon, secret = decoded.partition(":")
    if not colon:
        raise unauthenticated(f"invalid {scheme} header value")
    return name, secret

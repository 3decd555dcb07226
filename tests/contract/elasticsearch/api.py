"""One side of the contract as a test calls it: plain HTTP, names of its own, removed afterwards."""

import base64
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import orjson

NDJSON = "application/x-ndjson"
JSON = "application/json"
STAMP = {"username": "elastic"}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.content) if self.content else None

    @property
    def error(self) -> tuple[str, str]:
        """Type and reason of the error."""
        error = self.body["error"]
        return error["type"], error["reason"]

    @property
    def cause(self) -> tuple[str, str]:
        """Type and reason of the error's cause."""
        cause = self.body["error"]["caused_by"]
        return cause["type"], cause["reason"]


@dataclass(slots=True)
class Api:
    """An Elasticsearch and the names a test has taken in it."""

    session: aiohttp.ClientSession
    url: str
    authorization: str | None
    is_embedded: bool
    _indices: list[str] = field(default_factory=list)
    _pipelines: list[str] = field(default_factory=list)
    _api_keys: list[str] = field(default_factory=list)

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = JSON,
        headers: dict[str, str] | None = None,
        authorization: str | None = "",
        **params: Any,
    ) -> Reply:
        """Send one request. A body is bytes as they are, a list of lines, or a JSON value."""
        sent: dict[str, str] = {}
        content = None
        if body is not None:
            content, content_type = _encoded(body, content_type)
            sent["Content-Type"] = content_type
        credentials = self.authorization if authorization == "" else authorization
        if credentials is not None:
            sent["Authorization"] = credentials
        sent.update(headers or {})
        query = {name: _text(value) for name, value in params.items()}
        async with self.session.request(
            method, self.url + path, data=content, headers=sent, params=query
        ) as answer:
            return Reply(answer.status, dict(answer.headers), await answer.read())

    def index(self) -> str:
        """The name of an index for this test; removed afterwards if it then exists."""
        name = f"contract-{secrets.token_hex(6)}"
        self.claim(name)
        return name

    def claim(self, index: str) -> None:
        """Remove this index, too, afterwards."""
        self._indices.append(index)

    def pipeline(self) -> str:
        """The name of a pipeline for this test."""
        name = f"contract-{secrets.token_hex(6)}"
        self._pipelines.append(name)
        return name

    def stamp(self, field: str, **options: str) -> dict[str, Any]:
        """A processor that puts `STAMP` into a field; a server without modules has but one processor."""
        if self.is_embedded:
            return {"set": {"field": field, "value": STAMP, **options}}
        return {"set_security_user": {"field": field, "properties": ["username"], **options}}

    async def api_key(self, descriptors: dict[str, Any]) -> str:
        """A key with these roles, as the value of an `Authorization` header."""
        answer = await self(
            "POST",
            "/_security/api_key",
            {"name": f"contract-{secrets.token_hex(4)}", "role_descriptors": descriptors, "expiration": "1h"},
        )
        assert answer.status == 200, answer.content
        self._api_keys.append(answer.body["id"])
        return f"ApiKey {answer.body['encoded']}"

    async def created(self, **body: Any) -> str:
        """An index made with this body."""
        name = self.index()
        answer = await self("PUT", f"/{name}", body or None)
        assert answer.status == 200, answer.content
        return name

    async def filled(self, documents: dict[str, Any], **body: Any) -> str:
        """An index with these documents, refreshed."""
        name = await self.created(**body)
        lines: list[Any] = []
        for document_id, source in documents.items():
            lines += [{"index": {"_id": document_id}}, source]
        answer = await self("POST", f"/{name}/_bulk", lines, refresh=True)
        assert answer.body["errors"] is False, answer.content
        return name

    async def clean_up(self) -> None:
        """Remove everything the test made."""
        for name in self._indices:
            await self("DELETE", f"/{name}", ignore_unavailable=True)
        for name in self._pipelines:
            await self("DELETE", f"/_ingest/pipeline/{name}")
        if self._api_keys:
            await self("DELETE", "/_security/api_key", {"ids": self._api_keys})


def unfit(*, field: str, kind: str, preview: str, position: str) -> tuple[str, str]:
    """Return the error that answers a document with id 1 when one of its values does not fit."""
    where = f"[{position}] failed to parse field [{field}] of type [{kind}] in document with id '1'."
    return "document_parsing_exception", f"{where} Preview of field's value: '{preview}'"


def without_credentials(address: str) -> tuple[str, str | None]:
    """A URL without the user and password in it, and the `Authorization` header they stand for."""
    parts = urlsplit(address)
    if parts.username is None:
        return address.rstrip("/"), None
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit((parts.scheme, host, parts.path, "", "")).rstrip("/")
    return url, basic(parts.username, parts.password or "")


def basic(username: str, password: str) -> str:
    """The `Authorization` header of a user."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _encoded(body: Any, content_type: str) -> tuple[bytes, str]:
    if isinstance(body, bytes):
        return body, content_type
    if isinstance(body, list):
        return b"".join(orjson.dumps(line) + b"\n" for line in body), NDJSON
    return orjson.dumps(body), content_type


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

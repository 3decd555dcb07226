"""What a handler gets and gives: `Request`, with the whole call already read, and `Answer`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.indices import Write
from sandbox.elasticsearch.json import parse_json, token_of
from sandbox.elasticsearch.security import Principal, Privilege
from sandbox.elasticsearch.state import State


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body: a JSON value, or bytes that are already rendered."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str | None] = field(default_factory=dict)

    def rendered(self, *, pretty: bool = False) -> bytes:
        """The body as bytes."""
        if isinstance(self.body, bytes):
            return self.body
        option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE if pretty else 0
        return orjson.dumps(self.body, option=option | orjson.OPT_NON_STR_KEYS)


@dataclass(slots=True)
class Effect:
    """What a request changed; part of its entry in the journal."""

    indexed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, write: Write) -> None:
        """Enter what a write made or changed."""
        if write.result in ("created", "updated"):
            self.indexed.append(write.id)


@dataclass(slots=True, kw_only=True)
class Request:
    """One call, routed and authenticated."""

    state: State
    principal: Principal
    method: str
    path: str
    path_parameters: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    privilege: Privilege | None = None
    effect: Effect = field(default_factory=Effect)

    def parameter(self, name: str) -> str:
        """A parameter of the path; empty if the segment was empty."""
        return self.path_parameters.get(name, "")

    def json(self) -> Any:
        """The body as JSON.

        Raises `parse_exception` without a body and `x_content_parse_exception` if it is not JSON.
        """
        if not self.body.strip():
            raise errors.body_required()
        return parse_json(self.body)

    def json_or(self, default: Any) -> Any:
        """The body as JSON, or `default` without a body."""
        return parse_json(self.body) if self.body.strip() else default

    def json_object(self, *, required: bool = True) -> dict[str, Any]:
        """The body as a JSON object; without a body an empty one unless it is required."""
        value = self.json() if required else self.json_or({})
        if not isinstance(value, dict):
            raise errors.ElasticsearchError(
                400, "parsing_exception", f"Expected [START_OBJECT] but found [{token_of(value)}]"
            )
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean query parameter; present without a value means true."""
        value = self.query.get(name)
        if value is None:
            return default
        if value not in ("", "true", "false"):
            raise errors.illegal_argument(
                f"Failed to parse value [{value}] as only [true] or [false] are allowed."
            )
        return value != "false"

    def integer(self, name: str, default: int) -> int:
        """An integer query parameter."""
        value = self.query.get(name)
        if value is None or value == "":
            return default
        try:
            number = int(value)
            if abs(number) >= 2**31:
                raise ValueError(value)
            return number
        except ValueError:
            raise errors.illegal_argument(
                f"Failed to parse int parameter [{name}] with value [{value}]",
                caused_by=errors.ElasticsearchError(
                    400, "number_format_exception", f'For input string: "{value}"'
                ),
            ) from None

    def optional_integer(self, name: str) -> int | None:
        """An integer query parameter that may be absent."""
        return self.integer(name, 0) if name in self.query else None

    def names(self, name: str) -> list[str]:
        """A comma-separated query parameter, without empty entries."""
        return [part for part in self.query.get(name, "").split(",") if part]

"""Strict reading of request bodies, declared field by field, refusing in Elasticsearch's words.

    ObjectParser("connector_update_error_request", (text_or_null("error", required=True),))
        .read({"error": 7})
    BodyError: [connector_update_error_request] error doesn't support values of type: VALUE_NUMBER

A parser is strict (unknown keys refused, with a suggestion) or lenient (unknown keys skipped): requests are
strict, what nests in them is lenient. Errors nest as the objects do; each knows the path to the value that
caused it, from which `json_position` finds line and column.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sandbox.elasticsearch import json
from sandbox.elasticsearch.connectors.parsing.suggestions import did_you_mean
from sandbox.elasticsearch.json.position import Anchor

PARSE_EXCEPTION = "x_content_parse_exception"
ILLEGAL_ARGUMENT = "illegal_argument_exception"


class Token(StrEnum):
    """The kind of a JSON value, in the words of the error messages."""

    START_OBJECT = "START_OBJECT"
    START_ARRAY = "START_ARRAY"
    VALUE_STRING = "VALUE_STRING"
    VALUE_NUMBER = "VALUE_NUMBER"
    VALUE_BOOLEAN = "VALUE_BOOLEAN"
    VALUE_NULL = "VALUE_NULL"


class BodyError(Exception):
    """A body cannot be read: what an error envelope needs to say so.

    Only parse exceptions carry a position in their reason; `path` and `anchor` say where it is.
    """

    def __init__(
        self,
        reason: str,
        *,
        kind: str = PARSE_EXCEPTION,
        located: bool = True,
        path: tuple[str | int, ...] = (),
        anchor: Anchor = Anchor.VALUE,
        cause: "BodyError | None" = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind
        self.located = located and kind == PARSE_EXCEPTION
        self.path = path
        self.anchor = anchor
        self.cause = cause

    def wrapped(self, reason: str, key: str) -> "BodyError":
        """The same failure as the enclosing object reports it."""
        return BodyError(reason, path=(key, *self.path), anchor=self.anchor, cause=self)

    def below(self, key: str | int) -> "BodyError":
        """The same failure, its path seen from the container of `key`."""
        self.path = (key, *self.path)
        return self


def illegal(reason: str, *, kind: str = ILLEGAL_ARGUMENT, cause: BodyError | None = None) -> BodyError:
    """An unacceptable value of an acceptable kind; it becomes the cause of "failed to parse field"."""
    return BodyError(reason, kind=kind, cause=cause)


def token_of(value: Any) -> Token:
    """The kind of `value`."""
    return Token(json.token_of(value))


Read = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One declared member: the kinds it takes and how its value is read."""

    name: str
    accepts: frozenset[Token]
    read: Read
    required: bool = False


@dataclass(frozen=True, slots=True)
class ObjectParser:
    """A declared object. `build` makes the value of its members, once all arrived or it ends."""

    name: str
    fields: tuple[Field, ...]
    strict: bool = False
    build: Callable[[dict[str, Any]], None] | None = None
    _by_name: Mapping[str, Field] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {each.name: each for each in self.fields})

    def read(self, value: Any) -> dict[str, Any]:
        """Return the declared members of `value` that were given, normalised; raise BodyError."""
        token = token_of(value)
        if token is not Token.START_OBJECT:
            raise BodyError(f"[{self.name}] Expected START_OBJECT but was: {token}")
        parsed: dict[str, Any] = {}
        for key, member in value.items():
            declared = self._by_name.get(key)
            if declared is not None:
                parsed[key] = self._read_member(declared, member)
                self._build_when_complete(parsed, key)
            elif self.strict:
                suggestion = did_you_mean(key, self._by_name)
                raise BodyError(
                    f"[{self.name}] unknown field [{key}]{suggestion}", path=(key,), anchor=Anchor.KEY
                )
        if len(parsed) < len(self.fields):
            self._require(parsed)
            self._build(parsed)
        return parsed

    def _read_member(self, declared: Field, member: Any) -> Any:
        token = token_of(member)
        if token not in declared.accepts:
            raise BodyError(
                f"[{self.name}] {declared.name} doesn't support values of type: {token}",
                path=(declared.name,),
            )
        try:
            return declared.read(member)
        except BodyError as error:
            raise error.wrapped(
                f"[{self.name}] failed to parse field [{declared.name}]", declared.name
            ) from error

    def _build_when_complete(self, parsed: dict[str, Any], last: str) -> None:
        """Build as soon as the last declared member arrives: a refusal is that member's failure."""
        if len(parsed) < len(self.fields):
            return
        try:
            self._build(parsed)
        except BodyError as error:
            raise error.wrapped(f"[{self.name}] failed to parse field [{last}]", last) from error

    def _build(self, parsed: dict[str, Any]) -> None:
        if self.build is None:
            return
        try:
            self.build(parsed)
        except BodyError as error:
            raise BodyError(
                f"Failed to build [{self.name}] after last required field arrived", located=False, cause=error
            ) from error

    def _require(self, parsed: dict[str, Any]) -> None:
        # A null counts as absent. The server does not check where every declared member was given.
        missing = [each.name for each in self.fields if each.required and parsed.get(each.name) is None]
        if missing:
            raise BodyError(f"Required [{', '.join(missing)}]", kind=ILLEGAL_ARGUMENT, anchor=Anchor.END)

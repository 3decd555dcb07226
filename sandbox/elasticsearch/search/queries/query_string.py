"""The query language of one line: `title:(rock jazz) AND NOT year:[* TO 1970] "exact phrase" name:ab*`.

expression := term ((AND | OR | nothing) term)*      term := NOT term | (expression) | [field:]clause
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.search.candidates import Candidate
from sandbox.elasticsearch.search.queries.parts import Scorer

TOKEN = re.compile(
    r"\s*(?:(?P<range>[\[{][^\]}]*[\]}])|(?P<phrase>\"(?:[^\"\\]|\\.)*\")|(?P<open>\()|(?P<close>\))"
    r"|(?P<field>(?:[^\s:\"()\[\]{}\\]|\\.)+):|(?P<word>(?:[^\s()\"\\]|\\.)+))"
)
RANGE = re.compile(r"([\[{])\s*(\S+)\s+TO\s+(\S+?)\s*([\]}])")
COMPARISON = re.compile(r"(>=|<=|>|<)(.+)")
MAX_DEPTH = 100


class TextQuery(Protocol):
    """Builds the query of a text on several fields."""

    def __call__(
        self, patterns: Sequence[str], value: Any, *, operator: str = "or", as_phrase: bool = False
    ) -> "Scorer":
        """The scorer."""


def compiled(
    text: str,
    fields: Sequence[str],
    *,
    default_operator: str,
    build: "Callable[[Any], Scorer]",
    text_query: TextQuery,
) -> "Scorer":
    """The query as a function; raises `query_shard_exception` for a line that cannot be read."""
    tokens = []
    position = 0
    while text[position:].strip():
        found = TOKEN.match(text, position)
        if found is None:
            raise _unreadable(text)
        tokens.append((str(found.lastgroup), found[found.lastgroup or 0]))
        position = found.end()
    reader = _Reader(text, tokens, build, text_query, default_operator)
    if not tokens:
        return build({"match_none": {}})
    scorer = reader.expression(tuple(fields), 0)
    if reader.position < len(tokens):
        raise _unreadable(text)
    return scorer


@dataclass(slots=True)
class _Reader:
    text: str
    tokens: list[tuple[str, str]]
    build: "Callable[[Any], Scorer]"
    text_query: TextQuery
    default_operator: str
    position: int = 0

    def expression(self, fields: tuple[str, ...], depth: int) -> "Scorer":
        """Terms joined by OR, each a group of terms joined by AND."""
        if depth > MAX_DEPTH:
            raise _unreadable(self.text)
        groups: list[list[Scorer]] = [[self.term(fields, depth)]]
        while (token := self.peek()) is not None and token[0] != "close":
            operator = self.default_operator
            if token == ("word", "AND") or token == ("word", "&&"):
                operator, self.position = "and", self.position + 1
            elif token == ("word", "OR") or token == ("word", "||"):
                operator, self.position = "or", self.position + 1
            scorer = self.term(fields, depth)
            if operator == "and":
                groups[-1].append(scorer)
            else:
                groups.append([scorer])
        return _any([_all(group) for group in groups])

    def term(self, fields: tuple[str, ...], depth: int) -> "Scorer":
        """One clause, perhaps negated, in parentheses or on a field of its own."""
        token = self.peek()
        if token is None:
            raise _unreadable(self.text)
        self.position += 1
        kind, value = token
        match kind:
            case "word" if value in ("NOT", "!"):
                return _not(self.term(fields, depth + 1))
            case "word" if value[0] in "+-" and len(value) > 1:
                inner = self.word(fields, value[1:])
                return _not(inner) if value[0] == "-" else inner
            case "word" if value in ("AND", "OR", "&&", "||"):
                raise _unreadable(self.text)
            case "word":
                return self.word(fields, value)
            case "phrase":
                return self.text_query(fields, _unescaped(value[1:-1]), as_phrase=True)
            case "range":
                return self.range(fields, value)
            case "field":
                if depth > MAX_DEPTH:
                    raise _unreadable(self.text)
                return self.field(_unescaped(value), depth)
            case "open":
                scorer = self.expression(fields, depth + 1)
                if self.peek() is None:
                    raise _unreadable(self.text)
                self.position += 1
                return scorer
            case _:
                raise _unreadable(self.text)

    def field(self, name: str, depth: int) -> "Scorer":
        """A clause on a named field."""
        if name == "_exists_":
            token = self.peek()
            self.position += 1
            return self.build({"exists": {"field": token[1] if token else ""}})
        return self.term((name,), depth + 1)

    def word(self, fields: tuple[str, ...], word: str) -> "Scorer":
        """A word, a pattern, or a comparison."""
        if word == "*":
            return self.build({"match_all": {}} if fields == ("*",) else {"exists": {"field": fields[0]}})
        if found := COMPARISON.fullmatch(word):
            name = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}[found[1]]
            return _any([self.build({"range": {field: {name: found[2]}}}) for field in fields])
        if "*" in word or "?" in word:
            return _any(
                [
                    self.build({"wildcard": {field: {"value": word, "case_insensitive": True}}})
                    for field in fields
                ]
            )
        return self.text_query(fields, _unescaped(word), operator=self.default_operator)

    def range(self, fields: tuple[str, ...], text: str) -> "Scorer":
        """A range such as `[1 TO 5}`."""
        found = RANGE.fullmatch(text)
        if found is None:
            raise _unreadable(self.text)
        opening, lower, upper, closing = found.groups()
        bounds = {}
        if lower != "*":
            bounds["gte" if opening == "[" else "gt"] = lower
        if upper != "*":
            bounds["lte" if closing == "]" else "lt"] = upper
        return _any([self.build({"range": {field: bounds}}) for field in fields])

    def peek(self) -> tuple[str, str] | None:
        """The next token, if there is one."""
        return self.tokens[self.position] if self.position < len(self.tokens) else None


def _all(scorers: "list[Scorer]") -> "Scorer":
    def score(candidate: "Candidate") -> float | None:
        total = 0.0
        for scorer in scorers:
            found = scorer(candidate)
            if found is None:
                return None
            total += found
        return total

    return scorers[0] if len(scorers) == 1 else score


def _any(scorers: "list[Scorer]") -> "Scorer":
    def score(candidate: "Candidate") -> float | None:
        scores = [found for scorer in scorers if (found := scorer(candidate)) is not None]
        return sum(scores) if scores else None

    return scorers[0] if len(scorers) == 1 else score


def _not(scorer: "Scorer") -> "Scorer":
    return lambda candidate: 0.0 if scorer(candidate) is None else None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _unreadable(text: str) -> errors.ElasticsearchError:
    return errors.search_failed(
        errors.ElasticsearchError(400, "query_shard_exception", f"Failed to parse query [{text}]")
    )

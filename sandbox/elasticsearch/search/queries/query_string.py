"""The query language of one line: `title:(rock jazz) AND NOT year:[* TO 1970] "exact phrase" name:ab*`.

expression := clause ((AND | OR | nothing) clause)*      clause := [NOT | ! | - | +] term

AND and OR bind alike, as in Lucene: each says whether the clauses beside it are required.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.search.candidates import Candidate
from sandbox.elasticsearch.search.queries.parts import Context, Scorer, refused
from sandbox.elasticsearch.search.queries.patterns import normalized_wildcard, regexp
from sandbox.elasticsearch.search.queries.term_queries import exists, range_
from sandbox.elasticsearch.search.queries.text_queries import Wording, in_fields, match_text

TOKEN = re.compile(
    r"\s*(?:(?P<modifier>[-+!](?=\S))|(?P<range>[\[{][^\]}]*[\]}])|(?P<phrase>\"(?:[^\"\\]|\\.)*\"(?:~\d+)?)"
    r"|(?P<regexp>/(?:[^/\\]|\\.)+/)|(?P<open>\()|(?P<close>\))"
    r"|(?P<field>(?:[^\s:\"()\[\]{}\\]|\\.)+):|(?P<word>(?:[^\s()\"\\^]|\\.)+))(?:\^\d+(?:\.\d+)?)?"
)
FUZZY = re.compile(r"(?:[^\\]|\\.)*~[\d.]*")
RANGE = re.compile(r"([\[{])\s*(\S+)\s+TO\s+(\S+?)\s*([\]}])")
COMPARISON = re.compile(r"(>=|<=|>|<)(.+)")
MODIFIERS = {
    ("word", "NOT"): "must_not",
    ("modifier", "!"): "must_not",
    ("modifier", "-"): "must_not",
    ("modifier", "+"): "must",
}
CONJUNCTIONS = {("word", "AND"): "and", ("word", "&&"): "and", ("word", "OR"): "or", ("word", "||"): "or"}
MAX_DEPTH = 100


def compiled(
    text: str,
    fields: Sequence[str],
    *,
    default_operator: str,
    context: Context,
    is_lenient: bool,
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
    reader = _Reader(text, tokens, context, is_lenient, default_operator)
    if not tokens:
        return lambda candidate: None
    scorer = reader.expression(tuple(fields), 0)
    if reader.position < len(tokens):
        raise _unreadable(text)
    return scorer


@dataclass(slots=True)
class _Reader:
    text: str
    tokens: list[tuple[str, str]]
    context: Context
    is_lenient: bool
    default_operator: str
    position: int = 0

    def expression(self, fields: tuple[str, ...], depth: int) -> "Scorer":
        """Clauses, each of which must, should or must not match (Lucene, `QueryParserBase.addClause`)."""
        if depth > MAX_DEPTH:
            raise _unreadable(self.text)
        clauses: list[tuple[str, Scorer]] = []
        while (token := self.peek()) is not None and token[0] != "close":
            conjunction = self.taken(CONJUNCTIONS) if clauses else None
            modifier = self.taken(MODIFIERS)
            if clauses and conjunction is not None and clauses[-1][0] != "must_not":
                self._join(clauses, conjunction)
            is_required = self.default_operator == "and" if conjunction is None else conjunction == "and"
            occurs = modifier or ("must" if is_required else "should")
            if occurs == "must" and conjunction == "or" and self.default_operator == "and":
                occurs = "should"  # as the clause before it
            clauses.append((occurs, self.term(fields, depth)))
        if not clauses:
            raise _unreadable(self.text)
        return _bool(clauses)

    def _join(self, clauses: list[tuple[str, "Scorer"]], conjunction: str) -> None:
        """Let a conjunction change the clause before it: AND requires it, OR undoes a default of AND."""
        occurs, scorer = clauses[-1]
        if conjunction == "and":
            occurs = "must"
        elif self.default_operator == "and":
            occurs = "should"
        clauses[-1] = (occurs, scorer)

    def taken(self, known: Mapping[tuple[str, str], str]) -> str | None:
        """Pass the next token if it is one of these, and return what it stands for."""
        token = self.peek()
        if token is None or token not in known:
            return None
        self.position += 1
        return known[token]

    def term(self, fields: tuple[str, ...], depth: int) -> "Scorer":
        """One word, phrase or range, an expression in parentheses, or any of them on a field of its own."""
        token = self.peek()
        if token is None or token in MODIFIERS or token in CONJUNCTIONS:
            raise _unreadable(self.text)
        self.position += 1
        kind, value = token
        match kind:
            case "word":
                return self.word(fields, value)
            case "phrase":
                text, _, slop = value.rpartition('"')
                wording = Wording(phrase="phrase", slop=int(slop[1:] or 0))
                return self.words(fields, _unescaped(text[1:]), wording)
            case "regexp":
                return in_fields(
                    fields,
                    lambda path: regexp({path: value[1:-1]}, self.context),
                    is_lenient=self.is_lenient,
                )
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
            return exists({"field": token[1] if token else ""}, self.context)
        return self.term((name,), depth + 1)

    def word(self, fields: tuple[str, ...], word: str) -> "Scorer":
        """A word, a pattern, or a comparison."""
        if word == "*":
            return (lambda candidate: 1.0) if fields == ("*",) else exists({"field": fields[0]}, self.context)
        if found := COMPARISON.fullmatch(word):
            name = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}[found[1]]
            return self.bounds(fields, {name: found[2]})
        if FUZZY.fullmatch(word):
            raise refused(f"Fuzzy words are not modelled by the embedded server: [{word}]")
        if "*" in word or "?" in word:
            return in_fields(fields, lambda path: normalized_wildcard(path, word), is_lenient=self.is_lenient)
        return self.words(fields, _unescaped(word), Wording(operator=self.default_operator))

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
        return self.bounds(fields, bounds)

    def bounds(self, fields: tuple[str, ...], bounds: Mapping[str, str]) -> "Scorer":
        """Values between bounds in one of the fields."""
        return in_fields(
            fields, lambda path: range_({path: bounds}, self.context), is_lenient=self.is_lenient
        )

    def words(self, fields: tuple[str, ...], text: str, wording: Wording) -> "Scorer":
        """Words in one of the fields."""
        return in_fields(
            fields, lambda path: match_text(path, text, wording, self.context), is_lenient=self.is_lenient
        )

    def peek(self) -> tuple[str, str] | None:
        """The next token, if there is one."""
        return self.tokens[self.position] if self.position < len(self.tokens) else None


def _bool(clauses: "Sequence[tuple[str, Scorer]]") -> "Scorer":
    """Match what all clauses that must match do, or else one that should, and none that must not."""
    must, should, must_not = (
        [scorer for occurs, scorer in clauses if occurs == wanted]
        for wanted in ("must", "should", "must_not")
    )
    if not must_not and len(clauses) == 1:
        return clauses[0][1]

    def score(candidate: "Candidate") -> float | None:
        if any(scorer(candidate) is not None for scorer in must_not):
            return None
        required = [scorer(candidate) for scorer in must]
        optional = [found for scorer in should if (found := scorer(candidate)) is not None]
        if any(found is None for found in required) or (should and not must and not optional):
            return None
        return sum(found for found in required if found is not None) + sum(optional)

    return score


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _unreadable(text: str) -> errors.ElasticsearchError:
    return errors.search_failed(
        errors.ElasticsearchError(400, "query_shard_exception", f"Failed to parse query [{text}]")
    )

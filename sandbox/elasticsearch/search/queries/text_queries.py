"""Queries for analyzed text: match, match_phrase, match_phrase_prefix, multi_match."""

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.search.candidates import Candidate, is_analyzed, tokens
from sandbox.elasticsearch.search.queries.parts import (
    Context,
    Score,
    Scorer,
    as_text,
    by_index,
    field_members,
    members,
    needed_of,
    refused,
)
from sandbox.elasticsearch.search.queries.term_queries import any_of

MODELLED_TYPES = frozenset({"best_fields", "most_fields", "phrase", "phrase_prefix"})
MULTI_MATCH_TYPES = MODELLED_TYPES | {"cross_fields", "bool_prefix"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How a text is looked for: any of its words, all of them, so many of them, or as a phrase."""

    operator: str = "or"
    minimum_should_match: Any = None
    phrase: str | None = None
    """`phrase` or `phrase_prefix`"""
    slop: int = 0
    finds_all_without_words: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any], phrase: str | None = None) -> "Wording":
        """The wording that the options of a query ask for."""
        operator = str(options.get("operator", "or")).lower()
        if operator not in ("and", "or"):
            raise errors.illegal_argument(
                f"No enum constant org.elasticsearch.index.query.Operator.{operator.upper()}"
            )
        return cls(
            operator=operator,
            minimum_should_match=options.get("minimum_should_match"),
            phrase=phrase,
            slop=int(options.get("slop", 0)),
            finds_all_without_words=str(options.get("zero_terms_query", "none")).lower() == "all",
        )

    def score(self, texts: list[list[str]], wanted: list[str]) -> Score:
        """How well the values of a field match words."""
        if not wanted:
            return 1.0 if self.finds_all_without_words else None
        if self.phrase is not None:
            is_prefix = self.phrase == "phrase_prefix"
            found = any(has_phrase(text, wanted, slop=self.slop, is_prefix=is_prefix) for text in texts)
            return 1.0 if found else None
        needed = len(wanted) if self.operator == "and" else 1
        if self.operator == "or" and self.minimum_should_match is not None and len(wanted) > 1:
            needed = max(1, needed_of(self.minimum_should_match, len(wanted)))
        return _relevance([token for text in texts for token in text], wanted, needed)


def match(options: Any, context: Context) -> Scorer:
    """Documents with words of a text in a field."""
    path, value, inner = field_members("match", options, "query")
    if value is None:
        raise errors.illegal_argument("No text specified for text query")
    scorer = match_text(path, value, Wording.of(inner), context)
    return in_fields([path], lambda _: scorer, is_lenient=True) if is_true(inner.get("lenient")) else scorer


def match_phrase(options: Any, context: Context) -> Scorer:
    """Documents with the words of a text side by side."""
    path, value, inner = field_members("match_phrase", options, "query")
    return match_text(path, value, Wording.of(inner, "phrase"), context)


def match_phrase_prefix(options: Any, context: Context) -> Scorer:
    """The same, where the last word need only begin."""
    path, value, inner = field_members("match_phrase_prefix", options, "query")
    return match_text(path, value, Wording.of(inner, "phrase_prefix"), context)


def multi_match(options: Any, context: Context) -> Scorer:
    """Documents with words of a text in one of several fields."""
    options = members("multi_match", options)
    if options.get("query") is None:
        raise errors.illegal_argument("[multi_match] requires query value")
    kind = str(options.get("type", "best_fields"))
    if kind not in MULTI_MATCH_TYPES:
        raise errors.ElasticsearchError(
            400, "parse_exception", f"failed to parse [multi_match] query type [{kind}]. unknown type."
        )
    if kind not in MODELLED_TYPES:
        raise errors.illegal_argument(
            f"[multi_match] of type [{kind}] is not modelled by the embedded server"
        )
    patterns = options.get("fields", ["*"])
    patterns = [patterns] if isinstance(patterns, str) else patterns
    wording = Wording.of(options, kind if kind.startswith("phrase") else None)
    return in_fields(
        [str(pattern).partition("^")[0] for pattern in patterns],
        lambda path: match_text(path, options["query"], wording, context),
        is_lenient=is_true(options.get("lenient", "*" in patterns)),
    )


def is_true(value: Any) -> bool:
    """Whether a member of a request says so, also as text."""
    return value is True or value == "true"


def match_text(path: str, value: Any, wording: Wording, context: Context) -> Scorer:
    """The scorer of a text against a field."""
    wanted = tokens(as_text(value))
    exact = any_of(path, [value], context)

    def of_index(candidate: Candidate) -> Scorer:
        field = candidate.index.mapping.field(path) if path != "_id" else None
        if field is None or field.is_object:
            return exact
        if is_analyzed(field):
            return lambda candidate: wording.score([tokens(text) for text in candidate.values(field)], wanted)
        if wording.phrase == "phrase_prefix":
            raise refused(
                "failed to create query: Can only use phrase prefix queries on text fields - not on "
                f"[{path}] which is of type [{field.type}]"
            )
        return exact

    return by_index(of_index)


def in_fields(patterns: Sequence[str], build: Callable[[str], Scorer], *, is_lenient: bool) -> Scorer:
    """The best score in one of the fields named; `is_lenient` passes over those that cannot be asked."""
    scorers: dict[str, Scorer] = {}

    def score(candidate: Candidate) -> Score:
        best: Score = None
        for path in expanded(candidate, patterns):
            scorer = scorers.get(path) or scorers.setdefault(path, build(path))
            try:
                found = scorer(candidate)
            except errors.ElasticsearchError:
                if not is_lenient:
                    raise
                continue
            if found is not None and (best is None or found > best):
                best = found
        return best

    return score


def expanded(candidate: Candidate, patterns: Sequence[str]) -> list[str]:
    """The fields of a candidate's index that patterns stand for."""
    found: list[str] = []
    for pattern in patterns:
        if "*" in pattern:
            for leaf in candidate.index.mapping.leaves():
                paths = (leaf.path, *(field.path for field in leaf.fields.values()))
                found.extend(path for path in paths if fnmatch.fnmatchcase(path, pattern))
        else:
            found.append(pattern)
    return found


def has_phrase(text: list[str], phrase: list[str], *, slop: int = 0, is_prefix: bool = False) -> bool:
    """Whether words stand in a text side by side, or moved apart by `slop` places in all."""
    *head, last = phrase
    places = [[at for at, word in enumerate(text) if word == wanted] for wanted in head]
    places.append(
        [at for at, word in enumerate(text) if (word.startswith(last) if is_prefix else word == last)]
    )

    def reaches(word: int, taken: tuple[int, ...], lowest: int, highest: int) -> bool:
        if word == len(places):
            return True
        for place in places[word]:
            moved = place - word
            low, high = min(lowest, moved), max(highest, moved)
            if place not in taken and high - low <= slop and reaches(word + 1, (*taken, place), low, high):
                return True
        return False

    return any(reaches(1, (place,), place, place) for place in places[0])


def _relevance(text: list[str], wanted: list[str], needed: int) -> Score:
    """A score after BM25 without the statistics of the index: more often and in shorter texts is better."""
    hits = [text.count(term) for term in wanted]
    if sum(map(bool, hits)) < needed:
        return None
    norm = 1.2 * (0.25 + 0.75 * len(text) / 10)
    return sum(count * 2.2 / (count + norm) for count in hits if count)

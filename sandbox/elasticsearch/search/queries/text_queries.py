"""Queries for analyzed text: match, match_phrase, match_phrase_prefix, multi_match."""

import fnmatch
from collections.abc import Sequence
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.search.candidates import Candidate, is_analyzed, tokens
from sandbox.elasticsearch.search.queries.parts import Context, Score, Scorer, as_text, field_members, members
from sandbox.elasticsearch.search.queries.term_queries import any_of


def match(options: Any, context: Context) -> Scorer:
    """Documents with words of a text in a field."""
    path, value, inner = field_members("match", options, "query")
    if value is None:
        raise errors.illegal_argument("No text specified for text query")
    return match_text(path, value, operator=str(inner.get("operator", "or")))


def match_phrase(options: Any, context: Context) -> Scorer:
    """Documents with the words of a text side by side."""
    path, value, _ = field_members("match_phrase", options, "query")
    return match_text(path, value, as_phrase=True)


def match_phrase_prefix(options: Any, context: Context) -> Scorer:
    """The same, where the last word need only begin."""
    path, value, _ = field_members("match_phrase_prefix", options, "query")
    *head, last = tokens(as_text(value)) or [""]

    def score(candidate: Candidate) -> Score:
        field = candidate.index.mapping.field(path)
        if field is None or field.is_object:
            return None
        for text in candidate.values(field):
            words = tokens(as_text(text))
            for start in range(len(words) - len(head)):
                if words[start : start + len(head)] == head and words[start + len(head)].startswith(last):
                    return 1.0
        return None

    return score


def multi_match(options: Any, context: Context) -> Scorer:
    """Documents with words of a text in one of several fields."""
    options = members("multi_match", options)
    if options.get("query") is None:
        raise errors.illegal_argument("[multi_match] requires query value")
    patterns = options.get("fields", ["*"])
    patterns = [patterns] if isinstance(patterns, str) else patterns
    return multi_field(
        [str(pattern).partition("^")[0] for pattern in patterns],
        options["query"],
        operator=str(options.get("operator", "or")),
        as_phrase=options.get("type") == "phrase",
    )


def match_text(path: str, value: Any, *, operator: str = "or", as_phrase: bool = False) -> Scorer:
    """The scorer of a text against a field: any term, all terms, or the phrase."""
    wanted = tokens(as_text(value))

    def score(candidate: Candidate) -> Score:
        field = candidate.index.mapping.field(path) if path != "_id" else None
        if field is None or field.is_object or not is_analyzed(field):
            return _exact(candidate)
        texts = [tokens(text) for text in candidate.values(field)]
        if as_phrase:
            return 1.0 if any(_has_phrase(text, wanted) for text in texts) else None
        return _relevance(
            [token for text in texts for token in text], wanted, needs_all=operator.lower() == "and"
        )

    exact = any_of(path, [value])

    def _exact(candidate: Candidate) -> Score:
        return exact(candidate)

    return score


def multi_field(
    patterns: Sequence[str], value: Any, *, operator: str = "or", as_phrase: bool = False
) -> Scorer:
    """The best score a text reaches in one of the fields named; unsuitable fields are passed over."""
    scorers: dict[str, Scorer] = {}

    def score(candidate: Candidate) -> Score:
        best: Score = None
        for path in expanded(candidate, patterns):
            scorer = scorers.setdefault(path, match_text(path, value, operator=operator, as_phrase=as_phrase))
            try:
                found = scorer(candidate)
            except errors.ElasticsearchError:
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
            leaves = candidate.index.mapping.leaves()
            found.extend(leaf.path for leaf in leaves if fnmatch.fnmatchcase(leaf.path, pattern))
        else:
            found.append(pattern)
    return found


def _has_phrase(text: list[str], phrase: list[str]) -> bool:
    size = len(phrase)
    return bool(phrase) and any(text[start : start + size] == phrase for start in range(len(text) - size + 1))


def _relevance(text: list[str], wanted: list[str], *, needs_all: bool) -> Score:
    """A score after BM25 without the statistics of the index: more often and in shorter texts is better."""
    hits = {term: text.count(term) for term in wanted}
    if not wanted or not any(hits.values()) or (needs_all and not all(hits.values())):
        return None
    norm = 1.2 * (0.25 + 0.75 * len(text) / 10)
    return sum(count * 2.2 / (count + norm) for count in hits.values() if count)

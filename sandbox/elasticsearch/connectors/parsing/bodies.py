"""From the bytes of a request to the declared members of its body, or to the answer that refuses it."""

import json
from collections.abc import Iterable
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.connectors.parsing.parser import PARSE_EXCEPTION, BodyError, ObjectParser
from sandbox.elasticsearch.http import Request
from sandbox.elasticsearch.json import position

_DEEPEST = 200
"""How deep a body may nest. The real server allows 1000; the store here holds documents of up to 254."""


def read(request: Request, parser: ObjectParser) -> dict[str, Any]:
    """Return the declared members of the body that were given; raise what a bad body is answered with."""
    value = request.json()
    _refuse_depth(value)
    _refuse_duplicates(request.body.decode())
    try:
        return parser.read(value)
    except BodyError as error:
        raise refusal(error, request.body) from error


def refusal(error: BodyError, raw: bytes | None = None) -> errors.ElasticsearchError:
    """The answer to a body that could not be read. Without its bytes no position is told."""
    where = "" if raw is None else "[{}:{}] ".format(*position.locate(raw, error.path, error.anchor))
    chain = [error]
    while chain[-1].cause is not None:
        chain.append(chain[-1].cause)
    answer: errors.ElasticsearchError | None = None
    innermost: errors.ElasticsearchError | None = None
    for each in reversed(chain):
        # The parser does not move while an error is passed up, so every level reports the same position.
        reason = f"{where if each.located else ''}{each.reason}"
        answer = errors.ElasticsearchError(400, each.kind, reason, caused_by=answer)
        if innermost is None and each.kind == PARSE_EXCEPTION:
            innermost = answer
    if answer is None:  # cannot be: a chain has at least one error
        raise ValueError("no error to answer with")
    answer.root_cause = innermost
    return answer


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [child for each in level for child in _children(each)]
        if not level:
            return
    raise errors.parsing(f"Document nesting depth exceeds the maximum allowed ({_DEEPEST})")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse_duplicates(text: str) -> None:
    key = position.duplicate_key(text)
    if key is None:
        return
    line, column = position.line_and_column(text, max(0, text.rfind(json.dumps(key, ensure_ascii=False))))
    raise errors.parsing(f"Duplicate field '{key}'", line=line, column=column)

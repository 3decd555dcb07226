"""What an answer says: the one place that decodes answers, checks their shape, and words a refusal.

A call names the shape it needs by a function that takes the answer apart with `need`. An answer of status
200 in any other shape (`null`, `{}`, cut, a proxy's page, a member that is missing or of another type) is
treated as no answer: the request may have been applied or not, and is tried again.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import orjson

from ingest import errors
from ingest.elasticsearch.transport import Request, Response

T = TypeVar("T")

Shape = Callable[[Any], T]
"""Takes a decoded answer apart. Raises ShapeError unless everything it needs is there."""

_REASON_LIMIT: Final = 600


class ShapeError(Exception):
    """An answer is not of the shape the call needs; the message says which part of it."""


def need(value: Any, kind: type[T], *path: str) -> T:
    """Return the member at this path. Raises ShapeError unless it is there and of this type."""
    for depth, name in enumerate(path, 1):
        if not isinstance(value, dict) or name not in value:
            raise ShapeError(f"there is no {'.'.join(path[:depth])}")
        value = value[name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ShapeError(f"{'.'.join(path) or 'the whole'} is {type(value).__name__}, not {kind.__name__}")
    return value


def decoded(body: bytes) -> Any:
    """Decode JSON. Raises ShapeError if it is cut, empty or something else."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ShapeError(f"the body is not JSON ({len(body)} bytes)") from error


def an_object(answer: Any) -> dict[str, Any]:
    """Need an object, whatever it holds."""
    return need(answer, dict)


def acknowledged(answer: Any) -> None:
    """Need the confirmation of a change to an index, its mapping or its settings."""
    if not need(answer, bool, "acknowledged"):
        raise ShapeError("the change was not acknowledged in time")


def result(answer: Any) -> str:
    """Need what became of a document: `created`, `updated` or `noop`."""
    return need(answer, str, "result")


def new_id(answer: Any) -> str:
    """Need the id of what was created."""
    return need(answer, str, "id")


def from_all_shards(answer: Any) -> Any:
    """Need an answer to which no shard is missing; return it."""
    if failed := need(answer, int, "_shards", "failed"):
        raise ShapeError(f"{failed} shards failed")
    if isinstance(answer, dict) and answer.get("timed_out"):
        raise ShapeError("it timed out before every shard answered")
    return answer


def read(request: Request, response: Response, reader: Callable[[bytes], T]) -> T:
    """Read an answer that is not transient.

    Raises an ElasticsearchRefusedError for a final refusal, ElasticsearchUnavailableError for a success of a
    shape that the reader does not accept.
    """
    if not response.is_success:
        raise refusal(str(request), response)
    try:
        return reader(response.body)
    except ShapeError as error:
        raise errors.ElasticsearchUnavailableError(
            f"Elasticsearch answered {response.status} to {request}, but not as it should: {error}."
        ) from error


def refusal(asked: str, response: Response) -> errors.ElasticsearchRefusedError:
    """Turn a final refusal into the error that says what to do; `asked` is the request's method and path."""
    error_type, reason = _error_of(response)
    message = described(asked, response)
    kind: type[errors.ElasticsearchRefusedError]
    match response.status:
        case 401:
            kind = errors.AuthorizationError
            message += " In config.yml check elasticsearch.api_key, or username and password, and the "
            message += "connector's own api_key."
        case 403:
            kind = errors.AuthorizationError
            message += " Give the API key or user this privilege."
        case 404:
            kind = errors.NotFoundError
        case 409:
            kind = errors.ConflictError
        case _:
            kind = errors.ElasticsearchRefusedError
    return kind(message, status=response.status, error_type=error_type, reason=reason)


def described(asked: str, response: Response) -> str:
    """Say what was answered to what, with Elasticsearch's reason."""
    error_type, reason = _error_of(response)
    detail = ": ".join(part for part in (error_type, reason) if part)
    return f"Elasticsearch answered {response.status} to {asked}{f' ({detail})' if detail else ''}."


def _error_of(response: Response) -> tuple[str, str]:
    """Read type and reason from an error body; both empty if it has another shape, such as a proxy's page."""
    try:
        body = orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return "", ""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):
        return "", error[:_REASON_LIMIT]
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("type") or ""), _reason_of(error)[:_REASON_LIMIT]


def _reason_of(error: dict[str, Any]) -> str:
    """Return why; of a search that failed on its shards what they say, as it says `all shards failed`."""
    if error.get("type") == "search_phase_execution_exception":
        roots = error.get("root_cause")
        causes = [*(roots if isinstance(roots, list) else []), error.get("caused_by")]
        reasons = [cause["reason"] for cause in causes if isinstance(cause, dict) and cause.get("reason")]
        if reasons:
            return str(reasons[0])
    return str(error.get("reason") or "")

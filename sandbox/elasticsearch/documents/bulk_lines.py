"""The body of a bulk request: pairs of lines read into operations, or the refusal of the whole."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.documents.ids import id_problem
from sandbox.elasticsearch.documents.update import UpdateBody
from sandbox.elasticsearch.documents.versioning import Versioning
from sandbox.elasticsearch.json import parse_json, token_of

ACTIONS = frozenset({"index", "create", "update", "delete"})
TEXT = ("_index", "_id", "routing", "_routing", "pipeline", "version_type", "op_type")
INTEGERS = ("if_seq_no", "if_primary_term", "version", "retry_on_conflict")
FLAGS = ("require_alias", "require_data_stream", "list_executed_pipelines")
OBJECTS = ("dynamic_templates", "_source")
KNOWN = frozenset((*TEXT, *INTEGERS, *FLAGS, *OBJECTS))
EMPTY_PIPELINE = "pipeline cannot be an empty string"
NO_OPTIONS: Mapping[str, Any] = {}
SIMPLE = frozenset({"_index", "_id"})


class Operation(NamedTuple):
    """One operation: what to do, to which document, with which source."""

    action: str
    op_type: str
    index_name: str
    id: str | None
    source: bytes
    options: Mapping[str, Any]


def operations(
    body: bytes, default_index: str | None, default_pipeline: str | None = None
) -> list[Operation]:
    """Every operation of the body.

    Raises the refusal of the whole request: malformed lines at once, wrong values all together.
    """
    lines = _lines(body)
    found: list[Operation] = []
    problems: list[str] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if not line or line.isspace():
            continue
        action, metadata = _action(line, number)
        source = b""
        if action != "delete":
            if number >= len(lines):
                break  # an action without its source is passed over, as the server does
            source = lines[number]
            number += 1
        operation = _operation(action, metadata, source, default_index, number)
        if metadata.get("_index") is None and not default_index:
            problems.append("index is missing")
        _check(operation, default_pipeline, problems)
        found.append(operation)
    if problems:
        raise errors.validation(*problems)
    if not found:
        raise errors.validation("no requests added")
    return found


def _lines(body: bytes) -> list[bytes]:
    lines = body.split(b"\n")
    if lines.pop():
        raise errors.illegal_argument("The bulk request must be terminated by a newline [\\n]")
    if b"\r" in body:
        lines = [line.removesuffix(b"\r") for line in lines]
    return lines


def _action(line: bytes, number: int) -> tuple[str, dict[str, Any]]:
    try:
        parsed = orjson.loads(line)
    except orjson.JSONDecodeError:
        parsed = parse_json(line)
    if not isinstance(parsed, dict):
        raise _malformed(number, f"expected START_OBJECT but found [{token_of(parsed)}]")
    if len(parsed) != 1:
        if not parsed:
            raise _malformed(number, "expected FIELD_NAME but found [END_OBJECT]")
        raise _malformed(number, "expected END_OBJECT but found [FIELD_NAME]")
    action, metadata = next(iter(parsed.items()))
    if action not in ACTIONS:
        raise _malformed(
            number, f"expected field [create], [delete], [index] or [update] but found [{action}]"
        )
    if not isinstance(metadata, dict):
        raise _malformed(number, f"expected START_OBJECT or END_OBJECT but found [{token_of(metadata)}]")
    return action, metadata


def _operation(
    action: str, metadata: dict[str, Any], source: bytes, default_index: str | None, number: int
) -> Operation:
    if metadata.keys() <= SIMPLE:
        options = NO_OPTIONS
    else:
        metadata = options = _options(metadata, number)
    index, document_id = metadata.get("_index"), metadata.get("_id")
    if type(document_id) is not str and document_id is not None:
        document_id = _text("_id", document_id, number)
    if type(index) is not str and index is not None:
        index = _text("_index", index, number)
    op_type = options.get("op_type") or ("create" if action == "create" else "index")
    if action == "index" and op_type == "create":
        action = "create"
    if index is None:
        index = default_index or ""
    return Operation(action, op_type, index, document_id, source, options)


def _options(metadata: dict[str, Any], number: int) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in metadata.items():
        if name not in KNOWN:
            raise errors.illegal_argument(
                f"Action/metadata line [{number - 1}] contains an unknown parameter [{name}]"
            )
        if value is None:
            continue
        if name in INTEGERS:
            options[name] = _integer(name, value, number)
        elif name in OBJECTS:
            options[name] = value
        else:
            options[name] = _text(name, value, number)
            if name in FLAGS:
                options[name] = options[name] == "true"
    return options


def _text(name: str, value: Any, number: int) -> str:
    if isinstance(value, dict | list):
        raise _malformed(
            number - 1, f"expected a simple value for field [{name}] but found [{token_of(value)}]"
        )
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _integer(name: str, value: Any, number: int) -> int:
    try:
        return int(_text(name, value, number))
    except ValueError:
        raise errors.illegal_argument(f'For input string: "{value}"') from None


def _check(operation: Operation, default_pipeline: str | None, problems: list[str]) -> None:
    """Gather what makes an operation unacceptable, and with it the whole request.

    An empty id is not among it where a document is indexed: there it is for the item alone to fail.
    """
    if operation.action in ("index", "create"):
        if operation.options.get("pipeline", default_pipeline) == "":
            problems.append(EMPTY_PIPELINE)
    elif not operation.id:
        problems.append("id is missing")
    if operation.id and len(operation.id) > 128:
        problem = id_problem(operation.id)
        if problem is not None:
            problems.append(problem)
    if operation.action == "update":
        UpdateBody.from_wire(parse_json(operation.source))
    elif operation.action != "delete" and not operation.source.strip():
        problems.append("source is missing")
    if operation.options:
        _check_versions(operation, problems)


def _check_versions(operation: Operation, problems: list[str]) -> None:
    asked = Versioning.of(operation.options)
    if operation.action == "update" and (asked.is_external or asked.version is not None):
        raise errors.illegal_argument(
            "Update requests do not support versioning. Please use `if_seq_no` and `if_primary_term` instead"
        )
    problems.extend(asked.problems(operation.action, has_id=operation.id is not None))


def _malformed(number: int, explanation: str) -> errors.ElasticsearchError:
    return errors.illegal_argument(f"Malformed action/metadata line [{number}], {explanation}")

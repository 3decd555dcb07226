"""What the server answers instead of a result.

    ElasticsearchError   an exception of the server: the JSON envelope with `root_cause`, `type`, `reason`
    PlainError           the few answers whose `error` is a bare string (no handler, wrong method)

The functions below build the exceptions the server words the same way everywhere.
"""

from collections.abc import Mapping
from typing import Any


class ElasticsearchError(Exception):
    """An exception of the server, with the status, type, reason and members it is answered with."""

    def __init__(
        self,
        status: int,
        type: str,  # noqa: A002 - the wire's own word
        reason: str | None,
        *,
        members: Mapping[str, Any] | None = None,
        caused_by: "ElasticsearchError | None" = None,
        root_cause: "ElasticsearchError | None" = None,
    ) -> None:
        super().__init__(f"{type}: {reason}")
        self.status = status
        self.type = type
        self.reason = reason
        self.members = dict(members or {})
        self.caused_by = caused_by
        self.root_cause = root_cause
        self.headers: dict[str, str] = {}

    def cause(self) -> dict[str, Any]:
        """The exception as it appears inside an answer: in an item, in `caused_by`, below `error`."""
        cause: dict[str, Any] = {"type": self.type, "reason": self.reason, **self.members}
        if self.caused_by is not None:
            cause["caused_by"] = self.caused_by.cause()
        return cause

    def body(self) -> dict[str, Any]:
        """The whole answer."""
        root = self.root_cause or self
        return {
            "error": {
                "root_cause": [{"type": root.type, "reason": root.reason, **root.members}],
                **self.cause(),
            },
            "status": self.status,
        }


class PlainError(Exception):
    """An answer whose `error` is a bare string."""

    def __init__(
        self, status: int, text: str, *, headers: Mapping[str, str] | None = None, with_status: bool = True
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = dict(headers or {})
        self.with_status = with_status

    def body(self) -> dict[str, Any]:
        """The whole answer."""
        return {"error": self.text, "status": self.status} if self.with_status else {"error": self.text}


def validation(*messages: str) -> ElasticsearchError:
    """A request that is well formed but invalid."""
    numbered = "".join(f"{number}: {message};" for number, message in enumerate(messages, 1))
    return ElasticsearchError(400, "action_request_validation_exception", f"Validation Failed: {numbered}")


def illegal_argument(reason: str, *, caused_by: ElasticsearchError | None = None) -> ElasticsearchError:
    """A value the server does not accept."""
    return ElasticsearchError(400, "illegal_argument_exception", reason, caused_by=caused_by)


def parsing(
    reason: str, *, line: int = 1, column: int = 1, caused_by: ElasticsearchError | None = None
) -> ElasticsearchError:
    """A body whose JSON, or whose members, could not be read (`[line:column] reason`)."""
    return ElasticsearchError(
        400, "x_content_parse_exception", f"[{line}:{column}] {reason}", caused_by=caused_by
    )


def query_parsing(reason: str, *, line: int = 1, column: int = 1) -> ElasticsearchError:
    """A part of the query language the server does not know or accept."""
    return ElasticsearchError(400, "parsing_exception", reason, members={"line": line, "col": column})


def state_conflict(reason: str, *, caused_by: ElasticsearchError | None = None) -> ElasticsearchError:
    """A request that the present state forbids (`status_exception`)."""
    return ElasticsearchError(400, "status_exception", reason, caused_by=caused_by)


def body_required() -> ElasticsearchError:
    """A route that needs a body was called without one."""
    return ElasticsearchError(400, "parse_exception", "request body is required")


def not_found(reason: str) -> ElasticsearchError:
    """A resource other than an index or a document does not exist."""
    return ElasticsearchError(404, "resource_not_found_exception", reason)


def document_missing(document_id: str, *, index: str, index_uuid: str) -> ElasticsearchError:
    """An update of a document that does not exist."""
    return ElasticsearchError(
        404,
        "document_missing_exception",
        f"[{document_id}]: document missing",
        members={"index_uuid": index_uuid, "shard": "0", "index": index},
    )


def index_not_found(name: str, *, explanation: str = "", is_resource: bool = True) -> ElasticsearchError:
    """No index and no alias has this name; without `is_resource` an expression that finds none."""
    resource = {"resource.type": "index_or_alias", "resource.id": name} if is_resource else {}
    return ElasticsearchError(
        404,
        "index_not_found_exception",
        f"no such index [{name}]{explanation}",
        members={**resource, "index_uuid": "_na_", "index": name},
    )


def version_conflict(
    document_id: str, explanation: str, *, index: str, index_uuid: str
) -> ElasticsearchError:
    """A guarded write met another state than the one it was guarded with."""
    return ElasticsearchError(
        409,
        "version_conflict_engine_exception",
        f"[{document_id}]: version conflict, {explanation}",
        members={"index_uuid": index_uuid, "shard": "0", "index": index},
    )


def search_failed(cause: ElasticsearchError, *, index: str = "_na_") -> ElasticsearchError:
    """A search that failed on its shards, for the given cause."""
    failure = {"shard": 0, "index": index, "node": "sandbox", "reason": cause.cause()}
    return ElasticsearchError(
        cause.status,
        "search_phase_execution_exception",
        "all shards failed",
        members={"phase": "query", "grouped": True, "failed_shards": [failure]},
        caused_by=cause,
        root_cause=cause,
    )


def security(status: int, reason: str, *, headers: Mapping[str, str] | None = None) -> ElasticsearchError:
    """Authentication (401) or authorization (403) failed."""
    error = ElasticsearchError(status, "security_exception", reason)
    error.headers = dict(headers or {})
    return error

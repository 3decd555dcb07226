"""The documents behind the Connector APIs, in the very indices that clients also read and write."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.connectors.parsing.instants import written
from sandbox.elasticsearch.documents import check_id
from sandbox.elasticsearch.http import Answer, Request
from sandbox.elasticsearch.indices import Index
from sandbox.elasticsearch.indices.templates import CONNECTORS_INDEX, SYNC_JOBS_INDEX
from sandbox.elasticsearch.state import State

Source = dict[str, Any]

DEFAULT_PAGE_SIZE = 100
_LARGEST_WINDOW = 10_000
_LARGEST_COUNT = 10_000


def now(state: State) -> str:
    """The present moment as documents carry it."""
    return written(state.clock.now())


# Connectors


def connector_not_found(connector_id: str) -> errors.ElasticsearchError:
    """No such connector, or it is soft-deleted."""
    return errors.not_found(f"connector [{connector_id}] not found")


def read_connector(state: State, connector_id: str, *, include_deleted: bool = False) -> Source:
    """Return the connector; one that is missing or soft-deleted is not found."""
    index = state.find(CONNECTORS_INDEX)
    document = index.get(connector_id) if index else None
    source = document.parsed() if document else None
    if source is None or (is_deleted(source) and not include_deleted):
        raise connector_not_found(connector_id)
    return source


def update_connector(
    request: Request, connector_id: str, change: Mapping[str, Any], *, refresh: bool = False
) -> Answer:
    """Merge `change` into the connector, soft-deleted or not, and answer with the result.

    Without the index the connector is "not found"; in an existing index its document is "missing".
    """
    index = request.state.find(CONNECTORS_INDEX)
    if index is None:
        raise connector_not_found(connector_id)
    return _updated(request, index, connector_id, change, refresh=refresh)


def write_connector(request: Request, connector_id: str | None, source: Source) -> Answer:
    """Write a whole connector and answer with its id and the result."""
    check_id(connector_id)
    index = request.state.for_writing(CONNECTORS_INDEX)
    write = index.index(connector_id, source)
    index.refresh()
    request.effect.note(write)
    return Answer({"id": write.id, "result": write.result}, status=write.status)


def is_deleted(source: Mapping[str, Any]) -> bool:
    """Tell whether the connector is soft-deleted."""
    return source.get("deleted") is True


def index_name_is_taken(state: State, index_name: str, *, by_other_than: str | None) -> bool:
    """Tell whether another connector, as far as searches can see, has this index attached."""
    return any(
        source.get("index_name") == index_name and not is_deleted(source) and document_id != by_other_than
        for document_id, source in searchable(state, CONNECTORS_INDEX)
    )


# Sync jobs


def sync_job_not_found(job_id: str) -> errors.ElasticsearchError:
    """No such job, as the routes word it that do not read the job first."""
    return errors.not_found(f"connector sync job [{job_id}] not found")


def read_sync_job(state: State, job_id: str) -> Source:
    """Return the job."""
    index = state.find(SYNC_JOBS_INDEX)
    if index is None:
        raise sync_job_not_found(job_id)
    document = index.get(job_id)
    if document is None:
        raise errors.not_found(job_id)
    return document.parsed()


def update_sync_job(request: Request, job_id: str, change: Mapping[str, Any]) -> Answer:
    """Merge `change` into the job and answer with the result."""
    index = request.state.find(SYNC_JOBS_INDEX)
    if index is None or index.get(job_id) is None:
        raise sync_job_not_found(job_id)
    return _updated(request, index, job_id, change, refresh=True)


def delete_sync_jobs_of(request: Request, connector_id: str) -> None:
    """Remove every job of the connector; no jobs index is as good as no jobs."""
    index = request.state.find(SYNC_JOBS_INDEX)
    if index is None:
        return
    for job_id, source in list(searchable(request.state, SYNC_JOBS_INDEX)):
        if job_connector_id(source) == connector_id:
            index.delete(job_id)
            request.effect.deleted.append(job_id)
    index.refresh()


def job_connector_id(source: Mapping[str, Any]) -> str | None:
    """The id of the connector a job belongs to."""
    connector = source.get("connector")
    return connector.get("id") if isinstance(connector, dict) else None


# Both


def searchable(state: State, index_name: str) -> Iterable[tuple[str, Source]]:
    """Every document searches see, with its id, oldest write first; nothing without the index."""
    index = state.find(index_name)
    return () if index is None else ((each.id, each.parsed()) for each in index.snapshot())


def page(
    request: Request,
    index_name: str,
    matches: Callable[[Source], bool],
    order: Callable[[Source], Any],
    *,
    descending: bool = False,
) -> Answer:
    """Answer with the page of the matching documents that `from` and `size` ask for."""
    start, size = _window(request)
    found = sorted(
        ((each_id, source) for each_id, source in searchable(request.state, index_name) if matches(source)),
        key=lambda each: order(each[1]),
        reverse=descending,
    )
    results = [with_id(each_id, source) for each_id, source in found[start : start + size]]
    return Answer({"count": min(len(found), _LARGEST_COUNT), "results": results})


def with_id(document_id: str, source: Source) -> Source:
    """The document as the APIs show it: with its id first, which is not stored."""
    return {"id": document_id, **source}


def _window(request: Request) -> tuple[int, int]:
    start = request.integer("from", 0)
    size = request.integer("size", DEFAULT_PAGE_SIZE)
    for name, value in (("from", start), ("size", size)):
        if value < 0:
            raise errors.illegal_argument(f"Parameter [{name}] cannot be < 0")
    if start + size > _LARGEST_WINDOW:
        raise errors.search_failed(
            errors.illegal_argument(
                f"Result window is too large, from + size must be less than or equal to: [{_LARGEST_WINDOW}] "
                f"but was [{start + size}]. See the scroll api for a more efficient way to request large "
                "data sets. This limit can be set by changing the [index.max_result_window] index level "
                "setting."
            )
        )
    return start, size


def _updated(
    request: Request, index: Index, document_id: str, change: Mapping[str, Any], *, refresh: bool
) -> Answer:
    write = index.update(document_id, doc=change)
    if refresh:
        index.refresh()
    request.effect.note(write)
    return Answer({"result": write.result})

"""What the parameters of a request say of a search, and of the parts of a source."""

from dataclasses import replace
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.documents import SourceFilter
from sandbox.elasticsearch.http import Request
from sandbox.elasticsearch.search import SearchBody, sorting
from sandbox.elasticsearch.search.search_body import ALL, DEFAULT_SIZE, not_negative, tracked

OPERATORS = ("and", "or")


def search_of(request: Request) -> SearchBody:
    """The search of a request, its parameters before its body; refuses what is unknown or makes no sense."""
    search = SearchBody.from_wire(request.json_object(required=False))
    query = request.query
    if "q" in query:
        search = replace(search, query=query_line(request))
    if "size" in query:
        search = replace(search, size=not_negative("size", request.integer("size", DEFAULT_SIZE)))
    if "from" in query:
        search = replace(search, offset=not_negative("from", request.integer("from", 0)))
    if "sort" in query:
        search = replace(search, sorts=tuple(sorting.from_query(query["sort"])))
    if query.keys() & {"_source", "_source_includes", "_source_excludes"}:
        search = replace(search, source=source_of(request))
    if "track_total_hits" in query:
        value = query["track_total_hits"]
        is_flag = value in ("true", "false", "")
        limit = value != "false" if is_flag else request.integer("track_total_hits", 0)
        search = replace(search, tracked_total=tracked(limit))
    if request.flag("rest_total_hits_as_int"):
        search = replace(search, tracked_total=_counted_as_integer(request, search))
    if "seq_no_primary_term" in query:
        search = replace(search, with_seq_no=request.flag("seq_no_primary_term"))
    if "version" in query:
        search = replace(search, with_version=request.flag("version"))
    if "docvalue_fields" in query:
        search = replace(search, docvalue_fields=tuple(request.names("docvalue_fields")))
    return search


def query_line(request: Request) -> dict[str, Any]:
    """The query of the parameter `q` and of those that say how to read it."""
    operator = request.query.get("default_operator", "or")
    if operator.lower() not in OPERATORS:
        kind = "org.elasticsearch.index.query.Operator"
        raise errors.illegal_argument(f"No enum constant {kind}.{operator.upper()}")
    options = {"query": request.query["q"], "default_operator": operator.lower()}
    if "df" in request.query:
        options["default_field"] = request.query["df"]
    return {"query_string": options}


def _counted_as_integer(request: Request, search: SearchBody) -> int | None:
    """How far to count where the total is a bare number: to the end, or not at all."""
    is_asked = "track_total_hits" in request.query or "track_total_hits" in request.json_object(
        required=False
    )
    if not is_asked:
        return ALL
    if search.tracked_total not in (None, ALL):
        raise errors.illegal_argument(
            "[rest_total_hits_as_int] cannot be used if the tracking of total hits is not accurate, got "
            f"{search.tracked_total}"
        )
    return search.tracked_total


def source_of(request: Request, *, default: bool = True) -> SourceFilter:
    """The filter of the query parameters `_source`, `_source_includes` and `_source_excludes`."""
    value = request.query.get("_source")
    includes = [*request.names("_source_includes"), *request.names("_source_include")]
    excludes = (*request.names("_source_excludes"), *request.names("_source_exclude"))
    if value in ("true", "false", ""):
        return SourceFilter(value != "false", tuple(includes), excludes)
    if value is not None:
        includes = [*includes, *request.names("_source")]
    return SourceFilter(
        wants_any=default or bool(includes or excludes), includes=tuple(includes), excludes=excludes
    )

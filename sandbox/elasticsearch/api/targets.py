"""From the names in a request to the indices it works on."""

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.http import Request
from sandbox.elasticsearch.indices import Expansion, Index, expressions
from sandbox.elasticsearch.security import IndexPrivilege

READ_PARAMETERS = frozenset(
    {"ignore_unavailable", "allow_no_indices", "expand_wildcards", "ignore_throttled"}
)
AUTO_CREATE = IndexPrivilege("auto_configure", "indices:admin/auto_create")


def named(request: Request, *, expand_wildcards: str = "open", allow_no_indices: bool = True) -> list[Index]:
    """The indices the path names; patterns stand for those the caller may reach."""
    expression = request.parameter("index")
    expansion = Expansion.of(
        request.query.get("expand_wildcards", expand_wildcards),
        ignore_unavailable=request.flag("ignore_unavailable"),
        allow_no_indices=request.flag("allow_no_indices", default=allow_no_indices),
    )
    found = request.state.resolve(expression, expansion)
    if not isinstance(request.privilege, IndexPrivilege):
        return found
    asked = set(expression.split(","))
    wanted = request.privilege.name
    return [
        index
        for index in found
        if asked & {index.name, *index.aliases} or request.principal.may_index(wanted, index.name)
    ]


def opened(request: Request) -> list[Index]:
    """The indices the path names, none of them closed; closed ones may be ignored."""
    indices = named(request)
    if request.flag("ignore_unavailable"):
        return [index for index in indices if not index.is_closed]
    for index in indices:
        check_open(index)
    return indices


def searchable(request: Request) -> list[Index]:
    """The indices the path names, none of them closed or blocked for reading."""
    indices = opened(request)
    for index in indices:
        if (block := index.settings.block("read")) is not None:
            raise blocked(block, index)
    return indices


def readable(request: Request) -> Index:
    """The one index a document is read from."""
    index = request.state.index(request.parameter("index"))
    check_open(index)
    if (block := index.settings.block("read")) is not None:
        raise blocked(block, index)
    return index


def writable(request: Request, name: str, *, kind: str = "write", require_alias: bool = False) -> Index:
    """The index a write goes to, created if it does not exist and may be created.

    Raises what forbids the write: a missing privilege, a closed index, a block.
    """
    state = request.state
    found = state.written(name)
    if found is None and kind == "delete":
        raise errors.index_not_found(name)
    if require_alias and (found is None or found.name == name):
        raise errors.ElasticsearchError(
            404,
            "index_not_found_exception",
            f"no such index [{name}] and [require_alias] request flag is [true] and [{name}] is not an alias",
            members={"index_uuid": "_na_", "index": name},
        )
    if found is None:
        if not request.principal.may_index("create_index", name):
            request.principal.demand_index(AUTO_CREATE, [name])
        found = state.for_writing(name)
    check_open(found)
    if (block := found.settings.block("write")) is not None:
        raise blocked(block, found)
    return found


def check_without_wildcards(expression: str) -> None:
    """Refuse patterns where they would change or remove indices not named (the default since 8.0)."""
    if expressions.has_wildcards(expression):
        raise errors.illegal_argument("Wildcard expressions or all indices are not allowed")


def check_not_aliases(names: list[str], found: list[Index]) -> None:
    """Refuse an alias where an index is removed."""
    concrete = {index.name for index in found}
    for name in names:
        if not expressions.has_wildcards(name) and name not in concrete:
            raise errors.illegal_argument(
                f"The provided expression [{name}] matches an alias, specify the corresponding concrete "
                "indices instead."
            )


def copies(index: Index) -> int:
    """How many copies of its shard an index is to have."""
    return 1 + int(index.settings.values.get("number_of_replicas", "1"))


def check_open(index: Index) -> None:
    """Raise `index_closed_exception` for a closed index."""
    if index.is_closed:
        raise errors.ElasticsearchError(
            400,
            "index_closed_exception",
            "closed",
            members={"index_uuid": index.uuid, "index": index.name},
        )


def blocked(block: errors.ElasticsearchError, index: Index) -> errors.ElasticsearchError:
    """A block as it is told about one index."""
    return errors.ElasticsearchError(
        block.status, block.type, f"index [{index.name}] blocked by: {block.reason}"
    )

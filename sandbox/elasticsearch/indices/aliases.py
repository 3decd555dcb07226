"""What an alias says of an index: a filter, where its documents are routed, whether writes go there."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.indices import index_names
from sandbox.elasticsearch.indices.index import Index

MEMBERS = ("filter", "index_routing", "search_routing", "is_write_index", "is_hidden")


def definition(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definition of an alias as the server keeps it, its routing taken apart."""
    routing = {"index_routing": body.get("routing"), "search_routing": body.get("routing")}
    texts = {name: str(body.get(name, value)) for name, value in routing.items() if body.get(name, value)}
    known = {**body, **texts}
    return {name: known[name] for name in MEMBERS if known.get(name) is not None}


def of_new_index(aliases: Mapping[str, Any], index_name: str, indices: Mapping[str, Index]) -> dict[str, Any]:
    """Return the aliases an index is created with; refuses names and members that cannot be."""
    for alias, body in aliases.items():
        unknown = [name for name in body or {} if name not in (*MEMBERS, "routing")]
        if unknown:
            raise errors.illegal_argument(f"Unknown field [{unknown[0]}] in alias [{alias}]")
        if alias == index_name:
            raise errors.illegal_argument(f"alias name [{alias}] self-conflicts with index name")
        check_name(alias, indices)
    return {alias: definition(body or {}) for alias, body in aliases.items()}


def check_name(alias: str, indices: Mapping[str, Index] | Iterable[str]) -> None:
    """Refuse a name that an index has or that none could have."""
    if alias in indices:
        raise index_names.invalid_alias(
            alias, "an index or data stream exists with the same name as the alias"
        )
    if (problem := index_names.problem(alias)) is not None:
        raise index_names.invalid_alias(alias, problem)


def check_writing(indices: Iterable[Index]) -> None:
    """Refuse a second write index of an alias."""
    writing: dict[str, list[str]] = {}
    for index in indices:
        for alias, body in index.aliases.items():
            if body.get("is_write_index") is True:
                writing.setdefault(alias, []).append(index.name)
    for alias, names in writing.items():
        if len(names) > 1:
            reason = f"alias [{alias}] has more than one write index [{','.join(names)}]"
            raise errors.ElasticsearchError(500, "illegal_state_exception", reason)

"""Which names an index may have."""

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.indices.index import Index

FORBIDDEN = frozenset('\\/*?"<>| ,')
MAX_BYTES = 255


def problem(name: str) -> str | None:
    """What is wrong with a name, in the server's words after `Invalid index name [x], `; None if nothing is.

    The check of lower case is apart (`check_creating`): it is made only where an index is created.
    """
    if name in (".", ".."):
        return "must not be '.' or '..'"
    if FORBIDDEN & set(name):
        return "must not contain the following characters [' ','\"','*',',','/','<','>','?','\\','|']"
    if "#" in name:
        return "must not contain '#'"
    if ":" in name:
        return "must not contain ':'"
    if name[:1] in ("_", "-", "+"):
        return "must not start with '_', '-', or '+'"
    byte_count = len(name.encode("utf-8", "surrogatepass"))
    if byte_count > MAX_BYTES:
        return f"index name is too long, ({byte_count} > {MAX_BYTES})"
    return None


def invalid(name: str, tail: str) -> errors.ElasticsearchError:
    """The exception for a name with this problem."""
    return errors.ElasticsearchError(
        400,
        "invalid_index_name_exception",
        f"Invalid index name [{name}], {tail}",
        members={"index_uuid": "_na_", "index": name},
    )


def invalid_alias(name: str, tail: str) -> errors.ElasticsearchError:
    """The exception for an alias with this problem."""
    return errors.ElasticsearchError(
        400,
        "invalid_alias_name_exception",
        f"Invalid alias name [{name}]: {tail}",
    )


def check_creating(name: str) -> None:
    """Raise `invalid_index_name_exception` unless an index of this name may be created."""
    tail = problem(name) or ("must be lowercase" if name != name.lower() else None)
    if not name:
        tail = "must not be empty"
    if tail is not None:
        raise invalid(name, tail)


def check_reading(name: str) -> None:
    """Raise `invalid_index_name_exception` for a name that cannot be one even when only asked for."""
    if name[:1] == "_":
        raise invalid(name, "must not start with '_'.")
    if name[:1] == "+" or (name[:1] == "-" and len(name) == 1):
        raise invalid(name, "must not start with '_', '-', or '+'")


def already_exists(name: str, existing: Index) -> errors.ElasticsearchError:
    """The exception for creating an index that is there."""
    if existing.name != name:
        return invalid(name, "already exists as alias")
    return errors.ElasticsearchError(
        400,
        "resource_already_exists_exception",
        f"index [{name}/{existing.uuid}] already exists",
        members={"index_uuid": existing.uuid, "index": name},
    )

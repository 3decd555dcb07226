"""Which ids a document may have."""

from sandbox.elasticsearch import errors

MAX_ID_BYTES = 512
EMPTY_ID = "if _id is specified it must not be empty"


def check_id(document_id: str | None) -> None:
    """Raise the validation error for an empty id or one over 512 bytes."""
    if (problem := id_problem(document_id)) is not None:
        raise errors.validation(problem)


def id_problem(document_id: str | None) -> str | None:
    """What is wrong with an id, if anything."""
    if document_id is None:
        return None
    if document_id == "":
        return EMPTY_ID
    size = len(document_id.encode("utf-8", "surrogatepass"))
    if size > MAX_ID_BYTES:
        return f"id [{document_id}] is too long, must be no longer than {MAX_ID_BYTES} bytes but was: {size}"
    return None

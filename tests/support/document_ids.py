"""The ids of documents, made in Python by the scheme that `sources.postgresql.render.ids` describes."""

import hashlib
from collections.abc import Sequence

from sources.lines import MAX_ID_BYTES

_ESCAPES = str.maketrans({"%": "%25", "_": "%5F", ",": "%2C"})


def document_id(prefix: str, key: Sequence[str | None]) -> str:
    """Return the id of the row with this key, given as PostgreSQL writes its values."""
    full = f"{prefix}_{','.join('%N' if part is None else part.translate(_ESCAPES) for part in key)}"
    if len(full.encode()) <= MAX_ID_BYTES:
        return full
    ending = f"%H{hashlib.sha256(full.encode()).hexdigest()}"
    shortened = f"{prefix}_{ending}"
    return shortened if len(shortened.encode()) <= MAX_ID_BYTES else ending

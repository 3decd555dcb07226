"""A value that must never be seen: it prints as stars wherever it is printed."""

import hmac
from typing import NoReturn, Self

STARS = "********"


class Secret:
    """A password or a key. Only `reveal` gives the text; printing, formatting and pickling do not."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself, to be put on the wire and nowhere else."""
        return self._text

    def __repr__(self) -> str:
        return STARS

    def __format__(self, specification: str) -> str:
        return STARS

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret cannot be pickled.")

"""Suggestions for an unknown name, in the server's words."""

from collections.abc import Iterable

_SIMILAR = 0.5


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return `` did you mean [x]?`` or `` did you mean any of [x, y]?``, best first, or nothing."""
    scored = [(_similarity(name, candidate), candidate) for candidate in candidates]
    close = [
        candidate
        for score, candidate in sorted(scored, key=lambda each: (-each[0], each[1]))
        if score > _SIMILAR
    ]
    match close:
        case []:
            return ""
        case [only]:
            return f" did you mean [{only}]?"
        case _:
            return f" did you mean any of [{', '.join(close)}]?"


def _similarity(left: str, right: str) -> float:
    """Return 1 for equal words down to 0 for entirely different ones."""
    longest = max(len(left), len(right))
    return 1.0 - _edit_distance(left, right) / longest if longest else 1.0


def _edit_distance(left: str, right: str) -> int:
    previous = list(range(len(right) + 1))
    for row, left_character in enumerate(left, 1):
        current = [row]
        for column, right_character in enumerate(right, 1):
            substituted = previous[column - 1] + (left_character != right_character)
            current.append(min(previous[column] + 1, current[-1] + 1, substituted))
        previous = current
    return previous[-1]

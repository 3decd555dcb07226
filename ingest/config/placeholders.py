"""`${NAME}` and `${NAME|default}` in the values of `config.yml`.

What is filled in is not looked at again: a password may contain `${`. To write such a text in the file,
double the dollar sign: `$${`.
"""

import re
from collections.abc import Mapping

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{(?P<inside>[^{}]*)\}|\$\{")
_FORMS = "write ${NAME} or ${NAME|default}"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


class PlaceholderError(ValueError):
    """A placeholder cannot be filled in; the message names the variable."""


def has_placeholder(text: str) -> bool:
    """Tell whether `expand` would change the text or refuse it."""
    return "${" in text


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Fill in every placeholder. Raises PlaceholderError naming the first that cannot be."""

    def value_of(found: re.Match[str]) -> str:
        if found[0] == "$${":
            return "${"
        if found["inside"] is None:
            raise PlaceholderError(f"holds a placeholder that is not closed or is nested ({_FORMS})")
        name, bar, default = found["inside"].partition("|")
        if not _NAME.fullmatch(name):
            raise PlaceholderError(f"holds a placeholder whose name cannot be a variable's ({_FORMS})")
        if name in environment:
            return environment[name]
        if bar:
            return default
        raise PlaceholderError(f"variable {name} is not set")

    return _PLACEHOLDER.sub(value_of, text)

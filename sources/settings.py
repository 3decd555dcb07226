"""Reading the values of a source's configuration strictly, and gathering everything wrong with them.

Values come by field name, as a person or Kibana stored them: a number may be a text, a boolean a word, and an
absent or blank value means the field's default.
"""

import re
from collections.abc import Mapping
from typing import Any

from sources.fields import limits_of

LONGEST_TEXT: int = 10_000
"""Characters a name, a password or a number may have."""
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


class SettingsReader:
    """Reads one field after another; what is wrong is one sentence each in `problems`."""

    def __init__(self, fields: Mapping[str, Mapping[str, Any]], configuration: Mapping[str, Any]) -> None:
        self.problems: list[str] = []
        self._fields = fields
        self._values = configuration

    def problem(self, name: str, what: str) -> None:
        """Report what is wrong with a field; `what` completes a sentence that begins with its label."""
        self.problems.append(f"{self._fields[name]['label']} ({name}) {what}.")

    def value(self, name: str) -> Any:
        """Return a field's value, or what stands for it while it is absent or blank."""
        value = self._values.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            properties = self._fields[name]
            return properties["value"] if properties["required"] else properties["default_value"]
        return value

    def text(self, name: str, longest: int = LONGEST_TEXT) -> str:
        """Read a text as it was written; empty if there is none, which is a problem if it is required."""
        value = self.value(name)
        if not isinstance(value, str):
            self.problem(name, "must be a text")
            return ""
        text: str = value
        if self._fields[name]["required"] and not text:
            self.problem(name, "is missing")
        if len(text) > longest:
            self.problem(name, f"is longer than {longest:,} characters")
            return ""
        if "\0" in text:
            self.problem(name, "must not contain a NUL character")
            return ""
        return text

    def integer(self, name: str) -> int:
        """Read a whole number within the field's limits."""
        value = self.value(name)
        if value == "":
            self.problem(name, "is missing")
            return 0
        if isinstance(value, str) and len(value) <= LONGEST_TEXT and _WHOLE_NUMBER.fullmatch(value.strip()):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        low, high = limits_of(self._fields[name])
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.problem(name, f"must be a whole number from {low} to {high}")
            return low
        return value

    def choice(self, name: str) -> str:
        """Read one of the field's options."""
        value = self.value(name)
        allowed = [option["value"] for option in self._fields[name]["options"]]
        if value not in allowed:
            self.problem(name, f"must be one of {', '.join(option for option in allowed if option)}")
            return str(self._fields[name]["default_value"])
        return str(value)

    def boolean(self, name: str) -> bool:
        """Read true or false, also as a word."""
        value = self.value(name)
        if isinstance(value, str) and len(value) <= LONGEST_TEXT:
            value = {"true": True, "false": False}.get(value.strip().lower(), value)
        if not isinstance(value, bool):
            self.problem(name, "must be true or false")
            return False
        return value

"""Texts for the error fields of connectors and jobs: without secrets, and as short as such a field is."""

from collections.abc import Mapping
from typing import Any, Final

from ingest.secret import STARS

ERROR_LIMIT_BYTES: Final = 4096
SHORTEST_SECRET: Final = 4
"""Shorter secrets are not masked in messages: they would match inside ordinary words."""


def error_text(error: object, configuration: Mapping[str, Any]) -> str:
    """Say what went wrong, with stars for every sensitive value of the configuration."""
    text = str(error) or type(error).__name__
    for secret in secrets_of(configuration):
        text = text.replace(secret, STARS)
    return shortened(text)


def secrets_of(configuration: Mapping[str, Any]) -> list[str]:
    """Return the values of the sensitive fields, longest first, so that none hides a part of another."""
    values = (
        entry.get("value")
        for entry in configuration.values()
        if isinstance(entry, dict) and entry.get("sensitive") is True
    )
    texts = (value for value in values if isinstance(value, str) and len(value) >= SHORTEST_SECRET)
    return sorted(texts, key=len, reverse=True)


def shortened(text: str) -> str:
    """Cut a message to what an error field should hold, at a character's border, its beginning kept."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= ERROR_LIMIT_BYTES:
        return text
    return encoded[: ERROR_LIMIT_BYTES - 4].decode("utf-8", "ignore") + " ..."

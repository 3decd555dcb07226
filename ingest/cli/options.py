"""The options before a command's name, and the program that a command starts."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # takes longer than most commands
    from ingest.config import Config

Load = Callable[[], "Config"]


class Program(Protocol):
    """What the commands start: the module `ingest.service.program`, or a test's stand-in."""

    def run(self, config: "Config", load: Load, /) -> Coroutine[Any, Any, None]:
        """Work until stopped; `load` reads the configuration again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options before the command's name."""

    program: Program | None
    """What to start instead of the service; for tests."""
    config_file: Path
    log_level: str | None
    debug: bool
    filebeat: bool
    actions: tuple[str, ...]
    service_type: str | None
    uvloop: bool

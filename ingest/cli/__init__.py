"""What can be typed: the commands and their options."""

from typing import Final

FAILED: Final = 1
WRONG: Final = 2
"""Exit codes of all commands: what was asked for was not done; the command or `config.yml` is wrong."""

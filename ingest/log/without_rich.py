"""Imports structlog without the parts of rich that show tracebacks: our lines show them as Python does.

structlog has no setting for it. Its `__init__`, which runs before any of its modules, imports `structlog.dev`
and `structlog.tracebacks`, and these import rich wherever it is installed, as it is here for the command
line. Where it cannot be imported they do without, so while structlog is imported it cannot.

rich would take about a tenth of the processor time in which the service starts. Nothing may import structlog
before this package; a contract of `pyproject.toml` says so.
"""

import importlib
import sys
from typing import Final

_PARTS: Final = ("rich.console", "rich.pretty", "rich.traceback")

_absent = [part for part in _PARTS if part not in sys.modules]
for _part in _absent:
    sys.modules[_part] = None  # type: ignore[assignment]  # so that importing it is an ImportError
try:
    importlib.import_module("structlog")
finally:
    for _part in _absent:
        del sys.modules[_part]

"""Imports structlog without the parts of rich that show tracebacks: our lines show them as Python does.

They would take about a tenth of the processor time in which the service starts. Nothing may import
structlog before this package; a contract of `pyproject.toml` says so.
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

"""How much resident memory of this process something takes at most while it runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

RESET_PEAK: Final = "5"
"""What proc(5) wants in `clear_refs` for a new peak."""


def peak_growth(run: Callable[[], object]) -> int:
    """Return by how many bytes the process grew while this ran; what it returns is held until then."""
    Path("/proc/self/clear_refs").write_text(RESET_PEAK)
    before = _bytes("VmRSS")
    held = run()
    grown = _bytes("VmHWM") - before
    del held
    return grown


def _bytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))

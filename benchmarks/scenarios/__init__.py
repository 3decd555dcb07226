"""The benchmarks by name. Each makes its table, lets the contestants run in turns and reports medians.

Turns matter: a machine that is busy for a moment then slows both contestants, and the ratio stays.
"""

from benchmarks.scenarios.request import Request
from benchmarks.scenarios.table import SCENARIOS

__all__ = ["SCENARIOS", "Request"]

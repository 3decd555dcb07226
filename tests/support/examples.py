"""How many examples hypothesis tries: few in `make test`, many in `make sweeps`.

A test says nothing about their number, or, where each takes long, by what its number is divided.
"""

from typing import Final

from hypothesis import settings

IN_TESTS: Final = 25
IN_SWEEPS: Final = 200


def register_profiles() -> None:
    """Make known what `--hypothesis-profile` may name, and take that of `make test`.

    An example is judged by what it shows, not by how long it took: the machine does other things as well.
    """
    settings.register_profile("project", deadline=None, max_examples=IN_TESTS)
    settings.register_profile("sweeps", deadline=None, max_examples=IN_SWEEPS)
    settings.load_profile("project")


def examples_divided_by(divisor: int) -> int:
    """Return the number of examples of the profile, divided."""
    return settings().max_examples // divisor

"""Put each defect into a copy of the tree and run the tests that should notice it.

    make mutants                     all of them
    make mutants MUTANTS="name ..."  some, or all whose name begins so

Exits with 1 if a defect survives, does not apply any more, or its tests cannot be run.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from tests.mutants.catalog import ROOT, DoesNotApplyError, Mutant, mutants
from tests.repo.project import tracked_files

PASSED, FAILED = 0, 1
"""What pytest exits with if tests ran."""


class Outcome(StrEnum):
    """What became of a mutant."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    DOES_NOT_APPLY = "DOES NOT APPLY"
    NOT_TESTED = "NOT TESTED"
    """Its tests did not run, or fail without it."""


def main(chosen: Sequence[str]) -> int:
    """Try the mutants whose names begin with one of these, all without any; return the exit code."""
    tried = [one for one in mutants() if not chosen or one.name.startswith(tuple(chosen))]
    outcomes = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = copied(Path(folder))
        healthy = _healthy(tree, list(dict.fromkeys(node for one in tried for node in one.tests)))
        for number, one in enumerate(tried, 1):
            start = time.monotonic()
            outcomes[one.name] = outcome = _outcome(tree, one, healthy)
            seconds = time.monotonic() - start
            _say(f"{number:3}/{len(tried)} {outcome:14} {seconds:5.0f} s  {one.name}: {one.breaks}")
    alive = [name for name, outcome in outcomes.items() if outcome is not Outcome.CAUGHT]
    _say(f"{len(outcomes) - len(alive)} of {len(outcomes)} caught")
    return 1 if alive or not outcomes else 0


def copied(folder: Path) -> Path:
    """Copy what is under version control; the tree itself is never changed."""
    for path in tracked_files():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return folder


def _healthy(tree: Path, nodes: Sequence[str]) -> set[str]:
    """Return the tests that pass without any defect: mostly all, so they are asked one by one only if not."""
    if _tested(tree, nodes) == PASSED:
        return set(nodes)
    passing = {node for node in nodes if _tested(tree, [node]) == PASSED}
    _say(f"without any defect these do not pass: {', '.join(set(nodes) - passing)}")
    return passing


def _outcome(tree: Path, mutant: Mutant, healthy: set[str]) -> Outcome:
    path = tree / mutant.file
    source = path.read_text()
    if not healthy.issuperset(mutant.tests):
        return Outcome.NOT_TESTED
    try:
        path.write_text(mutant.mutated(source))
    except DoesNotApplyError:
        return Outcome.DOES_NOT_APPLY
    try:
        match _tested(tree, mutant.tests):
            case code if code == FAILED:
                return Outcome.CAUGHT
            case code if code == PASSED:
                return Outcome.SURVIVED
            case _:
                return Outcome.NOT_TESTED
    finally:
        path.write_text(source)


def _tested(tree: Path, nodes: Sequence[str]) -> int:
    """Run tests in the tree until one fails; return pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not slow", *nodes]
    # Without bytecode: a file that is changed twice within a second would be taken for the same.
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False).returncode


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

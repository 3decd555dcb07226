"""Build `.venv` from the lock files, once, and return at once when it is already what they say.

    python3 .ci/environment.py

Needs Python 3.11 and nothing else. Two that ask at the same time build one environment: the second waits for
the first. The stamp inside `.venv` is a digest of all that the environment was built from, so a changed lock
file, another Python or a moved checkout builds it again, and changing branches and back does not.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENT = PROJECT / ".venv"
STAMP = ENVIRONMENT / "built-from"
LOCKS = ("requirements-build.lock", "requirements-dev.lock")


def main():
    """Build the environment if it is missing or made from something else."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older one should read this, not a traceback
        sys.exit("Python 3.11 or newer needed, not {}.{}: make PYTHON=python3.12".format(*sys.version_info))
    os.chdir(PROJECT)
    if not is_current():
        with exclusively():
            if not is_current():
                build()


def is_current():
    """Whether the environment was built from what is here now."""
    return STAMP.exists() and STAMP.read_text() == digest()


def digest():
    """Name everything the environment depends on."""
    parts = [sys.version, str(PROJECT)]
    parts += [(PROJECT / name).read_text() for name in (*LOCKS, "pyproject.toml")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def exclusively():
    """Hold the one lock for building; the system releases it even if this process dies."""
    import fcntl  # not at the top: Windows has none, and should hear so in the README's words

    file = open(PROJECT / ".venv.lock", "w")  # noqa: PTH123, SIM115 - open for as long as the lock is held
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def build():
    """Make the environment and install the project into it, every package checked against its hash."""
    STAMP.unlink(missing_ok=True)
    print("Building .venv from the lock files ...", flush=True)  # noqa: T201
    run(sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT))
    pip = (str(ENVIRONMENT / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(*pip, "--require-hashes", *(part for lock in LOCKS for part in ("-r", lock)))
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", ".")
    STAMP.write_text(digest())


def run(*command):
    """Run one step, ending with its exit code if it fails."""
    finished = subprocess.run(command, check=False)  # noqa: S603 - our own commands
    if finished.returncode:
        sys.exit(finished.returncode)


if __name__ == "__main__":
    main()

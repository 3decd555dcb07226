"""The workers of `make test` share the work of compiling the tests, which nobody has done in a fresh clone.

Each imports every test module. In one order, all would rewrite and compile the same module at the same time.
"""

import importlib
from contextlib import suppress
from pathlib import Path

import pytest


def compile_share(config: pytest.Config) -> None:
    """Import every nth test module, if this is one of n workers and all tests are to be collected."""
    worker = getattr(config, "workerinput", None)
    if worker is None or config.args != config.getini("testpaths"):
        return
    number, count = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
    for path in sorted(Path(config.rootpath, "tests").rglob("test_*.py"))[number::count]:
        name = ".".join(path.relative_to(config.rootpath).with_suffix("").parts)
        # Whatever is wrong with it is told when it is collected.
        with suppress(Exception, pytest.skip.Exception):
            importlib.import_module(name)

"""Every dependency that the service installs may be redistributed with it, by the licence it names."""

import re
from importlib.metadata import metadata

import pytest

from tests.repo.project import ROOT

LOCKED = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
PERMISSIVE = re.compile(
    r"0BSD|Apache[- ]2\.0|Apache Software License|BSD(-[23]-Clause)?( License)?|CC0-1\.0|MIT( License)?|"
    r"PSF-2\.0|Python Software Foundation License|Zlib"
)
WEAK_COPYLEFT = {"orjson": "MPL-2.0", "psycopg": "LGPL-3.0-only", "psycopg-binary": "LGPL-3.0-only"}
"""Used unmodified, as modules that can be replaced, which is what these licences ask for."""


def licences(name: str) -> set[str]:
    """Return every licence that the metadata of an installed distribution names, exceptions left out."""
    found = metadata(name)
    texts = [text for text in (found["License-Expression"], found["License"]) if text and "\n" not in text]
    if not texts:
        classifiers = found.get_all("Classifier") or []
        texts = [one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License :: ")]
    parts = {part.strip(" ()") for text in texts for part in re.split(r" AND | OR ", text)}
    return parts - {WEAK_COPYLEFT.get(name)}


@pytest.mark.parametrize("name", LOCKED)
def test_a_locked_dependency_has_a_licence_that_allows_redistribution(name: str) -> None:
    found = licences(name)

    assert found or name in WEAK_COPYLEFT
    assert {licence for licence in found if not PERMISSIVE.fullmatch(licence)} == set()


def test_exceptions_are_of_what_is_locked() -> None:
    assert set(LOCKED) >= WEAK_COPYLEFT.keys()

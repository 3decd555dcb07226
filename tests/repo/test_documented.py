"""Every block of commands in a document is run by a test, or says why not."""

import re

import pytest

from tests.acceptance import test_documented_commands as runs
from tests.repo import documented, project

DOCUMENTS = [str(path.relative_to(project.ROOT)) for path in documented.documents()]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_is_found_under_the_one_name_for_it(document: str) -> None:
    text = (project.ROOT / document).read_text()
    fences = re.findall(r"^ *(`{3,}|~{3,})(\w*)$", text, re.MULTILINE)
    found = documented.blocks(project.ROOT / document)

    assert not {"sh", "bash", "shell", "zsh"} & {language for _, language in fences}
    assert len(found) == sum(language == "console" for _, language in fences)
    assert text.count("<!-- not run:") == sum(block.reason is not None for block in found)


def test_what_is_not_marked_is_run() -> None:
    with_commands = {document for document in DOCUMENTS if documented.to_run(document)}

    assert with_commands == set(runs.RUN)


def test_no_more_than_what_needs_a_machine_is_left_out() -> None:
    everywhere = [block for path in documented.documents() for block in documented.blocks(path)]

    # What our own command does can be run here, unless it is inside of a container or a unit.
    assert not [
        block for block in everywhere if block.reason is not None and block.text.startswith("elastic-ingest ")
    ]

"""Modules stay small enough to be read in one sitting."""

from statistics import median

from tests.repo import project

LIMIT = 400
MEDIAN = 200

ALLOWED: dict[str, str] = {}
"""Modules past the limit, each with the reason why it has no seam."""

PRODUCT = [module for module in project.modules() if module.package in {"ingest", "sources", "sandbox"}]


def test_a_module_past_the_limit_has_a_reason() -> None:
    large = {module.name: module.lines for module in PRODUCT if module.lines > LIMIT}

    assert {name: lines for name, lines in large.items() if name not in ALLOWED} == {}
    assert set(ALLOWED) <= set(large), "take modules off the list once they are small again"


def test_the_median_module_is_short() -> None:
    assert median(module.lines for module in PRODUCT) <= MEDIAN


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        module.name
        for module in project.modules()
        if module.lines and not module.path.read_text().lstrip("#! ").startswith(('"""', 'r"""'))
    ]

    assert silent == []

"""The page about PostgreSQL names every field, and shows ids and forms that are true."""

import re
from pathlib import Path

import pytest

from sources.postgresql.fields import FIELDS
from sources.postgresql.render.ids import prefix_of
from tests.support.document_ids import document_id

PAGE = (Path(__file__).parents[4] / "docs/postgresql.md").read_text()


def test_every_field_is_in_the_table_of_settings_with_its_default() -> None:
    section = PAGE.partition("## Settings")[2].partition("## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]

    assert [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])] == list(FIELDS)
    for row in rows:
        name, default = row.split("|")[1:3]
        field = FIELDS[re.findall(r"`(\w+)`", name)[0]]
        documented = default.strip().strip("`")
        assert documented == str(field["value"] or field["default_value"] or "").replace("False", "") or (
            documented == "false" and False in (field["value"], field["default_value"])
        )


@pytest.mark.parametrize(
    ("database", "schema", "table", "key"),
    [
        ("music", "public", "album", ["1"]),
        ("music", "public", "invoice_line", ["7"]),
        ("music", "public", "playlist_track", ["1", "3402"]),
        ("music", "public", "tag", ["a_b"]),
        ("music", "public", "v", [None]),
        ("my_app", "sales", "order", ["7"]),
    ],
)
def test_the_ids_shown_are_those_that_are_given(
    database: str, schema: str, table: str, key: list[str | None]
) -> None:
    assert f"`{document_id(prefix_of(database, schema, [table]), key)}`" in PAGE

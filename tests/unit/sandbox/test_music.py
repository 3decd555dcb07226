"""The catalogue of the demo."""

from decimal import Decimal

import pytest

from sandbox import music
from sandbox.postgresql import Cluster


@pytest.fixture(scope="module")
def rows() -> dict[str, list[music.Row]]:
    return {table.name: list(table.rows) for table in music.tables()}


def test_the_catalogue_has_275_artists_and_347_albums(rows: dict[str, list[music.Row]]) -> None:
    assert len(rows["artist"]) == 275
    assert len(rows["album"]) == 347


def test_artists_have_different_names(rows: dict[str, list[music.Row]]) -> None:
    assert len({name for _, name in rows["artist"]}) == 275


def test_every_artist_has_an_album(rows: dict[str, list[music.Row]]) -> None:
    assert {album[2] for album in rows["album"]} == {artist[0] for artist in rows["artist"]}


def test_the_catalogue_is_the_same_every_time() -> None:
    assert music.script() == music.script()


def test_an_invoice_is_the_sum_of_its_lines(rows: dict[str, list[music.Row]]) -> None:
    sums: dict[object, Decimal] = {}
    for _, invoice, _, price, quantity in rows["invoice_line"]:
        sums[invoice] = sums.get(invoice, Decimal(0)) + Decimal(str(price)) * int(str(quantity))

    assert sums == {invoice[0]: invoice[-1] for invoice in rows["invoice"]}


def test_some_values_are_null(rows: dict[str, list[music.Row]]) -> None:
    assert any(track[5] is None for track in rows["track"])
    assert any(employee[4] is None for employee in rows["employee"])


def test_the_script_loads_every_row(cluster: Cluster, rows: dict[str, list[music.Row]]) -> None:
    cluster.execute("CREATE DATABASE music_script")

    cluster.execute(music.script(), database="music_script")

    for table, expected in rows.items():
        assert cluster.execute(f"SELECT count(*) FROM {table}", database="music_script") == str(len(expected))

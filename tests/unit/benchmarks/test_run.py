"""A benchmark runs from end to end on a small table, with the real engine, PostgreSQL and sink."""

import json

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main


@pytest.mark.sweep
def test_an_unchanged_table_is_measured_against_the_bare_loop() -> None:
    result = CliRunner().invoke(main, ["unchanged", "--rows", "500", "--repeat", "1", "--json"])

    report = json.loads(result.output)
    figures = {row["name"]: row["figures"] for row in report["rows"]}
    assert figures["bare loop"]["operations"] == figures["cold sync"]["operations"] == 500
    assert figures["second sync"]["operations"] == 0
    assert all(of["docs/s"] > 0 and of["peak MiB"] > 0 for of in figures.values())
    assert result.exit_code == (0 if all(check["holds"] for check in report["checks"]) else 1)


@pytest.mark.sweep
def test_each_of_many_tables_is_read_and_then_proven_unchanged() -> None:
    result = CliRunner().invoke(main, ["tables", "--rows", "100", "--repeat", "1", "--json"])

    report = json.loads(result.output)
    operations = {row["name"]: row["figures"]["operations"] for row in report["rows"]}
    assert operations == {"first sync": 100, "incremental, unchanged": 0}


def measured(*options: str) -> dict[str, dict[str, float]]:
    result = CliRunner().invoke(main, ["follow", "--rows", "200", "--minutes", "0.1", "--json", *options])
    report = json.loads(result.output)
    assert result.exit_code == (0 if all(check["holds"] for check in report["checks"]) else 1)
    return {row["name"]: row["figures"] for row in report["rows"]}


@pytest.mark.sweep
def test_every_change_that_is_followed_is_measured() -> None:
    figures = measured("--part", "sustained", "--part", "large", "--way", "log")

    assert [*figures] == ["sustained, log", "large, log"]
    assert all(value > 0 for of in figures.values() for value in of.values())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_following_is_measured_both_ways() -> None:
    figures = measured()

    assert len(figures) == 8
    for way in ("log", "polling"):
        assert 0 < figures[f"steady, {way}"]["changes/s"] <= 1000
        assert 0 < figures[f"steady, {way}"]["p50 ms"] <= figures[f"steady, {way}"]["p99 ms"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_l02_l03_memory_does_not_grow_with_the_table() -> None:
    result = CliRunner().invoke(main, ["memory", "--rows", "100000", "--json"])

    checks = json.loads(result.output)["checks"]
    assert len(checks) == 4
    assert [check for check in checks if not check["holds"]] == []

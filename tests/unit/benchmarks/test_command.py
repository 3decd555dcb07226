"""The command lists the benchmarks and knows every one by name."""

from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.scenarios import SCENARIOS


def test_without_a_name_every_benchmark_is_listed_with_one_line() -> None:
    result = CliRunner().invoke(main, [])

    lines = result.output.splitlines()
    assert [line.split()[0] for line in lines] == [*SCENARIOS]
    assert all(line.rstrip().endswith(".") for line in lines)


def test_an_unknown_name_is_refused_and_the_known_ones_are_told() -> None:
    result = CliRunner().invoke(main, ["lukewarm"])

    assert result.exit_code == 2
    assert "unchanged" in result.output

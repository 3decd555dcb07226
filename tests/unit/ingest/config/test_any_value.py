"""Every setting there is, given anything YAML can say: it is taken, or refused by its name."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import config
from ingest.errors import ConfigError
from tests.support.sweeps import sampled

EXAMPLE = Path(__file__).parents[4] / "config.yml.example"
KEYS = sorted(
    set(re.findall(r"^#?((?:elasticsearch|service)\.[a-z_.]+):", EXAMPLE.read_text(), re.MULTILINE))
)
CONNECTOR_KEYS = ("connector_id", "service_type", "api_key", "create", "index_name", "unknown")
HUGE = "x" * 10_000_000

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12) | st.sampled_from(("", " ", "${X}", "${", "0", "1e9", "12:30", "http://", "a\0b")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def loaded(folder: Path, settings_: dict[str, Any]) -> list[str]:
    """Return the problems; JSON is YAML."""
    path = folder / "config.yml"
    path.write_text(json.dumps(settings_))
    path.chmod(0o600)
    try:
        config.load(path, {}, service_types=("postgresql",))
    except ConfigError as refused:
        return refused.problems
    return []


@given(
    st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=4),
    ANYTHING | st.lists(st.dictionaries(st.sampled_from(CONNECTOR_KEYS), ANYTHING, max_size=4), max_size=3),
)
def test_any_value_of_any_setting_is_taken_or_refused_on_one_line(
    tmp_path_factory: pytest.TempPathFactory, given_settings: dict[str, Any], connectors: Any
) -> None:
    found = loaded(tmp_path_factory.mktemp("any"), {**given_settings, "connectors": connectors})

    assert all(line.startswith("config.yml: ") and "\n" not in line for line in found)


@pytest.mark.parametrize("key", sampled(KEYS, every=4))
def test_a_value_of_ten_megabytes_is_refused_or_taken_and_never_repeated(tmp_path: Path, key: str) -> None:
    entry = {"connector_id": "my-connector-id", "service_type": "postgresql"}

    found = loaded(tmp_path, {key: HUGE, "connectors": [entry]})

    assert sum(map(len, found)) < 100_000


def test_there_are_settings() -> None:
    assert len(KEYS) > 30

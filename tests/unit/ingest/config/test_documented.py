"""The example file and the page about the configuration say what the program does."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from ingest import config
from ingest.config.declaration import Setting
from ingest.config.ignored_keys import IGNORED
from ingest.config.settings import Config, ConnectorEntry

ROOT = Path(__file__).parents[4]
EXAMPLE = (ROOT / "config.yml.example").read_text()
PAGE = (ROOT / "docs" / "configuration.md").read_text()


def settings_of(declaring: type[Any], at: str = "") -> Iterator[tuple[str, str, Setting]]:
    """Yield field name, key and declaration of every setting."""
    for declared in fields(declaring):
        if "setting" in declared.metadata:
            setting: Setting = declared.metadata["setting"]
            yield declared.name, f"{at}{setting.key}", setting
        elif "section" in declared.metadata:
            yield from settings_of(declared.metadata["of"], f"{at}{declared.metadata['section']}.")


GLOBAL = tuple(settings_of(Config))
OF_A_CONNECTOR = tuple(settings_of(ConnectorEntry))
EVERY = tuple(pytest.param(*entry, id=entry[1]) for entry in (*GLOBAL, *OF_A_CONNECTOR))


def as_written(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return f" {str(value).lower()}"
        case _:
            return f" {value}"


def values_of(settings: Any) -> Mapping[str, Any]:
    return {declared.name: getattr(settings, declared.name) for declared in fields(settings)}


def test_the_example_can_be_used_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text(EXAMPLE)

    settings = config.load(path, {}, service_types=("postgresql",))

    assert settings.elasticsearch == config.Elasticsearch()
    assert settings.service == config.Service()
    assert [entry.connector_id for entry in settings.connectors] == ["my-connector-id"]


@pytest.mark.parametrize(("name", "key", "setting"), EVERY)
def test_the_example_explains_every_setting_and_shows_its_default(
    name: str, key: str, setting: Setting
) -> None:
    place = EXAMPLE.index("connectors:\n") if (name, key, setting) in OF_A_CONNECTOR else 0
    example_value = r" \S+" if setting.is_required else re.escape(as_written(setting.default))
    lines = rf"# {re.escape(setting.explanation)}\n *#?{re.escape(key)}:{example_value}\n"

    assert re.search(lines, EXAMPLE[place:])


def test_the_defaults_of_the_example_are_the_programs(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text(re.sub(r"(?m)^( *)#([a-z_.]+: \S)", r"\1\2", EXAMPLE))

    settings = config.load(path, {}, service_types=("postgresql",))

    assert values_of(settings.elasticsearch) == values_of(config.Elasticsearch())
    assert settings.service == config.Service()


def test_the_example_holds_no_other_setting() -> None:
    listed = re.findall(r"(?m)^ *#?([a-z_.]+):(?: |$)", EXAMPLE)

    assert sorted(listed) == sorted(["connectors", *(key for _, key, _ in (*GLOBAL, *OF_A_CONNECTOR))])


@pytest.mark.parametrize(("name", "key", "setting"), EVERY)
def test_every_setting_has_an_effect(name: str, key: str, setting: Setting) -> None:
    readers = [path for path in (ROOT / "ingest").rglob("*.py") if path.name != "settings.py"]

    assert any(re.search(rf"\.{name}\b", path.read_text()) for path in readers)


@pytest.mark.parametrize(("path", "ignored"), IGNORED.items())
def test_the_page_lists_every_key_without_effect(path: str, ignored: Any) -> None:
    assert f"| `{path}` | {ignored.reason} |" in PAGE


@pytest.mark.parametrize(("name", "key", "setting"), EVERY)
def test_the_page_lists_every_setting(name: str, key: str, setting: Setting) -> None:
    shown = f"connectors[].{key}" if (name, key, setting) in OF_A_CONNECTOR else key
    default = as_written(setting.default).strip()
    default = f"`{default}`" if default else ("required" if setting.is_required else "")

    assert f"| `{shown}` | {default} | {setting.type.allowed} | {setting.explanation} |" in PAGE

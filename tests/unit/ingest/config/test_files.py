"""A file that cannot be read, is not a map of settings or is too large is refused."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import config
from ingest.errors import ConfigError
from tests.unit.ingest.config.loading import CONNECTOR, load, only_problem, problems


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    assert load(tmp_path, b"\xef\xbb\xbf" + CONNECTOR.encode()).connectors


def test_a_missing_file_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        config.load(tmp_path / "absent.yml", {})

    problem = f"absent.yml: cannot be read: No such file or directory ({tmp_path / 'absent.yml'})"
    assert refused.value.problems == [f"{problem}; name the file with -c, or copy config.yml.example"]


def test_a_file_that_may_not_be_read_is_answered_with_the_right_that_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)

    with pytest.raises(ConfigError, match="give the user that runs this the right to read it"):
        config.load(tmp_path / "config.yml", {})


def test_a_section_without_settings_is_answered_with_what_to_do(tmp_path: Path) -> None:
    found = only_problem(tmp_path, CONNECTOR + "service:\n#  idling: 30\n")

    assert found == (
        "config.yml: service: is empty (a map of settings; remove the key, or set something below it)"
    )


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a directory"):
        config.load(tmp_path, {})


def test_a_pipe_without_a_writer_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.yml")

    with pytest.raises(ConfigError, match="not a regular file"):
        config.load(tmp_path / "config.yml", {})


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a: b".encode("utf-16"), "is not UTF-8 text"),
        (b"\x7fELF\xff\xfe\x00", "is not UTF-8 text"),
        (b"a: \x00b", "is not YAML"),
        (b"#" * (1024 * 1024 + 1), "is larger than 1024 KiB"),
        (b"service:\n\tidling: 3", "line 2, column 1"),
        (b"a: 'unclosed", "line 1, column 13"),
        (b"a: 1\n---\nb: 2", "line 2, column 1: but found another document"),
        (b"- a\n- b", "is not a map of settings"),
        (b"just a text", "is not a map of settings"),
        (b"a: &x 1\nb: *x", "aliases (*name) are not supported"),
        (b"a: " + b"[" * 500 + b"]" * 500, "too deeply nested"),
        (b"a: [" + b"1," * 30_000 + b"]", "too many"),
    ],
)
def test_a_text_that_is_no_map_of_settings_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    assert complaint in only_problem(tmp_path, content)


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("service:\n\tidling: 3", "indent with spaces, not with tabs"),
        ("service:\n  idling: 3\n heartbeat: 4", "indent the keys of a map alike"),
        ("service:\n  idling: 3\n    heartbeat: 4", "indent the keys of a map alike"),
        ("  service:\n    idling: 3\nconnectors: []", "indent the keys of a map alike"),
        ("elasticsearch:\n  password: a: b", "in quotes"),
        ("elasticsearch:\n  password: @a", "in quotes"),
        ("elasticsearch:\n  password: 'it's'", "in quotes"),
        ('elasticsearch:\n  password: "a\\p"', "in single quotes"),
        ('elasticsearch:\n  password: "a\nservice: {}', "close the quotation mark"),
        ("connectors: [{connector_id: a", "close the bracket"),
        ("connectors: []\n---\nservice: {}", "remove the line ---"),
        ("connectors: []\nservice\n", "write key: value"),
    ],
)
def test_what_yaml_cannot_read_is_answered_with_what_to_do(tmp_path: Path, written: str, remedy: str) -> None:
    found = only_problem(tmp_path, written.encode())

    assert found.startswith("config.yml: line ")
    assert remedy in found


@pytest.mark.parametrize("content", ["", "# only a comment\n", "---\n", "null"])
def test_an_empty_file_is_a_file_without_settings(tmp_path: Path, content: str) -> None:
    assert "connectors: names no connector" in only_problem(tmp_path, content)


def test_an_alias_bomb_is_refused_at_once(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    assert "aliases" in only_problem(tmp_path, "\n".join(lines))


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system ['true']", "!!binary aGk=", "!mine {a: 1}", "!!set {a: null}"]
)
def test_tags_are_refused(tmp_path: Path, tag: str) -> None:
    assert "carries the tag" in problems(tmp_path, CONNECTOR + f"elasticsearch.host: {tag}")[0]


def test_control_characters_cannot_forge_a_line(tmp_path: Path) -> None:
    found = only_problem(tmp_path, CONNECTOR + '"a\\nconfig.yml: all is well\\e[0m": 1')

    assert "\n" not in found
    assert "\x1b" not in found


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    try:
        load(tmp_path_factory.mktemp("any"), content)
    except ConfigError as refused:
        assert all(line.startswith("config.yml: ") and "\n" not in line for line in refused.problems)  # noqa: PT017


@pytest.mark.parametrize(
    "text",
    [
        'elasticsearch: {host: "https://localhost", username: elastic, password: "p\\ud800"}',
        'elasticsearch.headers: {X-Name: "\\udfff"}',
        'elasticsearch: {"\\ud800": 1}',
        'service.log_level: "\\ud800"',
    ],
)
def test_half_characters_are_a_problem_of_the_file_wherever_they_stand(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"elasticsearch|service|line"):
        load(tmp_path, CONNECTOR + text)


def test_half_characters_of_the_environment_are_a_problem_too(tmp_path: Path) -> None:
    text = CONNECTOR + "elasticsearch: {username: elastic, password: '${PASSWORD}'}"

    with pytest.raises(ConfigError, match="surrogate"):
        load(tmp_path, text, {"PASSWORD": os.fsdecode(b"p\xff")})

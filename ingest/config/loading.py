"""From the tree of what was written to a `Config`, with every problem of the file reported at once."""

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from ingest.config import files, yaml_tree
from ingest.config.consistency import cautions, inconsistencies, serves_nothing
from ingest.config.declaration import Setting
from ingest.config.ignored_keys import IGNORED
from ingest.config.settings import Config, ConnectorEntry
from ingest.config.types import file
from ingest.config.urls import WrongValueError
from ingest.config.yaml_tree import Node, Scalar, Section, Sequence
from ingest.errors import ConfigError

T = TypeVar("T")

OPAQUE = frozenset({"elasticsearch.headers", "sources"})
"""Maps whose keys are names of something else: a dot in them is a dot."""
LEGACY_CONNECTOR_KEYS = ("connector_id", "service_type")
"""A single connector, as files from before the list of connectors name it."""
FILE_SUFFIX = "_file"
"""`api_key_file` names a file that holds the `api_key`; so with every secret."""

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Names the folder in which systemd hands files over, to the service alone whatever their mode says."""

FILE = file()
_REMEDIES: dict[type[BaseException | None], str] = {
    FileNotFoundError: "; name the file with -c, or copy config.yml.example",
    PermissionError: "; give the user that runs this the right to read it",
}
"""What to do about a `config.yml` that cannot be opened."""
_NEEDS_ESCAPING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def load(
    path: Path,
    environment: Mapping[str, str],
    *,
    service_types: Collection[str] = (),
    requires_connectors: bool = True,
) -> Config:
    """Read `config.yml`; `service_types` are the sources that exist, none given means that any is accepted.

    The service needs something to work for; commands about Elasticsearch alone need no connectors in it.

    Raises ConfigError with every problem found, each as `<file>: <path>: <problem> (<what is allowed>)`.
    """
    guarded = environment.get(CREDENTIALS)
    reading = _Reading(path, service_types, requires_connectors=requires_connectors, guarded_folder=guarded)
    try:
        text = files.read_text(path, files.LARGEST_CONFIG_BYTES)
        tree, reading.problems = yaml_tree.parse(text, environment, OPAQUE)
    except (files.FileError, yaml_tree.YamlError) as error:
        remedy = _REMEDIES.get(type(error.__cause__), "")
        raise ConfigError([_line(path, f"{error}{remedy}")]) from error
    config = reading.config(tree)
    if reading.problems:
        raise ConfigError([_line(path, problem) for problem in reading.problems])
    return replace(config, warnings=tuple(_line(path, caution) for caution in reading.warnings))


def _line(path: Path, problem: str) -> str:
    return _NEEDS_ESCAPING.sub(lambda found: f"\\u{ord(found[0]):04x}", f"{path.name}: {problem}")


class _Reading:
    """One reading of one file: what was wrong so far, what is worth a warning, where secrets came from."""

    def __init__(
        self,
        path: Path,
        service_types: Collection[str],
        *,
        requires_connectors: bool,
        guarded_folder: str | None,
    ) -> None:
        self._path = path
        self._service_types = service_types
        self._requires_connectors = requires_connectors
        self._guarded_folder = guarded_folder
        self._broken: set[str] = set()
        self._open_secrets: list[str] = []
        self.problems: list[str] = []
        self.warnings: list[str] = []

    def config(self, tree: Section) -> Config:
        """Build what can be built, then check what only the whole can show."""
        members = dict(tree.members)
        legacy = {key: members.pop(key) for key in LEGACY_CONNECTOR_KEYS if key in members}
        legacy = {key: node for key, node in legacy.items() if not _says_null(node)}
        listed = members.pop("connectors", None)
        config = self._build(Config, Section(members), "", more_keys=("connectors", *LEGACY_CONNECTOR_KEYS))
        config = replace(config, connectors=self._listed(listed) + self._legacy(legacy))
        broken = list(inconsistencies(config, self._service_types))
        if self._requires_connectors:
            broken.extend(serves_nothing(config))
        for one in broken:
            if not self._broken.intersection(one.concluded_from):
                self.problems.append(f"{one.at}: {one.problem}")
        self.warnings.extend(cautions(config))
        self._check_permissions(config.service.strict_permissions)
        return config

    def _build(self, what: type[T], section: Section, at: str, *, more_keys: tuple[str, ...] = ()) -> T:
        """Build a dataclass of settings from the keys below `at`; what cannot be read keeps its default."""
        members = dict(section.members)
        values: dict[str, Any] = {}
        known = list(more_keys)
        for declared in fields(what):  # type: ignore[arg-type]  # always a dataclass of settings
            if "setting" in declared.metadata:
                setting: Setting = declared.metadata["setting"]
                known.append(setting.key)
                node = self._taken(setting, members, at)
                if node is not None:
                    self._read(setting, node, f"{at}{setting.key}", declared.name, values)
                elif setting.is_required:
                    self._report(f"{at}{setting.key}", f"is missing ({setting.type.allowed})")
            elif "section" in declared.metadata:
                key = declared.metadata["section"]
                known.append(key)
                below = self._section(members.pop(key, Section()), f"{at}{key}")
                values[declared.name] = self._build(declared.metadata["of"], below, f"{at}{key}.")
        self._refuse_unknown(members, known, at)
        return what(**values)

    def _taken(self, setting: Setting, members: dict[str, Node], at: str) -> Node | None:
        """Take the setting's value, or for a secret the content of the file named instead of it."""
        written = members.pop(setting.key, None)
        if setting.default is None and not setting.is_required and _says_null(written):
            written = None
        if not setting.type.is_secret:
            return written
        path_node = members.pop(setting.key + FILE_SUFFIX, None)
        if path_node is None:
            if written is not None and not (isinstance(written, Scalar) and written.is_from_environment):
                self._note_secret_in(self._path)
            return written
        here = f"{at}{setting.key}{FILE_SUFFIX}"
        if written is not None:
            self._report(here, f"is given besides {setting.key} (one of the two)")
            return written
        return self._content_of(path_node, here)

    def _content_of(self, path_node: Node, here: str) -> Node | None:
        try:
            path = self._path.parent / FILE.read(path_node)
            content = files.read_secret(path)
        except (WrongValueError, files.FileError) as error:
            self._report(here, f"{error} ({FILE.allowed} that holds nothing else)")
            self._broken.add(here.removesuffix(FILE_SUFFIX))
            return None
        self._note_secret_in(path)
        return Scalar(content, "str", is_from_environment=True)

    def _read(self, setting: Setting, node: Node, here: str, field: str, values: dict[str, Any]) -> None:
        try:
            value = setting.type.read(node)
        except WrongValueError as error:
            is_filled_in = isinstance(node, Scalar) and node.is_from_environment and not node.text
            origin = ", as is the variable or file it comes from" if is_filled_in else ""
            self._report(here, f"{error}{origin} ({setting.type.allowed})")
            return
        if isinstance(value, Path):
            value = self._path.parent / value
        values[field] = value if setting.times == 1 else value * setting.times

    def _section(self, node: Node, here: str) -> Section:
        if isinstance(node, Section):
            return node
        is_empty = isinstance(node, Scalar) and node.tag == "null"
        remedy = "; remove the key, or set something below it" if is_empty else ""
        self._report(here, f"is {node.described} (a map of settings{remedy})")
        return Section()

    def _listed(self, node: Node | None) -> tuple[ConnectorEntry, ...]:
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            self._report("connectors", f"is {node.described} (a list of connector_id and service_type)")
            return ()
        return tuple(self._entry(item, f"connectors[{number}]") for number, item in enumerate(node.items))

    def _entry(self, node: Node, here: str) -> ConnectorEntry:
        if isinstance(node, Section):
            return self._build(ConnectorEntry, node, f"{here}.")
        self._report(here, f"is {node.described} (a map of connector_id, service_type and more)")
        return ConnectorEntry()

    def _legacy(self, members: Mapping[str, Node]) -> tuple[ConnectorEntry, ...]:
        if not members:
            return ()
        self.warnings.append(
            f"{' and '.join(members)}: deprecated, list the connector under connectors instead"
        )
        return (self._build(ConnectorEntry, Section(members), ""),)

    def _refuse_unknown(self, members: Mapping[str, Node], known: list[str], at: str) -> None:
        ignored = [path.removeprefix(at) for path in IGNORED if path.startswith(at)]
        for key, node in members.items():
            rule = IGNORED.get(f"{at}{key}")
            if rule is None:
                self._report(f"{at}{key}", f"is unknown ({_suggestion(key, [*known, *ignored])})")
            elif rule.is_surprising and not _says_no(node):
                self.warnings.append(f"{at}{key}: has no effect: {rule.reason}")

    def _note_secret_in(self, path: Path) -> None:
        if self._guarded_folder and path.is_relative_to(self._guarded_folder):
            return
        if files.is_open_to_others(path) and str(path) not in self._open_secrets:
            self._open_secrets.append(str(path))

    def _check_permissions(self, is_strict: bool) -> None:
        for name in self._open_secrets:
            remedy = (
                f"chmod 600 {name}"
                if is_strict
                else f"chmod 600 {name}; service.strict_permissions refuses it"
            )
            sentence = f"{name}: holds a secret and can be read or changed by others ({remedy})"
            (self.problems if is_strict else self.warnings).append(sentence)

    def _report(self, here: str, problem: str) -> None:
        self._broken.add(here)
        self.problems.append(f"{here}: {problem}")


def _suggestion(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are: {', '.join(sorted(known))}"


def _says_null(node: Node | None) -> bool:
    """Whether `null` stands there, as for "not set" in a file of Elastic's; a value left out is a mistake."""
    return isinstance(node, Scalar) and node.tag == "null" and node.text != ""


def _says_no(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text.lower() in {"", "false", "no", "off", "null", "~"}

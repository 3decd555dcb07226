"""The text of `config.yml` as a tree of what was written: no guessed types, nothing lost, nothing executed.

    bytes -> text -> YAML nodes -> Section / Sequence / Scalar

YAML's own loader would keep the last of two equal keys, turn `connector_id: 0123` into 83 and follow aliases
without end. So only its parser is used; a scalar keeps its text beside the type YAML would have given it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ingest.config.placeholders import PlaceholderError, expand, has_placeholder

MOST_NODES = 20_000
DEEPEST = 20
SEPARATOR = "."
_HALF_CHARACTERS = re.compile("[\ud800-\udfff]")

_REMEDIES = {
    r"character '\t'": "indent with spaces, not with tabs",
    "cannot start any token": "put the value in quotes",
    "expected the node content": "put the value in quotes",
    "mapping values are not allowed": "indent the keys of a map alike; put a value that holds ': ' in quotes",
    "expected <block end>": "indent the keys of a map alike; put a value that holds quotes in quotes",
    "expected '<document start>'": "indent the keys of a map alike",
    "could not find expected ':'": "write key: value, with a blank after the colon",
    "unexpected end of stream": "close the quotation mark",
    "got '<stream end>'": "close the bracket",
    "found another document": "remove the line ---",
    "unknown escape character": "put the value in single quotes",
}
"""What to do about what the parser says, by words of it; the first that fits counts."""

_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS = {"str", "int", "float", "bool", "null", "timestamp", "merge", "value"}
_TAG_NAMES = {
    "str": "text",
    "int": "number",
    "float": "number",
    "bool": "boolean",
    "null": "nothing",
    "timestamp": "date",
    "merge": "merge key",
    "value": "value key",
}


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as it was written, placeholders filled in."""

    text: str
    tag: str
    """The type YAML gives it: str, int, float, bool, null or timestamp."""
    is_from_environment: bool = False
    """Whether a placeholder was filled in, so that its type says nothing about what a person meant."""

    @property
    def tag_name(self) -> str:
        """The type in a person's words."""
        return _TAG_NAMES[self.tag]

    @property
    def described(self) -> str:
        """What it is, for a message that expected something else."""
        return "empty" if self.tag == "null" else f"a single {self.tag_name}"


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple["Node", ...]
    described: str = "a list"


@dataclass(frozen=True, slots=True)
class Section:
    """A map of keys, each with what was written below it."""

    members: Mapping[str, "Node"] = field(default_factory=dict)
    described: str = "a map"


Node = Scalar | Sequence | Section


class YamlError(ValueError):
    """The text is not one YAML map of settings; the message says where and why."""


def parse(text: str, environment: Mapping[str, str], opaque: frozenset[str]) -> tuple[Section, list[str]]:
    """Return the tree and every problem found on the way, as `<path>: <problem>`.

    Dotted keys are unfolded, so that `a.b: 1` and `a: {b: 1}` are the same and both at once are a duplicate;
    below the `opaque` paths keys stay as they are. Raises YamlError if the text is not one YAML map.
    """
    root = _compose(text)
    if root is None or (isinstance(root, yaml.ScalarNode) and root.tag == f"{_TAG}null"):
        return Section(), []
    if not isinstance(root, yaml.MappingNode):
        raise YamlError("is not a map of settings (key: value)")
    reader = _Reader(environment, opaque)
    members: dict[str, Node] = {}
    reader.unfold(root, members, "")
    return Section(members), reader.problems


def _compose(text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_LimitedLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        said = error.problem or error.context or ""
        raise YamlError(f"{place}{said}{_remedy(said)}") from error
    except yaml.YAMLError as error:
        raise YamlError(f"is not YAML: {' '.join(str(error).split())}") from error


def _remedy(said: str) -> str:
    """Return what to do about what the parser said, which speaks of its grammar; nothing if it is plain."""
    return next((f" ({remedy})" for words, remedy in _REMEDIES.items() if words in said), "")


class _LimitedLoader(yaml.SafeLoader):
    """PyYAML's safe parser with limits: no aliases, few nodes, little depth."""

    _nodes = 0
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            # Ten lines of aliases can expand to a billion nodes; no setting needs an alias.
            mark = self._place()
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not supported", mark)
        self._nodes += 1
        self._depth += 1
        if self._nodes > MOST_NODES or self._depth > DEEPEST:
            mark = self._place()
            raise yaml.composer.ComposerError(
                None, None, "the file holds too many or too deeply nested values", mark
            )
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _place(self) -> Any:
        return self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs know no types here


class _Reader:
    """Turns YAML nodes into a tree, collecting problems."""

    def __init__(self, environment: Mapping[str, str], opaque: frozenset[str]) -> None:
        self._environment = environment
        self._opaque = opaque
        self.problems: list[str] = []

    def unfold(self, source: yaml.MappingNode, members: dict[str, Node], at: str) -> None:
        """Add the keys of a map to those already known at this place, dotted ones as if they were nested."""
        for key_node, value_node in source.value:
            key = key_node.value
            if not _is_text(key_node) or not key:
                self._report(at, f"line {key_node.start_mark.line + 1}: a key is not a text")
            elif key.count(SEPARATOR) > DEEPEST:
                self._report(at, f"line {key_node.start_mark.line + 1}: a key has too many parts")
            elif at in self._opaque or SEPARATOR not in key:
                self._add(key, value_node, members, _below(at, key))
            else:
                first, rest = key.split(SEPARATOR, 1)
                self._add(first, _nested(rest, value_node, key_node), members, _below(at, first))

    def _add(self, key: str, value: yaml.Node, members: dict[str, Node], here: str) -> None:
        known = members.get(key)
        if known is None:
            members[key] = self._node(value, here)
        elif isinstance(known, Section) and isinstance(value, yaml.MappingNode):
            merged = dict(known.members)
            self.unfold(value, merged, here)
            members[key] = Section(merged)
        else:
            self._report(here, f"is given twice (again in line {value.start_mark.line + 1})")

    def _node(self, source: yaml.Node, here: str) -> Node:
        tag = source.tag.removeprefix(_TAG)
        match source:
            case yaml.MappingNode() if tag == "map":
                members: dict[str, Node] = {}
                self.unfold(source, members, here)
                return Section(members)
            case yaml.SequenceNode() if tag == "seq":
                return Sequence(
                    tuple(self._node(item, f"{here}[{number}]") for number, item in enumerate(source.value))
                )
            case yaml.ScalarNode() if tag in _SCALAR_TAGS:
                return self._scalar(source, tag, here)
        self._report(here, f"carries the tag {source.tag!r} (tags are not supported)")
        return Scalar("", "null")

    def _scalar(self, source: yaml.ScalarNode, tag: str, here: str) -> Scalar:
        if not has_placeholder(source.value):
            return Scalar(self._characters(source.value, here), tag)
        try:
            expanded = expand(source.value, self._environment)
        except PlaceholderError as error:
            self._report(here, str(error))
            return Scalar(source.value, tag, is_from_environment=True)
        return Scalar(self._characters(expanded, here), "str", is_from_environment=True)

    def _characters(self, text: str, here: str) -> str:
        """Return the text, without what cannot be sent to anybody: half characters, which are reported."""
        whole = _HALF_CHARACTERS.sub("", text)
        if whole != text:
            # From an escape such as \ud800, or from bytes of an environment variable that are not UTF-8.
            self._report(here, "holds half of a surrogate pair, which is no character")
        return whole

    def _report(self, at: str, problem: str) -> None:
        self.problems.append(f"{at}: {problem}" if at else problem)


def _is_text(key: yaml.Node) -> bool:
    is_text = isinstance(key.value, str) and key.tag == f"{_TAG}str"
    return is_text and not _HALF_CHARACTERS.search(key.value)


def _below(at: str, key: str) -> str:
    return f"{at}{SEPARATOR}{key}" if at else key


def _nested(key: str, value: yaml.Node, place: yaml.Node) -> yaml.MappingNode:
    """Return the map `{key: value}` as if it stood where the dotted key stands."""
    key_node = yaml.ScalarNode(f"{_TAG}str", key, place.start_mark, place.end_mark)
    return yaml.MappingNode(f"{_TAG}map", [(key_node, value)], place.start_mark, value.end_mark)

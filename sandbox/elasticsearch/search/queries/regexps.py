"""Regular expressions as Lucene reads them, rewritten for Python.

union := sequence ('|' sequence)*      sequence := (atom [?*+{n,m}]*)*
"""

import re

REPEATS = re.compile(r"[?*+]|\{\d+(?:,\d*)?\}")
INTERVAL = re.compile(r"<(\d+)-(\d+)>")
MAX_INTERVAL = 10_000
CLASSES = frozenset("dDsSwW")


class UnreadableError(ValueError):
    """The text is no regular expression."""


def translated(text: str, *, has_optional: bool = True) -> str:
    """The same for Python; raises `UnreadableError`. `has_optional`: the operators of `flags: ALL`, too."""
    reader = _Reader(text, has_optional)
    result = reader.union()
    if reader.position < len(text):
        raise UnreadableError(f"end-of-string expected at position {reader.position}")
    return result


class _Reader:
    __slots__ = ("has_optional", "position", "text")

    def __init__(self, text: str, has_optional: bool) -> None:
        self.text = text
        self.has_optional = has_optional
        self.position = 0

    def union(self) -> str:
        """Alternatives."""
        parts = [self.sequence()]
        while self.taken("|"):
            parts.append(self.sequence())
        return f"(?:{'|'.join(parts)})"

    def sequence(self) -> str:
        """Atoms one after the other, each repeated as the signs behind it say."""
        parts = []
        while self.position < len(self.text) and self.text[self.position] not in "|)":
            part = self.atom()
            while found := REPEATS.match(self.text, self.position):
                part = f"(?:{part}){found[0]}"
                self.position = found.end()
            parts.append(part)
        return "".join(parts)

    def atom(self) -> str:
        """A character, a class of characters, or an expression in parentheses."""
        character = self.next()
        match character:
            case "(":
                inner = self.union()
                if not self.taken(")"):
                    raise UnreadableError(f"expected ')' at position {self.position}")
                return inner
            case "[":
                return self.characters()
            case ".":
                return "."
            case "\\":
                return self.escaped()
            case '"':
                end = self.text.find('"', self.position)
                if end < 0:
                    raise UnreadableError(f"expected '\"' at position {len(self.text)}")
                quoted = self.text[self.position : end]
                self.position = end + 1
                return re.escape(quoted)
            case "@" | "#" | "<" | "~" | "&" if self.has_optional:
                return self.optional(character)
            case _:
                return re.escape(character)

    def optional(self, operator: str) -> str:
        """What only some `flags` read: any text, no text at all, numbers from one to another."""
        if operator in "@#":
            return ".*" if operator == "@" else "(?!)"
        found = INTERVAL.match(self.text, self.position - 1)
        if found is None:
            raise UnreadableError(f"[{operator}] is not modelled by the embedded server")
        first, last = sorted((int(found[1]), int(found[2])))
        if last - first > MAX_INTERVAL:
            raise UnreadableError(f"{found[0]} is too large for the embedded server")
        self.position = found.end()
        zeros = len(found[1]) if len(found[1]) == len(found[2]) else 0
        prefix = "" if zeros else "0*"
        return f"(?:{'|'.join(f'{prefix}{number:0{zeros}d}' for number in range(first, last + 1))})"

    def characters(self) -> str:
        """The rest of a class of characters; a backslash takes the next one as it is."""
        parts = ["[^" if self.taken("^") else "["]
        start = self.position
        while self.position == start or not self.taken("]"):
            character = self.next()
            is_range = (
                character == "-"
                and self.position > start + 1
                and not self.text.startswith("]", self.position)
            )
            parts.append("-" if is_range else self.escaped() if character == "\\" else re.escape(character))
        return "".join(parts) + "]"

    def escaped(self) -> str:
        """What a backslash makes of the next character."""
        character = self.next()
        return f"\\{character}" if character in CLASSES else re.escape(character)

    def next(self) -> str:
        """The next character, which must be there."""
        if self.position >= len(self.text):
            raise UnreadableError("unexpected end-of-string")
        self.position += 1
        return self.text[self.position - 1]

    def taken(self, character: str) -> bool:
        """Pass a character if it comes next."""
        is_next = self.text.startswith(character, self.position)
        self.position += is_next
        return is_next

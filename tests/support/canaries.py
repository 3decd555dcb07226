"""Secrets that no test may show: in what is printed and logged, and in what Elasticsearch is sent.

The password of the tests' PostgreSQL is one in every test. `seen_in` looks for it when a test has ended.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

from sandbox.elasticsearch.server.journal import Entry, Journal

SHOWN_CHARACTERS = 8
"""Even so much of a secret's beginning must not be seen."""
AROUND_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Canary:
    """A secret, and every form in which it could be seen."""

    name: str
    text: str

    def forms(self) -> Iterator[str]:
        """Yield what must be found nowhere."""
        yield self.text
        yield self.text[:SHOWN_CHARACTERS]
        yield base64.b64encode(self.text.encode()).decode().rstrip("=")
        yield quote(self.text, safe="")
        yield quote_plus(self.text)
        yield json.dumps(self.text)[1:-1]
        yield json.dumps(self.text, ensure_ascii=False)[1:-1]
        yield repr(self.text)[1:-1]


def found(canaries: Iterable[Canary], where: str) -> list[str]:
    """Return which secrets are seen there, with what stands around them."""
    return [
        f"{canary.name} in ...{where[max(at - AROUND_CHARACTERS, 0) : at]}<<here>>"
        for canary in canaries
        for form in set(canary.forms())
        if (at := where.find(form)) >= 0
    ]


def without_configuration(value: Any) -> Any:
    """Return JSON without the members where a configuration rightly is."""
    match value:
        case dict():
            return {
                name: without_configuration(inner) for name, inner in value.items() if name != "configuration"
            }
        case list():
            return [without_configuration(inner) for inner in value]
        case _:
            return value


def body_of(path: str, body: bytes) -> str:
    """Return what a request says but for a configuration."""
    if path.endswith("/_bulk") or not body:
        return body.decode("utf-8", "replace")
    try:
        return json.dumps(without_configuration(json.loads(body)), ensure_ascii=False)
    except ValueError:  # cut at the journal's limit, or no JSON
        return body.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Watch:
    """What is looked for after each test, and in which journals of Elasticsearch besides what was printed."""

    canaries: dict[str, Canary]
    journals: list[Journal]

    def seen_in(self, printed: Sequence[str]) -> list[str]:
        """Return every secret that a test has shown, and forget its journals."""
        forms = [form.encode() for canary in self.canaries.values() for form in set(canary.forms())]
        entries = [entry for journal in self.journals for entry in journal if _may_show(entry, forms)]
        self.journals.clear()
        places = [*printed, *(body_of(entry.path, entry.body) for entry in entries)]
        places += [f"{entry.path}?{dict(entry.query)} {dict(entry.headers)}" for entry in entries]
        return [one for place in places for one in found(self.canaries.values(), place)]


def _may_show(entry: Entry, forms: Sequence[bytes]) -> bool:
    """Say whether a request of the product holds a secret anywhere; that is rare, so the rest is not read."""
    if not entry.headers.get("User-Agent", "").startswith("elastic-ingest"):
        return False
    whole = b"".join((entry.path.encode(), repr(dict(entry.query)).encode(), entry.body))
    return any(form in whole for form in forms)


WATCH = Watch({}, [])
"""Of this process."""

"""The state of the server: its indices, and how names, aliases and patterns find them.

Index names are made real on the first write where the server would create them, from the templates that
match.
"""

import fnmatch
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.clock import Clock
from sandbox.elasticsearch.indices import Index, Template, index_names, settings
from sandbox.elasticsearch.indices.templates import BUILT_IN
from sandbox.elasticsearch.mapping import Mapping as IndexMapping
from sandbox.elasticsearch.pipelines import Pipeline, built_in
from sandbox.elasticsearch.search import Contexts
from sandbox.elasticsearch.security import Security


@dataclass(slots=True)
class State:
    """Everything the server remembers."""

    version: str = "9.1.0"
    build_flavor: str = "default"
    clock: Clock = field(default_factory=Clock)
    cluster_name: str = "sandbox"
    cluster_uuid: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    auto_create_index: bool = True
    keeps_sources: bool = True
    max_content_bytes: int = 100 * 1024 * 1024
    indices: dict[str, Index] = field(default_factory=dict)
    templates: list[Template] = field(default_factory=lambda: list(BUILT_IN))
    contexts: Contexts = field(init=False)
    tasks: dict[str, Any] = field(default_factory=dict)
    pipelines: dict[str, Pipeline] = field(default_factory=built_in)
    security: Security = field(default_factory=Security)

    def __post_init__(self) -> None:
        self.contexts = Contexts(self.clock)

    # finding

    def find(self, name: str) -> Index | None:
        """The index of this name or alias, if there is one."""
        found = self.indices.get(name)
        if found is not None:
            return found
        return next((index for index in self.indices.values() if name in index.aliases), None)

    def index(self, name: str) -> Index:
        """The index of this name or alias; raises `index_not_found_exception`."""
        found = self.find(name)
        if found is None:
            raise errors.index_not_found(name)
        return found

    def for_writing(self, name: str) -> Index:
        """The index of this name or alias, created if a write creates it.

        The name of a template's alias (`.elastic-connectors`) creates the index the template is for.
        """
        found = self.find(name)
        if found is not None:
            return found
        for template in self.templates:
            if name in template.creates_for_alias:
                return self.create(template.creates_for_alias[name])
        if not self.auto_create_index:
            raise errors.index_not_found(name)
        return self.create(name)

    def resolve(
        self,
        expression: str,
        *,
        ignore_unavailable: bool = False,
        allow_no_indices: bool = True,
        expand_wildcards: str = "open",
    ) -> list[Index]:
        """Every index a comma-separated expression of names, aliases and patterns stands for."""
        found: dict[str, Index] = {}
        for part in expression.split(",") if expression else ["*"]:
            if part == "_all" or "*" in part:
                matching = self._matching("*" if part == "_all" else part, expand_wildcards)
                if not matching and not allow_no_indices:
                    raise errors.index_not_found(part)
                found.update(matching)
                continue
            index_names.check_reading(part)
            named = [index for index in self.indices.values() if index.name == part or part in index.aliases]
            if not named and not ignore_unavailable:
                raise errors.index_not_found(part)
            found.update({index.name: index for index in named})
        return list(found.values())

    def _matching(self, pattern: str, expand_wildcards: str) -> dict[str, Index]:
        kinds = set(expand_wildcards.split(","))
        found = {}
        for index in self.indices.values():
            if index.is_hidden and not (kinds & {"hidden", "all"} or pattern.startswith(".")):
                continue
            if index.is_closed and not kinds & {"closed", "all"}:
                continue
            if any(fnmatch.fnmatchcase(name, pattern) for name in (index.name, *index.aliases)):
                found[index.name] = index
        return found

    # creating

    def create(
        self,
        name: str,
        *,
        settings_body: Mapping[str, Any] | None = None,
        mappings: Mapping[str, Any] | None = None,
        aliases: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Index:
        """Create an index from what is given and from the template that matches its name."""
        index_names.check_creating(name)
        if (existing := self.find(name)) is not None:
            raise index_names.already_exists(name, existing)
        template = self._template_for(name)
        values = {"number_of_shards": "1", "number_of_replicas": "1"}
        values |= settings.flattened(template.settings) if template else {}
        values |= settings.flattened(settings_body or {})
        limit = settings.IndexSettings(values).total_fields_limit
        mapping = IndexMapping(template.mappings if template else None, total_fields_limit=limit)
        mapping.merge(mappings or {})
        index = Index(
            name,
            clock=self.clock,
            settings=settings.IndexSettings(values),
            mapping=mapping,
            aliases={**(template.aliases if template else {}), **(aliases or {})},
            hidden=values.get("hidden") == "true",
        )
        # What the connectors' own indices hold is always kept; it is little and read back.
        index.keeps_sources = self.keeps_sources or name.startswith(".")
        self.indices[name] = index
        return index

    def delete(self, name: str) -> None:
        """Remove an index and everything in it."""
        self.indices.pop(name, None)
        self.contexts.close_index(name)

    def _template_for(self, name: str) -> Template | None:
        matching = [template for template in self.templates if template.matches(name)]
        return max(matching, key=lambda template: template.priority, default=None)

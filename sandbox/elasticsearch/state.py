"""The state of the server: its indices, and how names, aliases and patterns find them.

Index names are made real on the first write where the server would create them, from the templates that
match.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.clock import Clock
from sandbox.elasticsearch.indices import Index, Template, expressions, index_names, setting_values, settings
from sandbox.elasticsearch.indices import aliases as alias_rules
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
        """The index of this name or alias, if there is one; refuses an alias of several."""
        found = self.named(name)
        if len(found) > 1:
            names = ", ".join(sorted(index.name for index in found))
            raise errors.illegal_argument(
                f"alias [{name}] has more than one index associated with it [{names}], can't execute a "
                "single index op"
            )
        return found[0] if found else None

    def named(self, name: str) -> list[Index]:
        """The index of this name, or every index that has it as an alias."""
        return expressions.named(self.indices, name)

    def index(self, name: str) -> Index:
        """The index of this name or alias; raises `index_not_found_exception`."""
        found = self.find(name)
        if found is None:
            raise errors.index_not_found(name)
        return found

    def written(self, name: str) -> Index | None:
        """The index that writes to this name go to, if there is one; refuses an alias that does not say."""
        expressions.check_plain(name)
        found = self.named(name)
        if not found or found[0].name == name:
            return found[0] if found else None
        writing = [index for index in found if index.aliases[name].get("is_write_index") is True]
        if not writing and len(found) == 1 and "is_write_index" not in found[0].aliases[name]:
            writing = found
        if not writing:
            raise errors.illegal_argument(
                f"no write index is defined for alias [{name}]. The write index may be explicitly disabled "
                "using is_write_index=false or the alias points to multiple indices without one being "
                "designated as a write index"
            )
        return writing[0]

    def for_writing(self, name: str) -> Index:
        """The index that writes to this name go to, created if a write creates it.

        The name of a template's alias (`.elastic-connectors`) creates the index the template is for.
        """
        found = self.written(name)
        if found is not None:
            return found
        for template in self.templates:
            if name in template.creates_for_alias:
                return self.create(template.creates_for_alias[name])
        if not self.auto_create_index:
            raise errors.index_not_found(name)
        return self.create(name, is_automatic=True)

    def resolve(self, expression: str, expansion: expressions.Expansion | None = None) -> list[Index]:
        """Every index a comma-separated expression of names, aliases and patterns stands for."""
        return expressions.resolved(self.indices, expression, expansion or expressions.Expansion())

    # creating

    def create(
        self,
        name: str,
        *,
        settings_body: Mapping[str, Any] | None = None,
        mappings: Mapping[str, Any] | None = None,
        aliases: Mapping[str, Mapping[str, Any]] | None = None,
        is_automatic: bool = False,
    ) -> Index:
        """Create an index from what is given and from the template that matches its name.

        `is_automatic` says that a write creates it, which a template may forbid.
        """
        expressions.check_plain(name)
        index_names.check_creating(name)
        if existing := self.named(name):
            raise index_names.already_exists(name, existing[0])
        template = self._template_for(name)
        if is_automatic and template is not None and not template.allows_auto_create:
            text = f"composable template [{', '.join(template.patterns)}] forbids index auto creation"
            raise errors.index_not_found(text, is_resource=False)
        values = {"number_of_shards": "1", "number_of_replicas": "1"}
        values |= settings.flattened(template.settings) if template else {}
        values |= settings.flattened(settings_body or {})
        setting_values.check(values)
        values = {setting: value for setting, value in values.items() if value is not None}
        wanted = {**(template.aliases if template else {}), **(aliases or {})}
        own_aliases = alias_rules.of_new_index(wanted, name, self.indices)
        limit = settings.IndexSettings(values).total_fields_limit
        mapping = IndexMapping(template.mappings if template else None, total_fields_limit=limit)
        mapping.merge(mappings or {})
        index = Index(
            name,
            clock=self.clock,
            settings=settings.IndexSettings(values),
            mapping=mapping,
            aliases=own_aliases,
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

"""Where a source is found by its service type, without importing any before it is asked for."""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from sources.contract import Source
from sources.errors import SourceConfigurationError
from sources.network import Network, ranges


@dataclass(frozen=True, slots=True)
class Registry(Mapping[str, type[Source]]):
    """Sources by their service type; the package of one, and with it its driver, is loaded on first use."""

    classes: Mapping[str, tuple[str, str]]
    """Package and class name, by service type."""

    network: Network = field(default_factory=Network)
    """What the sources may connect to."""

    def __getitem__(self, service_type: str) -> type[Source]:
        package, name = self.classes[service_type]
        source: type[Source] = getattr(importlib.import_module(package), name)
        if self.network == source.network:
            return source
        return type(name, (source,), {"network": self.network})

    def within(self, forbidden: Iterable[str]) -> Self:
        """Return the same sources, which connect to no address of these ranges, and to any other."""
        return replace(self, network=Network(ranges(forbidden)))

    def __contains__(self, service_type: object) -> bool:
        return service_type in self.classes

    def __iter__(self) -> Iterator[str]:
        return iter(self.classes)

    def __len__(self) -> int:
        return len(self.classes)


SOURCES: Final = Registry(
    {"postgresql": ("sources.postgresql", "PostgreSQL"), "sqlite": ("sources.sqlite", "SQLite")}
)


def find(sources: Mapping[str, type[Source]], service_type: str | None) -> type[Source]:
    """Return the source of a service type. Raises SourceConfigurationError that names those there are."""
    source = sources.get(service_type or "")
    if source is None:
        known = ", ".join(sorted(sources))
        raise SourceConfigurationError(
            f"The connector's service type is {service_type!r}; this service knows {known}."
        )
    return source

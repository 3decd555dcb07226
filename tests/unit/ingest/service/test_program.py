"""What a changed `config.yml` changes while the service runs, and what it names as needing a restart."""

from dataclasses import replace
from typing import Any

import pytest

from ingest.config import Config
from ingest.service.process import Service
from ingest.service.program import fixed_settings, reload


class Configured(Service):
    """A service that does nothing but hold its configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @property
    def config(self) -> Config:
        return self._config

    def configure(self, config: Config) -> None:
        self._config = config


@pytest.mark.parametrize(
    "changed",
    [
        {"lock_file": "/state/lock"},
        {"status_port": 9117},
        {"status_host": "0.0.0.0"},
        {"forbidden_networks": ("10.0.0.0/8",)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_is_read_once_needs_a_restart_and_is_named_until_then(changed: dict[str, Any]) -> None:
    service, old = Configured(Config()), Config()
    new = replace(old, service=replace(old.service, idling_seconds=7, **changed))

    reload(service, lambda: new)

    (name,) = changed
    assert service.config.service.idling_seconds == 7
    assert getattr(service.config.service, name) == getattr(old.service, name)
    assert fixed_settings(service.config, new) == [f"service.{name}"]

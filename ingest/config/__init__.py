"""`config.yml`: what may be in it (`settings`), how it is read (`loading`), and the checked, frozen result.

load -> files.read_text -> yaml_tree.parse -> types read each value -> consistency -> Config
"""

from ingest.config.loading import load
from ingest.config.settings import (
    LOG_LEVELS,
    Bulk,
    Config,
    ConnectorEntry,
    Elasticsearch,
    ErrorMonitor,
    Service,
)

__all__ = [
    "LOG_LEVELS",
    "Bulk",
    "Config",
    "ConnectorEntry",
    "Elasticsearch",
    "ErrorMonitor",
    "Service",
    "load",
]

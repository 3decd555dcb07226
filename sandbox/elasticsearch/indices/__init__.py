"""An index: its documents and their versions, its settings, which names it may have, and templates."""

from sandbox.elasticsearch.indices.expressions import Expansion
from sandbox.elasticsearch.indices.index import DROPPED_VERSION, Document, Index, Write
from sandbox.elasticsearch.indices.settings import IndexSettings, duration_seconds
from sandbox.elasticsearch.indices.templates import Template

__all__ = [
    "DROPPED_VERSION",
    "Document",
    "Expansion",
    "Index",
    "IndexSettings",
    "Template",
    "Write",
    "duration_seconds",
]

"""Ingest pipelines: their processors and conditions, and what they make of a document."""

from sandbox.elasticsearch.pipelines.pipeline import (
    SIMULATED,
    Incoming,
    Pipeline,
    built_in,
    execute,
    named,
    run,
)
from sandbox.elasticsearch.pipelines.processors import PROCESSORS, DroppedError, Ingested
from sandbox.elasticsearch.pipelines.tracing import shown, traced

__all__ = [
    "PROCESSORS",
    "SIMULATED",
    "DroppedError",
    "Incoming",
    "Ingested",
    "Pipeline",
    "built_in",
    "execute",
    "named",
    "run",
    "shown",
    "traced",
]

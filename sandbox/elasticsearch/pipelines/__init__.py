"""Ingest pipelines: their processors and conditions, and what they make of a document."""

from sandbox.elasticsearch.pipelines.pipeline import Incoming, Pipeline, built_in, execute, named, run
from sandbox.elasticsearch.pipelines.processors import PROCESSORS, DroppedError, Ingested

__all__ = [
    "PROCESSORS",
    "DroppedError",
    "Incoming",
    "Ingested",
    "Pipeline",
    "built_in",
    "execute",
    "named",
    "run",
]

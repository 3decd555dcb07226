"""Queries, compiled once into functions that score a candidate or say that it does not match."""

from sandbox.elasticsearch.search.queries.parts import Context, Score, Scorer
from sandbox.elasticsearch.search.queries.query import BUILDERS, compiled

__all__ = ["BUILDERS", "Context", "Score", "Scorer", "compiled"]

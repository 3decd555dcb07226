"""The mapping of an index: types of fields, the values each takes, and the fields a document brings."""

from sandbox.elasticsearch.mapping.fields import Field, UnfitError
from sandbox.elasticsearch.mapping.mapping import Mapping

__all__ = ["Field", "Mapping", "UnfitError"]

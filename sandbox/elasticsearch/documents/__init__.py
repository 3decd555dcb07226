"""What requests do with documents: the lines of a bulk body, updates and scripts, parts of a source."""

from sandbox.elasticsearch.documents.bulk_answer import ItemFilter
from sandbox.elasticsearch.documents.bulk_lines import EMPTY_PIPELINE, Operation, operations
from sandbox.elasticsearch.documents.ids import EMPTY_ID, check_id, id_problem
from sandbox.elasticsearch.documents.source_filter import SourceFilter
from sandbox.elasticsearch.documents.update import UpdateBody
from sandbox.elasticsearch.documents.versioning import Versioning

__all__ = [
    "EMPTY_ID",
    "EMPTY_PIPELINE",
    "ItemFilter",
    "Operation",
    "SourceFilter",
    "UpdateBody",
    "Versioning",
    "check_id",
    "id_problem",
    "operations",
]

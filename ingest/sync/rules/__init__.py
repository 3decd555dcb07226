"""Basic sync rules: which documents are kept (`basic`), by which comparisons (`values`), and which are valid.

wire rules -> validate -> BasicRules.from_wire -> keep(document) for each row
"""

from ingest.sync.rules.basic import BasicRules, parse_document
from ingest.sync.rules.validation import is_default_rule, validate

__all__ = ["BasicRules", "is_default_rule", "parse_document", "validate"]

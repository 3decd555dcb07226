"""Basic sync rules: which documents are kept (`basic`, `value_matching`), and which rules are valid.

wire rules -> validate -> BasicRules.from_wire -> keep(document) for each row
"""

from ingest.sync.rules.basic import BasicRules, parse_document
from ingest.sync.rules.validation import is_default_rule, validate

__all__ = ["BasicRules", "is_default_rule", "parse_document", "validate"]

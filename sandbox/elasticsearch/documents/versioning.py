"""What a write says of versions: the one it brings, or the numbers of the document it replaces, not both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.elasticsearch import errors

INTERNAL = "internal"
TYPES: Mapping[str, str] = {
    INTERNAL: "INTERNAL",
    "external": "EXTERNAL",
    "external_gt": "EXTERNAL",
    "external_gte": "EXTERNAL_GTE",
}
ANY_VERSION = -3
"""What the server calls a version that is not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Versioning:
    """The members or parameters of a write that concern versions."""

    version: int | None = None
    version_type: str = INTERNAL
    if_seq_no: int | None = None
    if_primary_term: int | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Versioning":
        """Read them; refuses an unknown type and a negative sequence number."""
        version_type = options.get("version_type", INTERNAL)
        if version_type not in TYPES:
            raise errors.illegal_argument(f"No version type match [{version_type}]")
        if_seq_no = options.get("if_seq_no")
        if if_seq_no is not None and if_seq_no < 0:
            raise errors.illegal_argument(f"sequence numbers must be non negative. got [{if_seq_no}].")
        return cls(
            version=options.get("version"),
            version_type=version_type,
            if_seq_no=if_seq_no,
            if_primary_term=options.get("if_primary_term"),
        )

    @property
    def is_external(self) -> bool:
        """Whether the writer counts the versions."""
        return self.version_type != INTERNAL

    def problems(self, op_type: str, *, has_id: bool) -> Iterator[str]:
        """What is wrong with them for a write of this kind."""
        if op_type == "create":
            yield from self._problems_of_creation()
            return
        if not has_id and (self.is_external or self.version is not None):
            yield "an id must be provided if version type or value are set"
        version = ANY_VERSION if self.version is None else self.version
        if not self._is_legal(version):
            yield f"illegal version value [{version}] for version type [{TYPES[self.version_type]}]"
        if self.version is not None and not self.is_external:
            yield (
                "internal versioning can not be used for optimistic concurrency control. "
                "Please use `if_seq_no` and `if_primary_term` instead"
            )
        if self.if_seq_no is not None and (self.is_external or self.version is not None):
            yield "compare and write operations can not use versioning"
        if self.if_seq_no is not None and not self.if_primary_term:
            yield "ifSeqNo is set, but primary term is [0]"
        if self.if_seq_no is None and self.if_primary_term:
            yield f"ifSeqNo is unassigned, but primary term is [{self.if_primary_term}]"

    def _problems_of_creation(self) -> Iterator[str]:
        """One at most: the first is told alone."""
        if self.is_external:
            yield "create operations only support internal versioning. use index instead"
        elif self.version is not None:
            yield "create operations do not support explicit versions. use index instead"
        elif self.if_seq_no is not None or self.if_primary_term:
            yield "create operations do not support compare and set. use index instead"

    def _is_legal(self, version: int) -> bool:
        return version >= 0 if self.is_external else version > 0 or version == ANY_VERSION

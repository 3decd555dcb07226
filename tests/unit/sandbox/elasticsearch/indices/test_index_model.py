"""An index against the simplest thing that could be one: dictionaries and counters."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.clock import Clock
from sandbox.elasticsearch.indices import Index, IndexSettings
from tests.support.examples import examples_divided_by

IDS = st.sampled_from("abcd")
VALUES = st.integers(0, 3)


class IndexMachine(RuleBasedStateMachine):
    """Writes, guards and refreshes in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.index = Index("m", clock=Clock(), settings=IndexSettings({"refresh_interval": "-1"}))
        self.live: dict[str, dict[str, Any]] = {}
        self.seen: dict[str, dict[str, Any]] = {}
        self.numbers: dict[str, int] = {}
        self.writes = 0

    @rule(document_id=IDS, value=VALUES)
    def put(self, document_id: str, value: int) -> None:
        write = self.index.index(document_id, {"a": value})

        assert write.result == ("updated" if document_id in self.live else "created")
        self._note(document_id, {"a": value}, write.seq_no)

    @rule(document_id=IDS, value=VALUES)
    def create(self, document_id: str, value: int) -> None:
        if document_id in self.live:
            with pytest.raises(errors.ElasticsearchError, match="document already exists"):
                self.index.index(document_id, {"a": value}, op_type="create")
            return
        write = self.index.index(document_id, {"a": value}, op_type="create")
        self._note(document_id, {"a": value}, write.seq_no)

    @rule(document_id=IDS, value=VALUES)
    def merge(self, document_id: str, value: int) -> None:
        write = self.index.update(document_id, doc={"b": value}, upsert={"b": value})

        before = self.live.get(document_id)
        after = {**(before or {}), "b": value}
        if before == after:
            assert write.result == "noop"
            assert write.seq_no == self.numbers[document_id]
            return
        assert write.result == ("created" if before is None else "updated")
        self._note(document_id, after, write.seq_no)

    @rule(document_id=IDS, guard=st.integers(0, 20))
    def delete_guarded(self, document_id: str, guard: int) -> None:
        holds = document_id in self.live and self.numbers[document_id] == guard
        if not holds:
            with pytest.raises(errors.ElasticsearchError, match="version conflict"):
                self.index.delete(document_id, if_seq_no=guard, if_primary_term=1)
            return
        write = self.index.delete(document_id, if_seq_no=guard, if_primary_term=1)
        del self.live[document_id]
        assert write.seq_no == self.writes
        self.writes += 1

    @rule(document_id=IDS)
    def delete(self, document_id: str) -> None:
        write = self.index.delete(document_id)

        assert write.result == ("deleted" if self.live.pop(document_id, None) is not None else "not_found")
        assert write.seq_no == self.writes
        self.writes += 1

    @rule()
    def refresh(self) -> None:
        self.index.refresh()
        self.seen = dict(self.live)

    @invariant()
    def reads_see_what_was_written(self) -> None:
        for document_id in "abcd":
            document = self.index.get(document_id)
            assert (document.parsed() if document else None) == self.live.get(document_id)

    @invariant()
    def searches_see_what_was_refreshed(self) -> None:
        assert {document.id: document.parsed() for document in self.index.snapshot()} == self.seen

    def _note(self, document_id: str, source: dict[str, Any], seq_no: int) -> None:
        assert seq_no == self.writes
        self.writes += 1
        self.live[document_id] = source
        self.numbers[document_id] = seq_no


IndexMachine.TestCase.settings = settings(max_examples=examples_divided_by(2), stateful_step_count=30)
TestIndexMachine = IndexMachine.TestCase

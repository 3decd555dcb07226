"""Names of indices that the embedded server refuses although Elasticsearch has them."""

import pytest

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.state import State


def test_date_math_is_refused_by_name_wherever_an_index_is_named() -> None:
    state = State()
    name = "<logs-{now/d}>"

    for ask in (state.resolve, state.written, state.for_writing, state.create):
        with pytest.raises(errors.ElasticsearchError, match="date math in index names") as refused:
            ask(name)
        assert name in str(refused.value)

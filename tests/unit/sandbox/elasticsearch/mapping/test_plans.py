"""The quick check of a known shape says the same as the full walk of a document."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from sandbox.elasticsearch import errors
from sandbox.elasticsearch.mapping import Mapping

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 7, -1, 2**31, 2**63, 1.5, 1e39]),
    st.sampled_from(["", "x", "12", "true", "2024-02-29", "2023-02-29", "2024-05-01T10:00:00Z", "1.2.3.4"]),
    st.sampled_from(["2024/05/31", "2024-05-31", "x" * 33_000]),
    st.sampled_from([[], [1], ["x", None], {}, {"x": 1}, {"x": "y"}, [{"x": 1}]]),
)
DATES = ("day", "slashed", "lenient")
NAMES = st.sampled_from(
    ["number", "small", "real", "price", *DATES, "flag", "word", "text", "title", "object", "new", "a.b"]
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=5)
MAPPINGS = {
    "properties": {
        "number": {"type": "long"},
        "small": {"type": "integer"},
        "real": {"type": "float"},
        "price": {"type": "scaled_float", "scaling_factor": 100},
        "day": {"type": "date"},
        "slashed": {"type": "date", "format": "yyyy/MM/dd"},
        "lenient": {"type": "date", "ignore_malformed": True},
        "flag": {"type": "boolean"},
        "word": {"type": "keyword"},
        "text": {"type": "text"},
        "title": {"type": "text", "fields": {"exact": {"type": "keyword"}}},
        "object": {"properties": {"x": {"type": "long"}}},
    }
}


def _outcome(mapping: Mapping, document: dict[str, Any]) -> tuple[str, str | None]:
    try:
        mapping.accept("1", orjson.dumps(document))
    except errors.ElasticsearchError as error:
        return error.type, error.reason
    return "accepted", None


@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=12))
def test_plans_and_walks_agree(documents: list[dict[str, Any]]) -> None:
    planned = Mapping(MAPPINGS)

    for document in [*documents, *documents]:
        walked = Mapping(planned.to_wire())
        expected = _outcome(walked, document)

        assert _outcome(planned, document) == expected
        assert planned.to_wire() == walked.to_wire()


@given(document=DOCUMENTS)
def test_a_refused_document_changes_nothing(document: dict[str, Any]) -> None:
    mapping = Mapping(MAPPINGS)
    before = mapping.to_wire()

    if _outcome(mapping, document)[0] != "accepted":
        assert mapping.to_wire() == before


@given(documents=st.lists(DOCUMENTS, max_size=8))
def test_a_mapping_survives_the_way_over_the_wire(documents: list[dict[str, Any]]) -> None:
    mapping = Mapping(MAPPINGS)
    for document in documents:
        _outcome(mapping, document)

    assert Mapping(orjson.loads(orjson.dumps(mapping.to_wire()))).to_wire() == mapping.to_wire()

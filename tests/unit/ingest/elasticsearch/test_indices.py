"""Which indices a connector can have, as Elasticsearch describes them."""

from typing import Any

import pytest

from ingest.elasticsearch import indices
from ingest.elasticsearch.client import Client
from ingest.elasticsearch.indices import ContentIndex
from ingest.elasticsearch.transport import Response
from ingest.errors import ElasticsearchRefusedError, IndexChangedError
from tests.support.fake_transport import AnsweringTransport, answering, client_over, response

UUID = {"index": {"uuid": "u1"}}


def describing(*answers: Any) -> Client:
    """Answer with these descriptions in turn; the last one for ever; None for a missing index."""
    left = list(answers)

    def answer(_: bytes) -> Response:
        current = left.pop(0) if len(left) > 1 else left[0]
        if current is None:
            return response(404, {"error": {"type": "index_not_found_exception", "reason": "no such index"}})
        return response(200, current)

    return answering(answer)


async def test_an_index_is_known_by_its_uuid_whatever_name_it_was_asked_for() -> None:
    index = await indices.find(describing({"music-000001": {"settings": UUID, "mappings": {}}}), "music")

    assert index is not None
    assert (index.name, index.concrete_name, index.uuid) == ("music", "music-000001", "u1")


async def test_an_index_that_is_not_there_is_none() -> None:
    assert await indices.find(describing(None), "music") is None


@pytest.mark.parametrize("name", ["", "music*", "a,b", "with space", "<date-{now}>", 'quo"te'])
async def test_a_name_that_could_mean_several_indices_is_refused(name: str) -> None:
    with pytest.raises(ElasticsearchRefusedError, match="not the name of one index"):
        await indices.find(describing(None), name)


@pytest.mark.parametrize("name", [".security-7", ".kibana", ".elastic-connectors-v1", ".music"])
async def test_an_index_that_is_not_for_content_is_refused_before_anything_is_asked(name: str) -> None:
    transport = AnsweringTransport(lambda _: response(200, {name: {"settings": UUID, "mappings": {}}}))

    with pytest.raises(ElasticsearchRefusedError, match="begins with a dot"):
        await indices.find(client_over(transport), name)

    assert transport.requests == []


async def test_an_alias_of_an_index_that_is_not_for_content_is_refused() -> None:
    with pytest.raises(ElasticsearchRefusedError, match="begins with a dot"):
        await indices.find(describing({".security-7": {"settings": UUID, "mappings": {}}}), "music")


async def test_a_data_stream_is_refused() -> None:
    described = {".ds-music-2026.01.01-000001": {"settings": UUID, "mappings": {}, "data_stream": "music"}}

    with pytest.raises(ElasticsearchRefusedError, match="data stream"):
        await indices.find(describing(described), "music")


@pytest.mark.parametrize("block", ["read", "read_only", "write"])
async def test_an_administrators_block_is_named(block: str) -> None:
    settings = {"index": {"uuid": "u1", "blocks": {block: "true"}}}

    with pytest.raises(ElasticsearchRefusedError, match=rf"index\.blocks\.{block}\."):
        await indices.find(describing({"music": {"settings": settings, "mappings": {}}}), "music")


async def test_a_block_that_lifts_itself_is_no_reason_to_refuse() -> None:
    settings = {"index": {"uuid": "u1", "blocks": {"read_only_allow_delete": "true"}}}

    assert await indices.find(describing({"music": {"settings": settings, "mappings": {}}}), "music")


def test_pages_and_the_final_pipeline_follow_from_the_settings() -> None:
    def index(**settings: str) -> ContentIndex:
        return ContentIndex(name="music", concrete_name="music", uuid="u1", mapping={}, settings=settings)

    assert index().result_window == 10_000
    assert index(**{"index.max_result_window": "500"}).result_window == 500
    assert index().final_pipeline is None
    assert index(**{"index.final_pipeline": "_none"}).final_pipeline is None
    assert index(**{"index.final_pipeline": "audit"}).final_pipeline == "audit"


async def test_an_analyzer_that_is_not_installed_is_named_with_the_remedy() -> None:
    reason = "Failed to parse mapping: analyzer [german] has not been configured in mappings"
    refusal = response(400, {"error": {"type": "mapper_parsing_exception", "reason": reason}})

    with pytest.raises(ElasticsearchRefusedError, match=r"no analyzer \[german\].* to dynamic"):
        await indices.create(answering(lambda _: refusal), "music", properties={}, language="de")


async def test_a_field_type_that_is_not_installed_is_named_when_a_column_is_added() -> None:
    reason = "Failed to parse mapping: The mapper type [x] declared on field [y] does not exist. It might ..."
    refusal = response(400, {"error": {"type": "mapper_parsing_exception", "reason": reason}})
    index = ContentIndex(name="music", concrete_name="music", uuid="u1", mapping={}, settings={})

    with pytest.raises(ElasticsearchRefusedError, match=r"no type \[x\].* to dynamic"):
        await indices.add_fields(
            answering(lambda _: refusal), index, properties={"y": {"type": "x"}}, language=None
        )


async def test_an_index_somebody_else_just_created_is_taken_as_it_is() -> None:
    exists = response(400, {"error": {"type": "resource_already_exists_exception", "reason": "exists"}})
    answers = [exists, response(200, {"music": {"settings": UUID, "mappings": {"properties": {"a": {}}}}})]
    client = answering(lambda _: answers.pop(0))

    index = await indices.create(client, "music", properties={}, language=None)

    assert index.uuid == "u1"


@pytest.mark.parametrize(
    ("now", "said"),
    [(None, "removed"), ({"music": {"settings": {"index": {"uuid": "u2"}}, "mappings": {}}}, "replaced")],
)
async def test_an_index_that_changed_hands_is_noticed(now: Any, said: str) -> None:
    client = describing({"music": {"settings": UUID, "mappings": {}}}, now)
    index = await indices.find(client, "music")
    assert index is not None

    with pytest.raises(IndexChangedError, match=said):
        await indices.require_same(client, index)


async def test_a_closed_index_is_named_as_such() -> None:
    closed = response(400, {"error": {"type": "index_closed_exception", "reason": "closed"}})

    with pytest.raises(ElasticsearchRefusedError, match="is closed"):
        await indices.refresh(answering(lambda _: closed), "music")


@pytest.mark.parametrize(("failed", "counted"), [(0, 7), (1, None)])
async def test_a_count_that_lacks_a_shard_is_no_count(failed: int, counted: int | None) -> None:
    client = describing({"count": 7, "_shards": {"total": 2, "successful": 2 - failed, "failed": failed}})

    assert await indices.count(client, "music") == counted

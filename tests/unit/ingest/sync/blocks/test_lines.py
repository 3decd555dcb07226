"""Blocks are read and rendered exactly, whatever the ids contain."""

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sync.blocks.lines import ACTION, KeyReader, render, rendered_overhead, without_members
from tests.support.memory import peak_growth

READER = KeyReader()
CONSTANTS = b'"_timestamp":"2026-01-01T00:00:00Z",'

hashes = st.integers(min_value=-(2**63), max_value=2**63 - 1)
ids = st.text(min_size=1, max_size=40)
rows = st.lists(st.tuples(ids, hashes), max_size=30)


def line(id_: str, hash_: int, members: str = '"a":1}') -> bytes:
    return orjson.dumps(id_) + b"\x01%d\x02" % hash_ + members.encode() + b"\n"


def hit(id_: str, hash_: int) -> bytes:
    return b'{"_id":%b,"fields":{"_content_hash":[%d]},"sort":[7]}' % (orjson.dumps(id_), hash_)


def page(rows: list[tuple[str, int]]) -> bytes:
    hits = b",".join(hit(id_, hash_) for id_, hash_ in rows)
    return b'{"pit_id":"abc_id","_shards":{"failed":0},"hits":{"hits":[' + hits + b"]}}"


@given(rows)
def test_the_content_hash_of_every_line_is_read_exactly(rows: list[tuple[str, int]]) -> None:
    keys = READER.of_lines(b"".join(line(id_, hash_) for id_, hash_ in rows))

    assert keys.hashes.tolist() == [hash_ for _, hash_ in rows]


@given(rows)
def test_equal_ids_and_only_they_have_equal_id_hashes(rows: list[tuple[str, int]]) -> None:
    keys = READER.of_lines(b"".join(line(id_, hash_) for id_, hash_ in rows))

    assert len(np.unique(keys.ids)) == len({id_ for id_, _ in rows})


@given(rows)
def test_a_page_of_hits_has_the_keys_of_the_lines_that_made_it(rows: list[tuple[str, int]]) -> None:
    of_lines = READER.of_lines(b"".join(line(id_, hash_) for id_, hash_ in rows))

    of_hits = READER.of_hits(page(rows))

    assert of_hits is not None
    assert of_hits.ids.tolist() == of_lines.ids.tolist()
    assert of_hits.hashes.tolist() == of_lines.hashes.tolist()


def test_ids_escaped_differently_by_postgresql_and_elasticsearch_are_the_same_id() -> None:
    by_postgresql = READER.of_lines(b'"a\\u001f\\u00e9/b"\x011\n')
    by_elasticsearch = READER.of_lines('"a\\u001Fé\\/b"\x011\n'.encode())

    assert by_postgresql.ids.tolist() == by_elasticsearch.ids.tolist()


def test_a_page_of_escaped_ids_takes_memory_by_their_length() -> None:
    escaped = [(f'"{number}"', number) for number in range(10_000)]
    block = b"".join(line(id_, hash_) for id_, hash_ in escaped)

    assert peak_growth(lambda: READER.of_lines(block)) < 1_000 * len(escaped)


def test_an_id_hash_does_not_depend_on_its_neighbours() -> None:
    alone = READER.of_lines(line("short", 1))
    beside_a_long_one = READER.of_lines(line("x" * 500, 1) + line("short", 1))

    assert alone.ids[0] == beside_a_long_one.ids[1]


@pytest.mark.parametrize("rest", [b"\n", b"\x02\n", b"\x02(0,1)\n", b'\x02"a":"\\\\"}\n'])
def test_what_follows_the_hash_does_not_matter(rest: bytes) -> None:
    keys = READER.of_lines((b'"a"\x01-5' + rest) + (b'"b"\x0117' + rest))

    assert keys.hashes.tolist() == [-5, 17]


@pytest.mark.parametrize(
    "block",
    [b'"a"\x011', b'"a"1\n', b'"a"\x011\n"b"\n', b'"a"\x011\x02x\n"b"\x012\n', b'1\x02"a"\x01\n', b"\n"],
)
def test_a_block_that_does_not_consist_of_lines_is_refused(block: bytes) -> None:
    with pytest.raises(ValueError):
        READER.of_lines(block)


FIRST, SECOND = hit("a", 1), hit("b", -2)


@pytest.mark.parametrize(
    "hits",
    [
        FIRST.replace(b":", b": ") + b"," + SECOND,
        FIRST + b", " + SECOND,
        FIRST + b',{"_id":"b","sort":[7]}',
        b'{"_id":"b","sort":[7]},' + FIRST,
        FIRST + b',{"_index":"i","_id":"b","sort":[7]},' + SECOND,
        FIRST + b',{"_index":"i","_id":"b","fields":{"_content_hash":[1]},"sort":[7]}',
        FIRST + b"," + SECOND.replace(b"[-2]", b"[-2,3]").replace(b"_content_hash", b"_content_hush"),
        FIRST.replace(b'"sort"', b'"score":1,"sort"') + b"," + SECOND,
        FIRST + b"," + SECOND.replace(b"[7]", b"[7"),
        FIRST.replace(b"[7]", b'["]"]') + b"," + SECOND,
    ],
)
def test_hits_written_in_another_way_are_left_to_a_parser(hits: bytes) -> None:
    assert READER.of_hits(page([]).replace(b"[]", b"[" + hits + b"]")) is None


def test_an_id_may_look_like_a_hit() -> None:
    rows = [('{"_id":"a","fields":{"_content_hash":[1]},"sort":[7]}', 1), ("{[]}", 2), ('"hits":[]', 3)]

    keys = READER.of_hits(page(rows))

    assert keys is not None
    assert keys.hashes.tolist() == [1, 2, 3]


@given(rows)
def test_rendered_lines_are_actions_and_documents(rows: list[tuple[str, int]]) -> None:
    block = b"".join(line(id_, hash_, '"n":[1,2],"t":"ä\\n"}') for id_, hash_ in rows)

    body = ACTION + render(block, CONSTANTS)

    decoded = [orjson.loads(one) for one in body.removesuffix(ACTION).splitlines()]
    assert [action["index"]["_id"] for action in decoded[::2]] == [id_ for id_, _ in rows]
    assert decoded[1::2] == [
        {"_timestamp": "2026-01-01T00:00:00Z", "_content_hash": hash_, "n": [1, 2], "t": "ä\n"}
        for _, hash_ in rows
    ]


@given(rows)
def test_rendering_adds_the_same_to_every_line(rows: list[tuple[str, int]]) -> None:
    block = b"".join(line(id_, hash_) for id_, hash_ in rows)

    rendered = render(block, CONSTANTS)

    assert len(rendered) == len(block) + len(rows) * rendered_overhead(CONSTANTS)


@given(rows)
def test_lines_without_their_members_have_the_same_keys(rows: list[tuple[str, int]]) -> None:
    block = b"".join(line(id_, hash_) for id_, hash_ in rows)

    keys = READER.of_lines(without_members(block))

    assert keys.ids.tolist() == READER.of_lines(block).ids.tolist()
    assert keys.hashes.tolist() == [hash_ for _, hash_ in rows]
    assert without_members(without_members(block)) == without_members(block)

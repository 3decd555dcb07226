"""Integers keep their digits on the way through a pipeline, and what is kept takes its length in memory."""

import pytest

from sandbox.elasticsearch.json import exact
from tests.support.memory import peak_growth


@pytest.mark.parametrize(
    "text",
    [
        b"18446744073709551615",
        b"18446744073709551616",
        b"-9223372036854775808",
        b"-9223372036854775809",
        b"123456789012345678901234567890",
        b"1e+30",
        b"0.1",
    ],
)
@pytest.mark.parametrize("place", [b'{"a":%s}', b'{"a":[1,%s]}', b'{"a":{"b":[{"c":%s}]}}', b"[%s]"])
def test_a_number_is_written_as_it_was_read(text: bytes, place: bytes) -> None:
    document = place % text

    assert exact.dumps(exact.loads(document)) == document


def test_digits_inside_a_text_are_a_text() -> None:
    document = b'{"a":"123456789012345678901234567890","b":1.5}'

    assert exact.dumps(exact.loads(document)) == document


def test_texts_that_are_kept_take_memory_by_their_length() -> None:
    document = {"name": "x" * 500}
    count = 10_000

    assert peak_growth(lambda: [exact.dumps(document) for _ in range(count)]) < 2_000 * count

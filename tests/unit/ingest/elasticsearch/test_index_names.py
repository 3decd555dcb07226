"""Names are refused for the reasons for which Elasticsearch refuses to create an index, and no others."""

import pytest

from ingest.elasticsearch import index_names
from sandbox.elasticsearch.errors import ElasticsearchError
from sandbox.elasticsearch.indices import index_names as server


@pytest.mark.parametrize(
    "name",
    [
        *("music", "music-1", "a.b", ".hidden", "1", "m\u00fcsic", "a+b_c", "x" * 255),
        *("", ".", "..", "Music", "a b", "a,b", "a*", "a?", 'a"', "a<b", "a>b", "a|b", "a/b", "a\\b"),
        *("a#b", "a:b", "_a", "-a", "+a", "x" * 256, "\u00fc" * 128),
    ],
)
def test_a_name_is_a_problem_where_the_server_refuses_it(name: str) -> None:
    try:
        server.check_creating(name)
    except ElasticsearchError:
        is_refused = True
    else:
        is_refused = False

    assert (index_names.problem(name) is not None) == is_refused

"""Calls are shown as commands that a shell understands as they were meant."""

import json
import shlex

from sandbox import calls

HERE = calls.Elasticsearch("http://127.0.0.1:9200", "elastic", "it's a secret")


def test_a_call_without_a_body_is_one_line() -> None:
    words = shlex.split(HERE.as_curl(calls.READ_CONNECTOR))

    assert words[0] == "curl"
    assert words[words.index("-u") + 1] == "elastic:it's a secret"
    assert words[words.index("-X") + 1] == "GET"
    assert words[-1] == "http://127.0.0.1:9200/_connector/my-connector-id?pretty"


def test_a_path_with_parameters_stays_one_address() -> None:
    address = shlex.split(HERE.as_curl(calls.READ_JOBS))[-1]

    assert address.endswith("?connector_id=my-connector-id&size=1&pretty")


def test_a_body_survives_the_shell() -> None:
    call = calls.configure({"password": """a'b"c $HOME `id` \\ \n"""})

    words = shlex.split(HERE.as_curl(call))

    assert json.loads(words[words.index("-d") + 1]) == call.body
    assert words[words.index("-H") + 1] == "Content-Type: application/json"

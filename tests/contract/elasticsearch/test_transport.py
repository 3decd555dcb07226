"""Transport rules every route keeps: headers, content types, parameters, wrong paths and methods, gzip."""

import gzip

import pytest

from tests.contract.elasticsearch.api import NDJSON, Api


@pytest.mark.needs("rest-root")
async def test_the_root_names_product_and_version(api: Api) -> None:
    answer = await api("GET", "/")

    assert answer.headers["X-elastic-product"] == "Elasticsearch"
    assert answer.body["tagline"] == "You Know, for Search"
    assert {"number", "build_flavor", "lucene_version"} <= answer.body["version"].keys()


@pytest.mark.needs("rest-root")
async def test_a_head_answer_has_no_body(api: Api) -> None:
    answer = await api("HEAD", "/")

    assert (answer.status, answer.content) == (200, b"")


async def test_an_unknown_path_is_a_400_without_status_member(api: Api) -> None:
    answer = await api("GET", "/contract/one/two/three/four")

    assert answer.status == 400
    assert answer.body == {
        "error": "no handler found for uri [/contract/one/two/three/four] and method [GET]"
    }


async def test_a_wrong_method_is_a_405_that_names_the_right_ones(api: Api) -> None:
    answer = await api("DELETE", "/_cluster/health")

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET"
    assert answer.body == {
        "error": "Incorrect HTTP method for uri [/_cluster/health] and method [DELETE], allowed: [GET]",
        "status": 405,
    }


async def test_options_name_the_methods_of_a_path(api: Api) -> None:
    answer = await api("OPTIONS", "/_cluster/health")

    assert (answer.status, answer.headers["Allow"], answer.content) == (200, "GET", b"")


async def test_an_unknown_parameter_is_refused_with_a_suggestion(api: Api) -> None:
    answer = await api("GET", "/_cluster/health", timeoutt="1s")

    assert answer.status == 400
    assert answer.error == (
        "illegal_argument_exception",
        "request [/_cluster/health] contains unrecognized parameter: [timeoutt] -> did you mean [timeout]?",
    )


async def test_a_body_where_none_belongs_is_refused(api: Api) -> None:
    answer = await api("GET", "/_license", {"a": 1})

    assert answer.error == (
        "illegal_argument_exception",
        "request [GET /_license] does not support having a body",
    )


async def test_a_missing_body_is_a_parse_exception(api: Api) -> None:
    answer = await api("POST", "/_bulk", b"", content_type=NDJSON)

    assert answer.error == ("parse_exception", "request body is required")


async def test_an_unsupported_content_type_is_a_406(api: Api) -> None:
    answer = await api("POST", "/_search", b"<query/>", content_type="application/xml")

    assert answer.status in (406, 415)
    assert "[application/xml" in str(answer.body["error"])


@pytest.mark.parametrize("version", [8, pytest.param(9, marks=pytest.mark.needs("version 9"))])
async def test_the_vendor_content_type_is_taken_and_given_back(api: Api, version: int) -> None:
    kind = f"application/vnd.elasticsearch+json; compatible-with={version}"

    answer = await api("POST", "/_search", {"size": 0}, content_type=kind, headers={"Accept": kind})

    assert answer.status == 200
    assert answer.headers["Content-Type"].replace(" ", "").startswith(kind.replace(" ", "").partition(";")[0])


async def test_a_content_type_of_another_major_version_is_refused(api: Api) -> None:
    kind = "application/vnd.elasticsearch+json; compatible-with=99"

    answer = await api("POST", "/_search", {"size": 0}, content_type=kind, headers={"Accept": kind})

    assert answer.status == 400
    assert answer.error[0] == "media_type_header_exception"
    assert "but found 99" in answer.cause[1]


async def test_long_answers_are_compressed_for_who_can_read_them(api: Api) -> None:
    index = await api.filled({"1": {"a": "x" * 5_000}})

    answer = await api("GET", f"/{index}/_doc/1", headers={"Accept-Encoding": "gzip"})
    plain = await api("GET", f"/{index}/_doc/1", headers={"Accept-Encoding": "identity"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert answer.body == plain.body


async def test_gzip_bodies_are_read(api: Api) -> None:
    index = await api.created()
    body = gzip.compress(b'{"index":{"_id":"1"}}\n{"a":1}\n')

    answer = await api(
        "POST", f"/{index}/_bulk", body, content_type=NDJSON, headers={"Content-Encoding": "gzip"}
    )

    assert answer.body["items"][0]["index"]["status"] == 201


@pytest.mark.needs("rest-root")
async def test_filter_path_keeps_only_what_it_names(api: Api) -> None:
    answer = await api("GET", "/", filter_path="version.number,tag*")

    assert answer.body.keys() == {"version", "tagline"}
    assert answer.body["version"].keys() == {"number"}


@pytest.mark.needs("rest-root")
async def test_a_filter_path_with_a_minus_leaves_out(api: Api) -> None:
    answer = await api("GET", "/", filter_path="-version")

    assert "version" not in answer.body
    assert "tagline" in answer.body


async def test_pretty_answers_are_indented(api: Api) -> None:
    answer = await api("GET", "/", pretty="")

    assert answer.content.startswith(b"{\n  ")


async def test_the_opaque_id_comes_back(api: Api) -> None:
    answer = await api("GET", "/", headers={"X-Opaque-Id": "worker-1"})

    assert answer.headers["X-Opaque-Id"] == "worker-1"


@pytest.mark.parametrize("body", [b"{", b'{"query":}', b"\xff\xfe", b'{"query":{"match_all":{}}'])
async def test_malformed_json_is_a_400_with_an_envelope(api: Api, body: bytes) -> None:
    answer = await api("POST", "/_search", body)

    assert answer.status == 400
    assert answer.body["status"] == 400
    assert answer.body["error"]["root_cause"]


async def test_health_answers_with_the_members_clients_read(api: Api) -> None:
    answer = await api("GET", "/_cluster/health", wait_for_status="yellow", timeout="5s")

    assert answer.status == 200
    assert answer.body["status"] in ("green", "yellow")
    assert answer.body["timed_out"] is False
    assert answer.body["number_of_data_nodes"] >= 1


async def test_the_license_is_active(api: Api) -> None:
    answer = await api("GET", "/_license")

    assert answer.body["license"]["status"] == "active"
    assert answer.body["license"]["type"]

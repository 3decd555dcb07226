"""Versions that a writer brings, and writes that no version may be brought for."""

from typing import Any

import pytest

from tests.contract.elasticsearch.api import Api

ARGUMENT = "illegal_argument_exception"
VALIDATION = "action_request_validation_exception"
INTERNAL = (
    "internal versioning can not be used for optimistic concurrency control. "
    "Please use `if_seq_no` and `if_primary_term` instead"
)
ILLEGAL = "illegal version value [{}] for version type [{}]"
BOTH = "compare and write operations can not use versioning"
GUARD = {"if_seq_no": 0, "if_primary_term": 1}
WRITES: list[tuple[dict[str, Any], list[str]]] = [
    ({"version": 1}, [INTERNAL]),
    ({"version": 0}, [ILLEGAL.format(0, "INTERNAL"), INTERNAL]),
    ({"version_type": "external"}, [ILLEGAL.format(-3, "EXTERNAL")]),
    ({"version": -5, "version_type": "external_gte"}, [ILLEGAL.format(-5, "EXTERNAL_GTE")]),
    ({"version": 1, "version_type": "external", **GUARD}, [BOTH]),
    ({"version": 1, **GUARD}, [INTERNAL, BOTH]),
    ({"if_seq_no": 0}, ["ifSeqNo is set, but primary term is [0]"]),
    ({"if_primary_term": 1}, ["ifSeqNo is unassigned, but primary term is [1]"]),
]
CREATIONS: list[tuple[dict[str, Any], str]] = [
    ({"version": 1}, "create operations do not support explicit versions. use index instead"),
    ({"version_type": "external"}, "create operations only support internal versioning. use index instead"),
    (GUARD, "create operations do not support compare and set. use index instead"),
]


def _invalid(problems: list[str]) -> tuple[str, str]:
    numbered = "".join(f"{number}: {problem};" for number, problem in enumerate(problems, 1))
    return VALIDATION, f"Validation Failed: {numbered}"


@pytest.mark.parametrize(("versions", "problems"), WRITES, ids=str)
async def test_a_version_that_cannot_be_refuses_the_write(
    api: Api, versions: dict[str, Any], problems: list[str]
) -> None:
    index = await api.created()

    answers = [
        await api("PUT", f"/{index}/_doc/1", {"a": 1}, **versions),
        await api("DELETE", f"/{index}/_doc/1", **versions),
        await api("POST", f"/{index}/_bulk", [{"index": {"_id": "1", **versions}}, {"a": 1}]),
        await api("POST", f"/{index}/_bulk", [{"delete": {"_id": "1", **versions}}]),
    ]

    assert [answer.status for answer in answers] == [400] * 4
    assert {answer.error for answer in answers} == {_invalid(problems)}
    assert (await api("GET", f"/{index}/_doc/1")).status == 404


@pytest.mark.parametrize(("versions", "problem"), CREATIONS, ids=str)
async def test_what_is_created_brings_no_version(api: Api, versions: dict[str, Any], problem: str) -> None:
    index = await api.created()

    answers = [
        await api("PUT", f"/{index}/_create/1", {"a": 1}, **versions),
        await api("PUT", f"/{index}/_doc/1", {"a": 1}, op_type="create", **versions),
        await api("POST", f"/{index}/_doc", {"a": 1}, **versions),
        await api("POST", f"/{index}/_bulk", [{"create": {"_id": "1", **versions}}, {"a": 1}]),
    ]

    assert {answer.error for answer in answers} == {_invalid([problem])}


async def test_a_document_without_id_brings_no_version(api: Api) -> None:
    index = await api.created()
    line = {"index": {"version": 1, "version_type": "external"}}

    answer = await api("POST", f"/{index}/_bulk", [line, {"a": 1}])

    assert answer.error == _invalid(["an id must be provided if version type or value are set"])


@pytest.mark.parametrize("versions", [{"version": 1}, {"version_type": "external"}], ids=str)
async def test_an_update_brings_no_version(api: Api, versions: dict[str, Any]) -> None:
    index = await api.created()

    answer = await api("POST", f"/{index}/_bulk", [{"update": {"_id": "1", **versions}}, {"doc": {}}])

    reason = "Update requests do not support versioning. Please use `if_seq_no` and `if_primary_term` instead"
    assert answer.error == (ARGUMENT, reason)


@pytest.mark.parametrize(
    ("versions", "reason"),
    [
        ({"version": 1, "version_type": "x"}, "No version type match [x]"),
        ({"if_seq_no": -1, "if_primary_term": 1}, "sequence numbers must be non negative. got [-1]."),
    ],
    ids=str,
)
async def test_what_is_no_version_is_refused(api: Api, versions: dict[str, Any], reason: str) -> None:
    index = await api.created()

    answers = [
        await api("PUT", f"/{index}/_doc/1", {"a": 1}, **versions),
        await api("POST", f"/{index}/_bulk", [{"index": {"_id": "1", **versions}}, {"a": 1}]),
    ]

    assert {answer.error for answer in answers} == {(ARGUMENT, reason)}


@pytest.mark.parametrize("version_type", ["external", "external_gt", "external_gte"])
async def test_the_writer_may_count(api: Api, version_type: str) -> None:
    index = await api.created()

    first = await api("PUT", f"/{index}/_doc/1", {"a": 1}, version=7, version_type=version_type)
    again = await api("PUT", f"/{index}/_doc/1", {"a": 2}, version=7, version_type=version_type)

    assert first.body["_version"] == 7
    assert again.status == (200 if version_type == "external_gte" else 409)

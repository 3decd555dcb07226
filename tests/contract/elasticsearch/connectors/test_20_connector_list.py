"""Listing connectors.

A shared cluster may hold other connectors: where a test asks for all of them, it looks at its own only; where
it pages, it narrows the list to its own with `query`.
"""

from typing import Any

import pytest

from tests.contract.elasticsearch.connectors.api import Caller, ConnectorApi


class Three:
    """The connectors a, b and c of the listing tests; in index order they are b, a, c."""

    def __init__(self, api: ConnectorApi) -> None:
        self.api = api
        self.a = api.unique("connector-a")
        self.b = api.unique("connector-b")
        self.c = api.unique("connector-c")
        self.super_connector = api.unique("super-connector")
        self.extra_connector = api.unique("extra-connector")

    async def create(self) -> None:
        """Create all three."""
        await self._create(self.a, "search-1-test", "1", "pl", service_type=self.super_connector)
        await self._create(self.c, "search-3-test", "3", "nl", service_type=self.super_connector)
        await self._create(
            self.b, "content-search-2-test", "2", "en", service_type=self.extra_connector, is_native=True
        )

    async def _create(
        self, connector_id: str, index_name: str, number: str, language: str, **more: Any
    ) -> None:
        body = {
            "index_name": self.api.unique(index_name),
            "name": self.name(number),
            "language": language,
            **more,
        }
        assert (await self.api.put_connector(connector_id, body)).status == 201

    def name(self, number: str) -> str:
        """The name of one of them."""
        return f"my-connector-{self.api.token}-{number}"

    async def listed(self, parameters: str = "", *, caller: Caller | None = None) -> tuple[int, list[Any]]:
        """The count and those results that are ours."""
        reply = await (caller or self.api.admin).get(f"/_connector?size=1000&{parameters}")
        assert reply.status == 200, reply
        ours = [each for each in reply.body["results"] if each["id"] in (self.a, self.b, self.c)]
        return reply.body["count"], ours

    async def page(self, parameters: str) -> tuple[int, list[str]]:
        """The count and ids of a page of ours."""
        reply = await self.api.admin.get(f"/_connector?query={self.api.token}&{parameters}")
        assert reply.status == 200, reply
        return reply.body["count"], ids(reply.body["results"])

    async def delete_all(self) -> None:
        """Soft-delete all three."""
        for connector_id in (self.a, self.b, self.c):
            assert (await self.api.admin.delete(f"/_connector/{connector_id}")).status == 200


def ids(results: list[Any]) -> list[str]:
    return [each["id"] for each in results]


@pytest.fixture
async def three(api: ConnectorApi) -> Three:
    three = Three(api)
    await three.create()
    return three


async def test_list_connectors(three: Three) -> None:
    _, results = await three.listed()

    assert ids(results) == [three.b, three.a, three.c]
    unique = three.api.unique
    assert [(each["index_name"], each["language"]) for each in results] == [
        (unique("content-search-2-test"), "en"),
        (unique("search-1-test"), "pl"),
        (unique("search-3-test"), "nl"),
    ]


async def test_list_connectors_with_from(three: Three) -> None:
    assert await three.page("from=1") == (3, [three.a, three.c])


async def test_list_connector_with_size(three: Three) -> None:
    assert await three.page("size=2") == (3, [three.b, three.a])


async def test_list_connector_empty(three: Three) -> None:
    await three.delete_all()

    assert await three.page("") == (0, [])


async def test_list_connector_filter_by_index_names(three: Three) -> None:
    one = three.api.unique("search-1-test")
    two = three.api.unique("content-search-2-test")

    only, results = await three.listed(f"index_name={one}")
    both, more_results = await three.listed(f"index_name={one},{two}")

    assert (only, ids(results)) == (1, [three.a])
    assert (both, ids(more_results)) == (2, [three.b, three.a])


async def test_list_connector_filter_by_index_names_illegal_name(api: ConnectorApi) -> None:
    reply = await api.admin.get("/_connector?index_name=~.!%24%24%23index-name%24%24%24")

    assert (reply.status, reply.error_type) == (400, "action_request_validation_exception")


async def test_list_connector_filter_by_connector_names(three: Three) -> None:
    only, results = await three.listed(f"connector_name={three.name('1')}")
    both, more_results = await three.listed(f"connector_name={three.name('1')},{three.name('2')}")

    assert (only, ids(results)) == (1, [three.a])
    assert (both, [each["name"] for each in more_results]) == (2, [three.name("2"), three.name("1")])


async def test_list_connector_filter_by_index_name_and_name(three: Three) -> None:
    names = f"{three.name('1')},{three.name('2')}"
    indices = f"{three.api.unique('content-search-2-test')},{three.api.unique('search-3-test')}"

    count, results = await three.listed(f"connector_name={names}&index_name={indices}")

    assert (count, ids(results)) == (1, [three.b])


async def test_list_connector_filter_by_service_type(three: Three) -> None:
    supers, super_results = await three.listed(f"service_type={three.super_connector}")
    extras, extra_results = await three.listed(f"service_type={three.extra_connector}")

    assert (supers, ids(super_results)) == (2, [three.a, three.c])
    assert (extras, ids(extra_results)) == (1, [three.b])


async def test_list_connector_filter_by_multiple_service_types(three: Three) -> None:
    count, results = await three.listed(f"service_type={three.super_connector},{three.extra_connector}")

    assert (count, ids(results)) == (3, [three.b, three.a, three.c])


async def test_list_connector_filter_by_search_query(three: Three) -> None:
    token = three.api.token

    assert await three.page("") == (3, [three.b, three.a, three.c])
    assert (await three.listed(f"query=my-connector-{token}-1"))[0] == 1
    assert (await three.listed(f"query=my-connector-{token}"))[0] == 3
    assert (await three.listed(f"query=search-3-test-{token}"))[0] == 1
    assert ids((await three.listed("query=search-"))[1]) == [three.b, three.a, three.c]


async def test_list_connector_filter_by_search_query_is_case_sensitive_and_knows_wildcards(
    three: Three,
) -> None:
    token = three.api.token

    assert (await three.listed(f"query=MY-CONNECTOR-{token}"))[0] == 0
    assert (await three.listed(f"query=my-%2A-{token}-%3F"))[0] == 3


async def test_list_connector_filter_by_search_query_looks_into_the_description(three: Three) -> None:
    await three.api.updated(
        three.c, "_name", {"description": f"Reads the Catalogue{three.api.token} nightly"}
    )
    await three.api.admin.post("/.elastic-connectors/_refresh")

    count, results = await three.listed(f"query=catalogue{three.api.token}")

    assert (count, ids(results)) == (1, [three.c])


async def test_list_connector_without_an_index_comes_last(three: Three) -> None:
    detached = await three.api.create("detached", {"name": three.name("4")})

    assert await three.page("") == (4, [three.b, three.a, three.c, detached])


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ("from=-1", "Parameter [from] cannot be < 0"),
        ("size=-1", "Parameter [size] cannot be < 0"),
        ("from=x", "Failed to parse int parameter [from] with value [x]"),
    ],
)
async def test_list_connector_with_an_impossible_page(
    api: ConnectorApi, parameters: str, reason: str
) -> None:
    reply = await api.admin.get(f"/_connector?{parameters}")

    assert (reply.status, reply.error_type, reply.reason) == (400, "illegal_argument_exception", reason)


async def test_list_connector_with_an_unknown_parameter(api: ConnectorApi) -> None:
    reply = await api.admin.get("/_connector?sze=1")

    assert (reply.status, reply.error_type) == (400, "illegal_argument_exception")
    assert (
        reply.reason == "request [/_connector] contains unrecognized parameter: [sze] -> did you mean [size]?"
    )


async def test_read_only_access_is_sufficient_to_list_connectors(three: Three) -> None:
    _, results = await three.listed(caller=await three.api.read_only())

    assert ids(results) == [three.b, three.a, three.c]


async def test_list_connectors_requires_read_only_index_privileges(three: Three) -> None:
    _, results = await three.listed(caller=await three.api.read_only())

    assert len(results) == 3


async def test_list_connectors_fails_for_unprivileged_user(api: ConnectorApi) -> None:
    nobody = await api.unprivileged()

    reply = await nobody.get("/_connector")

    assert (reply.status, reply.error_type) == (403, "security_exception")


async def test_list_connectors_soft_deleted_connectors_no_deleted(three: Three) -> None:
    assert (await three.page("include_deleted=true"))[0] == 3


async def test_list_connectors_single_soft_deleted_connector(three: Three) -> None:
    await three.api.admin.delete(f"/_connector/{three.a}")

    assert await three.page("") == (2, [three.b, three.c])
    assert await three.page("include_deleted=true") == (3, [three.b, three.a, three.c])


async def test_list_connectors_soft_deleted_connectors(three: Three) -> None:
    await three.delete_all()

    _, results = await three.listed("include_deleted=true")

    assert ids(results) == [three.b, three.a, three.c]
    assert [each["deleted"] for each in results] == [True, True, True]


async def test_list_connectors_soft_deleted_with_from(three: Three) -> None:
    await three.delete_all()

    assert await three.page("from=1&include_deleted=true") == (3, [three.a, three.c])


async def test_list_connector_soft_deleted_with_size(three: Three) -> None:
    await three.delete_all()

    assert await three.page("size=2&include_deleted=true") == (3, [three.b, three.a])

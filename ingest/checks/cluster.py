"""Elasticsearch: does it answer, is it a version we know, does the key have each privilege it needs?"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ingest import errors
from ingest.checks.report import Check, note, ok, problem
from ingest.elasticsearch.answers import an_object, need
from ingest.elasticsearch.client import Client
from ingest.protocol import CONNECTORS_INDEX, JOBS_INDEX
from ingest.service.preflight import require_known_version

SUBJECT: Final = "Elasticsearch"
TIMEOUT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Privilege:
    """One privilege, and what does not work without it."""

    name: str
    index: str | None
    """None for a privilege of the cluster."""
    purpose: str
    is_needed: bool = True

    @property
    def where(self) -> str:
        """Say where it is needed."""
        return "for the cluster" if self.index is None else f"on {self.index}"


SERVICE_PRIVILEGES: Final = (
    Privilege(name="manage_connector", index=None, purpose="check connectors in and report jobs"),
    Privilege(name="monitor", index=None, purpose="tell the version of Elasticsearch", is_needed=False),
    *(
        Privilege(name=name, index=index, purpose=purpose)
        for index in (CONNECTORS_INDEX, JOBS_INDEX)
        for name, purpose in (("read", "find connectors and jobs"), ("write", "register, claim and end jobs"))
    ),
)


def content_privileges(index_name: str) -> tuple[Privilege, ...]:
    """Return what the key of a connector needs for its index."""
    needed = {
        "read": "read back what the index holds",
        "write": "write and delete documents",
        "create_index": "create the index",
        "view_index_metadata": "look at the index and its mapping",
        "maintenance": "make documents visible at the end of a job",
        "manage": "add the mapping of new columns",
    }
    return (
        *(Privilege(name=name, index=index_name, purpose=purpose) for name, purpose in needed.items()),
        Privilege(
            name="read_pipeline",
            index=None,
            purpose="see when the ingest pipeline changes, so that all documents are sent again",
            is_needed=False,
        ),
    )


def rejected_privileges(index_name: str) -> tuple[Privilege, ...]:
    """Return what the key of a connector needs for the index of refused documents."""
    needed = {
        "read": "read which documents were refused",
        "write": "keep refused documents",
        "create_index": "create the index of refused documents",
        "view_index_metadata": "see whether it is there",
    }
    return tuple(Privilege(name=name, index=index_name, purpose=purpose) for name, purpose in needed.items())


async def checks(client: Client, hosts: str) -> AsyncIterator[Check]:
    """Look at the cluster; the last check is a problem if nothing further can be looked at.

    One attempt: a person is waiting for the result.
    """
    try:
        answer = await client.call("GET", "/", an_object, budget_seconds=0, timeout_seconds=TIMEOUT_SECONDS)
        version = answer.get("version")
        number = str(version.get("number", "")) if isinstance(version, dict) else ""
        if number and isinstance(version, dict) and version.get("build_flavor") != "serverless":
            require_known_version(number)
        yield ok(SUBJECT, f"{hosts} answers{f', version {number}' if number else ''}.", version=number)
    except errors.AuthorizationError as error:
        if error.status != 403:
            yield problem(SUBJECT, str(error))
            return
        yield note(SUBJECT, f"{hosts} answers, but the key may not ask for the version (privilege monitor).")
    except errors.IngestError as error:
        yield problem(SUBJECT, str(error))


async def privilege_checks(
    client: Client, subject: str, privileges: tuple[Privilege, ...]
) -> AsyncIterator[Check]:
    """Ask for each privilege by itself and say what lacks."""
    try:
        held = await client.call(
            "POST",
            "/_security/user/_has_privileges",
            an_object,
            body=_question(privileges),
            budget_seconds=0,
            timeout_seconds=TIMEOUT_SECONDS,
        )
    except errors.AuthorizationError as error:
        yield problem(subject, str(error))
        return
    except errors.IngestError as error:
        yield note(subject, f"The privileges of the key cannot be asked for: {error}")
        return
    lacking = [one for one in privileges if not _holds(held, one)]
    for one in lacking:
        sentence = f"The key lacks {one.name} {one.where}, which it needs to {one.purpose}. Grant it."
        yield (problem if one.is_needed else note)(subject, sentence, privilege=one.name, index=one.index)
    if not lacking:
        yield ok(subject, f"The key has all {len(privileges)} privileges it needs.")


def _question(privileges: tuple[Privilege, ...]) -> Mapping[str, Any]:
    indices: dict[str, list[str]] = {}
    for one in privileges:
        if one.index is not None:
            indices.setdefault(one.index, []).append(one.name)
    return {
        "cluster": [one.name for one in privileges if one.index is None],
        "index": [{"names": [index], "privileges": names} for index, names in indices.items()],
    }


def _holds(answer: Mapping[str, Any], privilege: Privilege) -> bool:
    path = ("cluster",) if privilege.index is None else ("index", privilege.index)
    held = need(answer, dict, *path)
    return held.get(privilege.name) is True

"""A connector's source: does it answer, what would be read, what do its documents look like?"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, Final

import orjson

from ingest.checks.connector import field_checks, subject_of
from ingest.checks.report import Check, Severity, note, ok, problem
from ingest.durations import span
from ingest.elasticsearch.client import Client
from ingest.errors import IngestError
from ingest.protocol import Connector, values_of
from ingest.sync.rules import BasicRules
from sources.contract import HASH_END, ID_END, Slice, Source
from sources.errors import SourceError, SourceUnavailableError

SAMPLES: Final = 3
DOCUMENTS_A_SECOND: Final = 20_000
"""What an Elasticsearch of moderate size takes; the estimate says that it is one."""
ANSWER_SECONDS: Final = 8.0
"""How long a source may take to answer at all."""
SOURCE_SECONDS: Final = 60.0


async def checks(
    source_class: type[Source],
    connector: Connector,
    content: Client,
    *,
    answer_seconds: float = ANSWER_SECONDS,
) -> AsyncIterator[Check]:
    """Look at the source as the first job would, and read a few documents.

    `content` is the view with the connector's own key.
    """
    subject = subject_of(connector.id)
    advanced_rules = connector.active.advanced_snippet
    try:
        BasicRules.from_wire(list(connector.active.rules))
        async with (
            asyncio.timeout(SOURCE_SECONDS),
            source_class(values_of(connector.configuration)) as source,
        ):
            await _answers(source, answer_seconds)
            yield ok(subject, f"{source.name} answers.")
            found = await _findings(subject, source, advanced_rules)
            for one in found:
                yield one
            if any(one.severity is Severity.PROBLEM for one in found):
                return  # what would be read is not known yet
            slices = await source.slices(advanced_rules, 0)
            yield _summary(subject, slices)
            derives = source.preferences.derives_mappings
            async for one in field_checks(content, connector, slices, derives_mappings=derives):
                yield one
            async for one in _documents(subject, slices):
                yield one
    except TimeoutError:
        yield problem(subject, f"The source did not answer everything within {SOURCE_SECONDS:.0f} s.")
    except (SourceError, IngestError) as error:
        yield problem(subject, str(error))


async def _answers(source: Source, within_seconds: float) -> None:
    """Raise SourceUnavailableError unless the source answers soon: a person is waiting."""
    try:
        async with asyncio.timeout(within_seconds):
            await source.ping()
    except TimeoutError as error:
        raise SourceUnavailableError(
            f"{source.name} did not answer within {within_seconds:.0f} s; check host, port and network."
        ) from error


async def _findings(subject: str, source: Source, advanced_rules: Any) -> list[Check]:
    """Return what the source says about the rules and about itself."""
    wrong_rules = [problem(subject, " ".join(one.messages)) for one in await source.validate(advanced_rules)]
    findings = await source.check(advanced_rules)
    return wrong_rules + [(problem if one.is_fatal else note)(subject, str(one)) for one in findings]


def _summary(subject: str, slices: Sequence[Slice]) -> Check:
    rows = sum(one.estimated_rows or 0 for one in slices)
    uncounted = sum(one.estimated_rows is None for one in slices)
    known = f"about {rows:,} rows" + (f" beside {uncounted:,} without statistics yet" if uncounted else "")
    tables = [
        {"name": one.name, "estimated_rows": one.estimated_rows, "fields": len(one.mapping)} for one in slices
    ]
    return ok(
        subject,
        f"A full sync reads {len(slices):,} tables with {known}; at {DOCUMENTS_A_SECOND:,} documents a "
        f"second it takes about {span(rows / DOCUMENTS_A_SECOND)}.",
        tables=tables,
        estimated_documents=rows,
        mapping={name: field for one in slices for name, field in one.mapping.items()},
    )


async def _documents(subject: str, slices: Sequence[Slice]) -> AsyncIterator[Check]:
    """Read documents of the first table that has any."""
    for one in slices:
        documents, sizes = await _first_documents(one, SAMPLES)
        if documents:
            mean = sum(sizes) // len(sizes)
            total = mean * sum(each.estimated_rows or 0 for each in slices)
            yield ok(
                subject,
                f"{one.name}: documents of about {mean:,} bytes; about {total / 2**20:,.1f} MiB in all.",
                samples=documents,
                estimated_bytes=total,
            )
            return


async def _first_documents(one: Slice, most: int) -> tuple[list[Any], list[int]]:
    async with aclosing(one.batches()) as batches:
        async for batch in batches:
            lines = batch.lines.split(b"\n", most)[:most] if batch.count else []
            parts = [line.partition(HASH_END)[2] for line in lines if ID_END in line]
            if parts:
                return [orjson.loads(b"{" + part) for part in parts], list(map(len, parts))
    return [], []

"""`elastic-ingest verify`: whether the index is the tables, and making it so.

Exit codes: 0 equal, 1 not, 2 cannot be told.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import click
from rich.text import Text

from ingest.checks.verification import chosen, verify_connector
from ingest.cli import FAILED, WRONG
from ingest.cli.output import count, table
from ingest.cli.session import CommandFailedError, Session, with_session
from ingest.cli.watching import watch
from ingest.errors import ConflictError, ElasticsearchError, IngestError
from ingest.protocol import Connector, JobStatus, Verified, connectors, jobs
from ingest.protocol.error_texts import error_text
from ingest.sync.verification.findings import Difference, Findings
from ingest.sync.verification.verify import Thoroughness
from sources.errors import SourceError

UNTOLD: Final = WRONG
"""Exit code: whether the index is the tables cannot be told."""
_NOTES: Final = 3
"""How often the result is written while others write the connector too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What came of one connector."""

    connector: Connector
    found: Findings | None = None
    reason: str | None = None
    """Why it could not be told."""
    repaired_by: str | None = None
    """The job that was to repair it."""

    @property
    def exit_code(self) -> int:
        match self.found:
            case Findings(is_equal=True):
                return 0
            case Findings(is_equal=False):
                return FAILED
            case _:
                return UNTOLD

    def to_wire(self) -> dict[str, Any]:
        found = self.found
        return {
            "connector_id": self.connector.id,
            "equal": None if found is None else found.is_equal,
            "differing": None if found is None else found.differing,
            "unsettled": None if found is None else found.unsettled,
            "tables": [] if found is None else [one.to_wire() for one in found.tables],
            **({"reason": self.reason} if self.reason else {}),
            **({"repaired_by": self.repaired_by} if self.repaired_by else {}),
        }


@click.command()
@click.argument("connector_id", required=False)
@click.option("--deep", is_flag=True, help="Compare what is stored, and not only its content hash.")
@click.option("--repair", is_flag=True, help="If anything differs, have it delivered by a full job.")
@click.option(
    "--grace",
    "grace_seconds",
    type=click.FloatRange(min=0),
    default=2,
    show_default=True,
    help="Seconds to wait before what differs is looked at again.",
)
@with_session
async def verify(
    session: Session, /, connector_id: str | None, *, deep: bool, repair: bool, grace_seconds: float
) -> None:
    """Say whether the index is the tables: exit code 0 if so, 1 if not, 2 if that cannot be told.

    Compares every row with every document, of one connector or of all in config.yml. Rows that changed since
    the last sync differ. Nothing is written but the result, on the connector. --repair creates a full job,
    which a running service does, waits for it and verifies again.
    """
    thoroughness = Thoroughness(is_deep=deep, grace_seconds=grace_seconds)
    try:
        wanted = await chosen(session.config, session.client, connector_id)
    except IngestError as error:
        raise SystemExit(_untold(session, str(error))) from error
    if not wanted:
        missing = f"There is no connector {connector_id}." if connector_id else "There is no connector yet."
        raise SystemExit(_untold(session, missing))
    outcomes = []
    for connector in wanted:
        outcome = await _verified(session, connector, thoroughness)
        if repair and outcome.found is not None and outcome.found.differing:
            outcome = await _repaired(session, outcome, thoroughness)
        outcomes.append(outcome)
        if not session.output.as_json:
            _print(session, outcome)
    session.output.show({"connectors": [one.to_wire() for one in outcomes]})
    raise SystemExit(max(one.exit_code for one in outcomes))


async def _verified(session: Session, connector: Connector, thoroughness: Thoroughness) -> _Outcome:
    try:
        with _told(session) as tell:
            found = await verify_connector(
                session.config, session.client, connector, thoroughness=thoroughness, tell=tell
            )
    except (IngestError, SourceError) as error:
        return _Outcome(connector=connector, reason=error_text(error, connector.configuration))
    await _note(session, connector.id, found)
    return _Outcome(connector=connector, found=found)


async def _repaired(session: Session, outcome: _Outcome, thoroughness: Thoroughness) -> _Outcome:
    """Have a full job deliver what differs, and look again."""
    connector, found = outcome.connector, outcome.found
    rewrites = found is not None and found.altered > 0  # their hashes say that nothing has to be sent
    job_id = await jobs.create_repair(session.client, connector.id, rewrites=rewrites)
    session.output.say(f"{connector.id}: job {job_id} repairs what differs.")
    job = await jobs.get(session.client, job_id)
    if job is None:
        raise CommandFailedError(f"The sync job {job_id} was deleted.")
    ended = await watch(session, job)
    if ended.status is not JobStatus.COMPLETED:
        status = ended.status.value if ended.status else "unknown"
        session.output.say(f"Job {job_id} did not complete ({status}): {ended.error or 'no reason given'}")
    again = await _verified(session, connector, thoroughness)
    return _Outcome(connector=connector, found=again.found, reason=again.reason, repaired_by=job_id)


async def _note(session: Session, connector_id: str, found: Findings) -> None:
    """Leave the result on the connector, where a running service finds it for its metrics."""
    if found.is_equal is None:
        return
    verified = Verified(moment=datetime.now(UTC), differing=found.differing)
    for _ in range(_NOTES):
        try:
            connector = await connectors.get(session.client, connector_id, budget_seconds=5.0)
            if connector is not None:
                await connectors.note_verified(session.client, connector, verified)
        except ConflictError:
            continue
        except ElasticsearchError as error:
            session.output.say(f"The result is not on the connector: {error}")
        return


@contextmanager
def _told(session: Session) -> Iterator[Callable[[str], None]]:
    """Show what is being done, where somebody looks."""
    console = session.output.console
    if session.output.as_json or not console.is_terminal:
        yield lambda _: None
        return
    with console.status("") as status:
        yield lambda sentence: status.update(f"{sentence} ...")


def _print(session: Session, outcome: _Outcome) -> None:
    output, found, name = session.output, outcome.found, outcome.connector.id
    if found is None:
        output.say(f"{name}: cannot be told. {outcome.reason}")
        return
    columns = ("table", "rows", *Difference, "unsettled")
    rows = []
    for one in found.tables:
        numbers = (*(one.counts[kind] for kind in Difference), one.unsettled)
        rows.append((one.name, count(one.rows), *map(_number, numbers)))
    output.console.print(table(columns, rows))
    for line in _samples(found):
        output.console.print(Text(line))
    output.say(f"{name}: {_sentence(found)}")


def _samples(found: Findings) -> Sequence[str]:
    return [
        f"{one.name}, {kind.value}: {', '.join(ids)}{', ...' if one.counts[kind] > len(ids) else ''}"
        for one in found.tables
        for kind, ids in one.samples.items()
        if ids
    ]


def _sentence(found: Findings) -> str:
    match found.is_equal:
        case True:
            rows = sum(one.rows for one in found.tables)
            return f"the index is the tables: {rows:,} documents."
        case False:
            return f"{found.differing:,} documents differ. verify --repair has a full job deliver them."
        case None:
            written = f"{found.unsettled:,} rows were written each time they were looked at"
            return f"{written}; everything else is equal."


def _number(number: int) -> str:
    return f"{number:,}" if number else ""


def _untold(session: Session, reason: str) -> int:
    if session.output.as_json:
        session.output.show({"error": reason})
    else:
        click.echo(f"Error: {reason}", err=True)
    return UNTOLD

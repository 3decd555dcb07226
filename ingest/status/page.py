"""The status page: one self-contained HTML document made from a snapshot, without scripts or outside assets.

It refreshes itself, is readable on a phone, follows the reader's light or dark scheme, shows no secret and
offers no action.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from importlib.resources import files
from typing import Any, Final

from ingest.durations import since, span
from ingest.status import health
from ingest.status.snapshot import EndedStatus, RunningStatus, SliceStatus, Snapshot

REFRESH_SECONDS: Final = 5
SLICES_SHOWN: Final = 8
_STYLE: Final = (files(__package__) / "page.css").read_text()
_PLOT_WIDTH, _PLOT_HEIGHT = 600, 80


def render(snapshot: Snapshot) -> str:
    """Return the page."""
    problems = health.problems(snapshot)
    state = "works" if not problems else "does not work"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{REFRESH_SECONDS}">
<title>elastic-ingest: {state}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1>elastic-ingest <span class="{"good" if not problems else "bad"}">{state}</span></h1>
<p>{_about(snapshot)}</p>
{"".join(f'<p class="problem">{_text(problem)}</p>' for problem in problems)}
</header>
<main>
{_section("Running", _running(snapshot))}
{_section("Waiting", _waiting(snapshot))}
{_section("Documents written or deleted a minute, last hour", _plot(snapshot.documents_a_minute))}
{_section("Connectors", _connectors(snapshot))}
{_section("Latest jobs of this process", _ended(snapshot))}
</main>
<footer>{_text(f"{snapshot.taken_at:%Y-%m-%d %H:%M:%S} UTC")}. Refreshes every {REFRESH_SECONDS} seconds.
<a href="metrics">Metrics</a></footer>
</body>
</html>
"""


def _about(snapshot: Snapshot) -> str:
    started = _ago(snapshot.started_at, snapshot)
    return _text(f"{snapshot.worker}, version {snapshot.version}, started {started}")


def _running(snapshot: Snapshot) -> str:
    return "".join(_job(job, snapshot) for job in snapshot.running) or _nothing("No job runs here.")


def _job(job: RunningStatus, snapshot: Snapshot) -> str:
    counts = _text(_told(job.counts))
    tables = f"{job.slices_finished:,} of {job.slices_total:,} tables, " if job.slices_total else ""
    paused = ", waits for a retry" if job.is_paused else ""
    again = f", attempt {job.attempt}" if job.attempt > 1 else ""
    if job.follows_by is not None:
        paused += f", follows by {_text(job.follows_by)}, {job.lag_seconds:.1f} s behind"
    return (
        f'<article><h3>{_text(job.connector_id)} <span class="busy">{_text(job.phase)}</span></h3>'
        f"<p>{_text(job.job_type)} sync for {since(job.since, snapshot.taken_at)}{again}{paused}. "
        f"{tables}{counts}</p>{''.join(map(_slice, job.slices[-SLICES_SHOWN:]))}</article>"
    )


def _slice(one: SliceStatus) -> str:
    share = 1.0 if one.is_finished else _share(one)
    left = ", done" if one.is_finished else f", {span(one.seconds_left)} left" if one.seconds_left else ""
    bar = "" if share is None else f'<progress max="1" value="{share:.3f}"></progress>'
    return (
        f'<div class="slice"><span>{_text(one.name)}</span>{bar}'
        f"<span>{one.rows:,} rows, {one.rows_per_second:,.0f}/s{left}</span></div>"
    )


def _share(one: SliceStatus) -> float | None:
    return min(1.0, one.rows / one.estimated_rows) if one.estimated_rows else None


def _waiting(snapshot: Snapshot) -> str:
    rows = [
        (job.connector_id, job.job_type, _ago(job.since, snapshot), job.reason) for job in snapshot.waiting
    ]
    return _table(("connector", "type", "since", "waits for"), rows) if rows else _nothing("No job waits.")


def _connectors(snapshot: Snapshot) -> str:
    rows = [
        (
            one.name or one.id,
            one.index_name,
            _Status(one.status),
            _Status(one.last_sync_status),
            _ago(one.last_synced, snapshot),
            one.error,
        )
        for one in snapshot.connectors
    ]
    columns = ("connector", "index", "status", "last sync", "synced", "error")
    return _table(columns, rows) if rows else _nothing("There are no connectors.")


def _ended(snapshot: Snapshot) -> str:
    rows = [
        (
            job.connector_id,
            job.job_type,
            _Status(job.status),
            _ago(job.ended_at, snapshot),
            span(job.seconds),
            _outcome(job),
        )
        for job in snapshot.ended
    ]
    columns = ("connector", "type", "status", "ended", "took", "outcome")
    return _table(columns, rows) if rows else _nothing("No job has ended here yet.")


def _outcome(job: EndedStatus) -> str:
    return ". ".join(part for part in (job.error or _told(job.counts), *job.warnings) if part)


def _told(counts: Mapping[str, int]) -> str:
    documents = [f"{count:,} {name}" for name, count in counts.items() if count and name != "sent_bytes"]
    sent = counts.get("sent_bytes", 0) / 2**20
    return ", ".join([*documents, f"{sent:,.1f} MiB sent"] if sent else documents)


def _plot(counts: Sequence[int]) -> str:
    most = max(counts, default=0)
    if not most:
        return _nothing("Nothing was written in the last hour.")
    step = _PLOT_WIDTH / len(counts)
    bars = "".join(
        f'<rect x="{number * step:.1f}" y="{_PLOT_HEIGHT - height:.1f}" width="{step - 1:.1f}" '
        f'height="{height:.1f}"><title>{len(counts) - 1 - number} min ago: {count:,}</title></rect>'
        for number, count in enumerate(counts)
        if (height := count / most * _PLOT_HEIGHT)
    )
    return (
        f'<svg viewBox="0 0 {_PLOT_WIDTH} {_PLOT_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="Documents a minute">{bars}</svg><p class="axis"><span>60 min ago</span>'
        f"<span>at most {most:,} a minute, now {counts[-1]:,}</span></p>"
    )


class _Status(str):
    """A word of a closed set, shown in its color."""

    __slots__ = ()

    def __new__(cls, word: str | None) -> "_Status":
        return super().__new__(cls, word or "")


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f"<th>{_text(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(_cell(name, value) for name, value in zip(columns, row, strict=True)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(column: str, value: Any) -> str:
    kind = f' class="{_color(value)}"' if isinstance(value, _Status) else ""
    shown = "-" if value is None or value == "" else str(value)
    return f'<td data-column="{_text(column)}"{kind}>{_text(shown)}</td>'


def _color(word: str) -> str:
    match word:
        case "connected" | "completed":
            return "good"
        case "error":
            return "bad"
        case "":
            return "none"
        case _:
            return "busy"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{content}</section>"


def _nothing(sentence: str) -> str:
    return f'<p class="none">{_text(sentence)}</p>'


def _ago(moment: datetime | None, snapshot: Snapshot) -> str:
    return "-" if moment is None else f"{since(moment, snapshot.taken_at)} ago"


def _text(value: str) -> str:
    return escape(value, quote=True)

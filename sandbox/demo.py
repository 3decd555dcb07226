"""The whole tutorial in one command: set a connector up, sync, change rows, sync again, follow (`make demo`).

Every step does what a person would do with curl and psql; the service, its own process, is told nothing else.
"""

import sys
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from sandbox import calls, music
from sandbox.calls import Call
from sandbox.process import Process
from sandbox.world import DATABASE, World, WrongResultError, play, until

EXPECTED = music.ARTISTS + music.ALBUMS

CHANGES = """
UPDATE album SET title = 'A Title Nobody Heard Before' WHERE album_id = 5;
UPDATE track SET album_id = NULL WHERE album_id = 347;
DELETE FROM album WHERE album_id = 347;
INSERT INTO artist VALUES (276, 'A Band Founded a Minute Ago');
"""
"""One album gets a new title, one is deleted, one artist is added; tracks are not among the synced tables."""

WRITTEN = {
    "chinook_public_album_5": "changed",
    "chinook_public_album_347": "deleted",
    "chinook_public_artist_276": "added",
}

FOLLOWED = "Changed While Somebody Was Searching"
CHANGE_TO_FOLLOW = "UPDATE album SET title = 'Changed While Somebody Was Searching' WHERE album_id = 7"

UNFINISHED = {"pending", "in_progress", "canceling", "suspended"}


def main() -> int:
    """Run the demo; return the exit code."""
    return play(tell, Console(highlight=False))


def tell(world: World, console: Console) -> None:
    """Run the steps of the tutorial."""
    _introduce(world, console)
    elasticsearch = world.elasticsearch
    _step(console, "Create connector [cyan]my-connector-id[/] for index [cyan]music[/]")
    elasticsearch.send(calls.CREATE_CONNECTOR)
    _step(console, f"Start the service: [cyan]elastic-ingest -c {world.config_file}[/]")
    with world.service() as service:
        _await_status("needs_configuration", world, console, service)
        _step(console, f"Configure it: tables [cyan]{world.connector_values['tables']}[/]")
        elasticsearch.send(calls.configure(world.connector_values))
        _step(console, "Sync")
        first = _sync(calls.START_SYNC, world, console, service)
        _demand(first["indexed_document_count"] == EXPECTED, f"not {EXPECTED} documents: {first}")
        _show_found(world, console)
        _step(console, "Change one row, delete one, add one, and run an [cyan]incremental[/] job")
        before = _versions(world)
        world.sql(CHANGES)
        second = _sync(calls.START_INCREMENTAL_SYNC, world, console, service)
        _demand(second["deleted_document_count"] == 1, f"not one document deleted: {second}")
        _show_read(second, console)
        _show_written(before, _versions(world), console)
        _step(console, "Turn on [cyan]follow[/], and change a row")
        elasticsearch.send(calls.configure({**world.connector_values, "follow": True, "follow_interval": 1}))
        _follow(world, console, service)
    console.print("\n[green]Done.[/] Next: [cyan]make sandbox[/] keeps this running for you to try.")


def _introduce(world: World, console: Console) -> None:
    address = f"{world.cluster.host}:{world.cluster.port}"
    console.print(f"PostgreSQL     {address}, database [cyan]{DATABASE}[/] with")
    rows = {table.name: len(table.rows) for table in music.tables()}
    shown = ("artist", "album", "track", "customer", "invoice")
    counts = ", ".join(f"{rows[name]:,} {name}s" for name in shown)
    console.print(f"               {counts}")
    console.print(f"Elasticsearch  {world.elasticsearch.url} (embedded)")


def _step(console: Console, text: str) -> None:
    console.print(f"\n[bold]▸[/] {text}")


def _await_status(status: str, world: World, console: Console, service: Process) -> None:
    def reached() -> Mapping[str, Any] | None:
        connector: Mapping[str, Any] = world.elasticsearch.send(calls.READ_CONNECTOR)
        return connector if connector["status"] == status else None

    connector = until(reached, f"the connector is {status}", watching=service)
    console.print(f"  status {status}: it asks for {len(connector['configuration'])} settings")


def _sync(start: Call, world: World, console: Console, service: Process) -> Mapping[str, Any]:
    """Start a sync, show how it goes, and return the finished job."""
    job_id = world.elasticsearch.send(start)["id"]
    read_job = Call("Read the job", "GET", f"/_connector/_sync_job/{job_id}")
    columns = (TextColumn("  {task.description:<12}"), BarColumn(), TextColumn("{task.completed} documents"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        shown = progress.add_task("pending", total=EXPECTED)

        def finished() -> Mapping[str, Any] | None:
            job: Mapping[str, Any] = world.elasticsearch.send(read_job)
            progress.update(shown, description=job["status"], completed=job["indexed_document_count"])
            return None if job["status"] in UNFINISHED else job

        job = until(finished, "the sync job ends", watching=service)
    _demand(job["status"] == "completed", f"the job is {job['status']}: {job.get('error')}")
    console.print(
        f"  job [green]{job['status']}[/]: [bold]{job['indexed_document_count']} indexed[/], "
        f"{job['deleted_document_count']} deleted, {job['total_document_count']} in the index"
    )
    return job


def _follow(world: World, console: Console, service: Process) -> None:
    """Change a row, look for it until it is found, and say how long that took."""
    list_jobs = Call("List the jobs", "GET", "/_connector/_sync_job?connector_id=my-connector-id&size=100")

    def following() -> bool:
        jobs = world.elasticsearch.send(list_jobs)["results"]
        return any(
            job["status"] == "in_progress" and (job.get("metadata") or {}).get("following", {}).get("way")
            for job in jobs
        )

    until(following, "a job follows", watching=service)
    console.print("  one job stays in progress and looks for changes every second")
    world.sql(CHANGE_TO_FOLLOW)
    changed_at = time.monotonic()

    def found() -> bool:
        hits = world.elasticsearch.send(calls.find("public_album_title", FOLLOWED))["hits"]["hits"]
        return any(hit["_source"]["public_album_title"] == FOLLOWED for hit in hits)

    until(found, "the changed row is found", watching=service)
    seconds = time.monotonic() - changed_at
    console.print(f"  searched for [cyan]{FOLLOWED}[/], found it [bold]{seconds:.1f} s[/] after the commit")


def _show_found(world: World, console: Console) -> None:
    (title,) = world.sql("SELECT title FROM album WHERE album_id = 1").splitlines()
    answer = world.elasticsearch.send(calls.find("public_album_title", title))
    (hit,) = answer["hits"]["hits"]
    _demand(hit["_source"]["public_album_title"] == title, f"searched for {title!r}, found {hit}")
    console.print(f"  searched for [cyan]{escape(title)}[/], found [bold]{hit['_id']}[/]")
    for field, value in hit["_source"].items():
        console.print(f"    {field:<24} {escape(repr(value))}")


def _show_read(job: Mapping[str, Any], console: Console) -> None:
    """Show how each table was compared, as the job's metadata tells."""
    for table in job["metadata"]["slices"]:
        skipped = table.get("rows_skipped", 0)
        reason = f": {table['reason']}" if "reason" in table else ""
        console.print(
            f"  {table['name']:<15} by {table['compared_by']:<8} [bold]{table['rows']}[/] rows read, "
            f"{skipped} skipped{escape(reason)}"
        )


def _versions(world: World) -> Mapping[str, int]:
    """Return each document's sequence number, which moves with every write and with nothing else."""
    body = {"size": 10_000, "seq_no_primary_term": True, "_source": False}
    world.elasticsearch.send(Call("Make every write visible", "POST", f"/{calls.INDEX}/_refresh"))
    answer = world.elasticsearch.send(Call("Read all", "POST", f"/{calls.INDEX}/_search", body))
    return {hit["_id"]: hit["_seq_no"] for hit in answer["hits"]["hits"]}


def _show_written(before: Mapping[str, int], after: Mapping[str, int], console: Console) -> None:
    written = dict.fromkeys(before.keys() - after.keys(), "deleted")
    written |= dict.fromkeys(after.keys() - before.keys(), "added")
    written |= {name: "changed" for name in before.keys() & after.keys() if before[name] != after[name]}
    _demand(written == WRITTEN, f"written was {written}")
    for identifier, how in sorted(written.items(), key=lambda item: item[1]):
        console.print(f"  {how:<8} [bold]{identifier}[/]")
    console.print(f"  Exactly these three were written; the other {len(before) - 2} were not touched.")


def _demand(condition: bool, otherwise: str) -> None:
    if not condition:
        raise WrongResultError(otherwise)


if __name__ == "__main__":
    sys.exit(main())

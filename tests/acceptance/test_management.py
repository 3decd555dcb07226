"""Connectors and sync jobs from the command line, as an operator works, in a real world.

`process` runs a command in a process of its own, `command` in this one.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from sandbox import calls
from sandbox.calls import Call
from sandbox.process import Process
from sandbox.world import World, until, world
from tests.acceptance.typed_commands import INDEX, NAME, answer, command, configure, process
from tests.support.command_line import run_command
from tests.support.postgresql import server


@pytest.fixture(scope="module")
def place() -> Iterator[World]:
    with world(postgresql=server) as created:
        config = created.config_file.read_text().replace(
            "connector_id: my-connector-id", f"connector_id: {NAME}"
        )
        assert NAME in config
        created.config_file.write_text(config)
        yield created


@pytest.fixture(scope="module")
def service(place: World) -> Iterator[Process]:
    assert command(place, "connector", "create", NAME, "--index-name", INDEX).returncode == 0
    with place.service() as running:
        yield running


@pytest.fixture(scope="module")
def configured(place: World, service: Process) -> World:
    finished = configure(place)  # which waits until the service has registered the fields
    assert finished.returncode == 0, finished.stderr
    return place


def test_a_configured_connector_syncs_and_the_watch_ends_with_it(configured: World) -> None:
    finished = process(configured, "sync", "start", NAME, "--watch")

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert re.search(r"Status\s+completed", finished.stdout)
    assert re.search(r"created\s+622", finished.stdout)
    assert "public.album" in finished.stdout


def test_a_job_is_listed_and_shown(configured: World) -> None:
    job_id = answer(configured, "sync", "start", NAME, "--watch")["id"]

    listed = answer(configured, "sync", "list", NAME, "--most", "1")
    shown = answer(configured, "sync", "show", job_id)

    assert [job["id"] for job in listed] == [job_id]
    assert shown["status"] == "completed"
    assert shown["metadata"]["counts"]["unchanged"] == 622


def test_no_command_shows_a_secret(configured: World) -> None:
    job_id = answer(configured, "sync", "list", NAME)[0]["id"]
    shown = [
        command(configured, *words, *form)
        for words in (
            ("connector", "list"),
            ("connector", "show", NAME),
            ("sync", "list", NAME),
            ("sync", "show", job_id),
        )
        for form in ((), ("--json",))
    ]

    assert all(finished.returncode == 0 for finished in shown)
    assert not [one.args for one in shown if configured.reader_password in one.stdout + one.stderr]


def test_values_that_do_not_work_change_nothing(configured: World) -> None:
    before = answer(configured, "connector", "show", NAME)["configuration"]

    finished = configure(configured, password="not-the-password")

    assert finished.returncode == 1
    assert "Nothing was changed" in finished.stderr
    assert "not-the-password" not in finished.stdout + finished.stderr
    assert answer(configured, "connector", "show", NAME)["configuration"] == before


def test_what_a_job_would_fail_for_is_said_after_the_values_are_set(configured: World) -> None:
    try:
        finished = configure(configured, tables="album,no_such_table")
    finally:
        assert configure(configured).returncode == 0

    first, second = finished.stdout.splitlines()
    assert first.startswith("Set ")
    assert second.startswith("Until this is put right, jobs fail: ")
    assert "no_such_table" in second


def test_a_table_that_is_not_shown_at_a_terminal_has_a_line_for_each_row(configured: World) -> None:
    listed = process(configured, "connector", "list", environment={"COLUMNS": "40"})

    (row,) = [line for line in listed.stdout.splitlines() if line.startswith(NAME)]
    assert INDEX in row
    assert "postgresql" in row


def test_configuring_waits_for_the_fields_and_says_so(configured: World) -> None:
    shown = configured.elasticsearch.send(Call("", "GET", f"/_connector/{NAME}"))
    created = answer(configured, "connector", "create", "--index-name", "registered-late")["id"]
    configuring = ("connector", "configure", created, "--no-test", "--set", "host=a")
    words = [sys.executable, "-m", "ingest", *configuring]
    waiting = subprocess.Popen(
        [*words, "-c", str(configured.config_file)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with waiting:
        assert waiting.stderr is not None
        assert "Waiting for the service" in waiting.stderr.readline()
        path = f"/_connector/{created}/_configuration"
        configured.elasticsearch.send(Call("", "PUT", path, {"configuration": shown["configuration"]}))
        printed, _ = waiting.communicate(timeout=90)

    assert waiting.returncode == 0
    assert "Set host" in printed


def test_configuring_what_no_service_works_for_ends_with_the_reason(configured: World) -> None:
    created = answer(configured, "connector", "create", "--index-name", "never-registered")["id"]

    finished = command(configured, "connector", "configure", created, "--set", "host=a", "--wait", "0.2")

    assert finished.returncode == 1
    assert "Is it running, with this connector in its config.yml?" in finished.stderr


def test_a_secret_is_not_taken_from_the_command_line(configured: World) -> None:
    finished = command(configured, "connector", "configure", NAME, "--set", "password=seen-by-all")

    assert finished.returncode == 1
    assert "--set-file" in finished.stderr
    assert "seen-by-all" not in finished.stdout + finished.stderr


def test_values_of_the_wrong_type_and_unknown_fields_are_named(configured: World) -> None:
    wrong = command(configured, "connector", "configure", NAME, "--set", "port=abc")
    unknown = command(configured, "connector", "configure", NAME, "--set", "prot=5432")

    assert "port is a whole number" in wrong.stderr
    assert "prot" in unknown.stderr
    assert "port" in unknown.stderr


def test_a_schedule_is_set_shown_and_switched_off(configured: World) -> None:
    answer(configured, "connector", "schedule", NAME, "--full", "0 0 3 * * ?")
    on = answer(configured, "connector", "schedule", NAME)["full"]
    answer(configured, "connector", "schedule", NAME, "--disable", "full")
    off = answer(configured, "connector", "schedule", NAME)["full"]

    assert on == {"enabled": True, "interval": "0 0 3 * * ?"}
    assert off == {"enabled": False, "interval": "0 0 3 * * ?"}


def test_a_wrong_schedule_is_refused_with_the_reason(configured: World) -> None:
    finished = command(configured, "connector", "schedule", NAME, "--full", "every day")

    assert finished.returncode == 1
    assert "needs second, minute, hour" in finished.stderr


def test_rules_from_a_file_become_active_and_can_be_cleared(
    configured: World, service: Process, tmp_path: Path
) -> None:
    file = tmp_path / "rules.json"
    rule = {
        "id": "no-short",
        "policy": "exclude",
        "field": "public_artist_name",
        "rule": "equals",
        "value": "nobody",
        "order": 0,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    file.write_text(json.dumps({"rules": [rule]}))

    def active() -> list[str]:
        return [one["id"] for one in answer(configured, "connector", "rules", NAME)["active"]["rules"]]

    answer(configured, "connector", "rules", NAME, "--from-file", str(file))
    until(lambda: "no-short" in active() or None, "the rule is active", watching=service)
    answer(configured, "connector", "rules", NAME, "--clear")
    until(lambda: active() == ["DEFAULT"] or None, "the rules are cleared", watching=service)


def test_what_does_not_exist_is_named_with_exit_code_1(configured: World) -> None:
    for words in (
        ("connector", "show", "nothing-here"),
        ("connector", "configure", "nothing-here"),
        ("sync", "start", "nothing-here"),
        ("sync", "show", "nothing-here"),
        ("sync", "cancel", "nothing-here"),
        ("sync", "list", "nothing-here"),
    ):
        run = process if words[:2] == ("sync", "show") else command
        finished = run(configured, *words)
        assert finished.returncode == 1, words
        assert "nothing-here" in finished.stderr
        assert "Traceback" not in finished.stderr


def test_a_connector_is_not_created_twice(configured: World) -> None:
    finished = command(configured, "connector", "create", NAME, "--index-name", "other")

    assert finished.returncode == 1
    assert "exists already" in finished.stderr
    assert answer(configured, "connector", "show", NAME)["index_name"] == INDEX


def test_a_waiting_job_can_be_canceled_and_a_connector_deleted(configured: World) -> None:
    created = answer(configured, "connector", "create", "--index-name", "elsewhere")["id"]
    job_id = answer(configured, "sync", "start", created)["id"]

    canceled = answer(configured, "sync", "cancel", job_id)
    answer(configured, "connector", "delete", created, "--yes", "--with-sync-jobs")

    assert canceled["status"] == "canceled"
    assert created not in [one["id"] for one in answer(configured, "connector", "list")]


def test_status_shows_connectors_and_the_jobs_that_wait(configured: World) -> None:
    created = answer(configured, "connector", "create", "--index-name", "nobody-works-here")["id"]
    job_id = answer(configured, "sync", "start", created)["id"]

    shown = answer(configured, "status")
    table = command(configured, "status").stdout

    assert {NAME, created} <= {one["id"] for one in shown["connectors"]}
    assert [(one["id"], one["connector"]) for one in shown["jobs"]] == [(job_id, {"id": created})]
    assert job_id in table
    assert configured.reader_password not in json.dumps(shown) + table
    answer(configured, "connector", "delete", created, "--yes", "--with-sync-jobs")


def test_a_dumb_terminal_and_no_color_get_plain_text(configured: World) -> None:
    for environment in ({"TERM": "dumb"}, {"NO_COLOR": "1"}):
        finished = command(configured, "connector", "list", environment=environment)
        assert "\x1b" not in finished.stdout
        assert NAME in finished.stdout


def test_an_elasticsearch_that_does_not_answer_is_said_quickly(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("elasticsearch: {host: 'http://127.0.0.1:9'}\n")

    finished = run_command("connector", "list", config_file=tmp_path / "config.yml")

    assert finished.returncode == 1
    assert "127.0.0.1:9" in finished.stderr


def test_verify_says_what_differs_and_repair_delivers_it(configured: World) -> None:
    assert command(configured, "sync", "start", NAME, "--watch").returncode == 0
    equal = process(configured, "verify", NAME)
    send = configured.elasticsearch.send
    gone, altered = send(Call("", "POST", f"/{INDEX}/_search", {"size": 2}))["hits"]["hits"]
    send(Call("", "DELETE", f"/{INDEX}/_doc/{quote(gone['_id'])}?refresh"))
    document = dict(altered["_source"])
    del document[next(name for name in document if name.startswith("public_"))]
    send(Call("", "PUT", f"/{INDEX}/_doc/{quote(altered['_id'])}?refresh", document))

    shallow = command(configured, "verify", NAME, "--grace", "0")
    deep = json.loads(command(configured, "verify", NAME, "--grace", "0", "--deep", "--json").stdout)
    repaired = command(configured, "verify", NAME, "--grace", "0", "--deep", "--repair")
    after = command(configured, "verify", "--deep")

    assert equal.returncode == 0, equal.stdout + equal.stderr
    assert "the index is the tables: 622 documents" in equal.stdout
    assert shallow.returncode == 1
    assert f"missing: {gone['_id']}" in shallow.stdout
    (told,) = deep["connectors"]
    assert (told["equal"], told["differing"]) == (False, 2)
    assert {name: ids for one in told["tables"] for name, ids in one["samples"].items()} == {
        "missing": [gone["_id"]], "altered": [altered["_id"]]
    }  # fmt: skip
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert after.returncode == 0, after.stdout


def test_verify_cannot_tell_of_what_is_not_there(configured: World) -> None:
    missing = command(configured, "verify", "nothing-here")
    created = answer(configured, "connector", "create", "--index-name", "not-configured")["id"]
    unconfigured = command(configured, "verify", created)
    answer(configured, "connector", "delete", created, "--yes")

    assert missing.returncode == unconfigured.returncode == 2
    assert "nothing-here" in missing.stderr
    assert "cannot be told" in unconfigured.stdout


def test_refused_documents_are_listed_and_sent_again(configured: World, tmp_path: Path) -> None:
    send = configured.elasticsearch.send
    not_kept = command(configured, "rejected", "list", NAME)
    (role,) = calls.API_KEY["role_descriptors"].values()
    wider = {**role, "indices": [*role["indices"], {"names": ["refused"], "privileges": ["all"]}]}
    key = send(
        Call("", "POST", "/_security/api_key", {"name": "wider", "role_descriptors": {"wider": wider}})
    )
    text = configured.config_file.read_text()
    (line,) = (one for one in text.splitlines() if "api_key:" in one)
    file = tmp_path / "config.yml"
    file.write_text(text.replace(line, f"  api_key: {key['encoded']}"))
    wide = replace(configured, folder=tmp_path)
    assert (
        command(configured, "connector", "configure", NAME, "--set", "rejected_index=refused").returncode == 0
    )
    entry = {
        "@timestamp": "2026-01-01T00:00:00Z", "connector_id": NAME, "sync_job_id": "j",
        "table": "public.album", "id": "chinook_public_album_1", "reason": "not a number",
    }  # fmt: skip
    empty = answer(wide, "rejected", "list", NAME)
    send(Call("", "PUT", "/refused/_doc/1?refresh", entry))

    listed = command(wide, "rejected", "list", NAME)
    forbidden = command(configured, "check", NAME)
    retried = command(configured, "rejected", "retry", NAME, "--watch")
    command(configured, "connector", "configure", NAME, "--set", "rejected_index=")

    assert not_kept.returncode == 1
    assert "--set rejected_index=NAME" in not_kept.stderr
    assert empty == []
    assert "chinook_public_album_1" in listed.stdout
    assert "lacks write on refused" in forbidden.stdout
    assert retried.returncode == 0, retried.stdout + retried.stderr
    assert "could not be kept in refused" in retried.stdout

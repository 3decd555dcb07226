"""What the log shows and redacts, and that logging never fails what it reports on."""

import io
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ingest import log
from ingest.secret import Secret

pytestmark = pytest.mark.usefixtures("logging_restored")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def configured(level: str = "info", style: str = "json") -> tuple[io.StringIO, Any]:
    logging.getLogger().handlers.clear()  # pytest's raise where ours must not
    stream = io.StringIO()
    log.configure(level, style, stream)
    return stream, structlog.get_logger()


# --- for machines ---


def test_a_line_for_machines_is_ecs() -> None:
    stream, logger = configured()

    logger.info("job.finished", connector_id="c", sync_job_id="j", status="completed", indexed=622)

    (line,) = lines(stream)
    assert line["message"] == "job.finished"
    assert line["log.level"] == "info"
    assert line["@timestamp"].endswith("Z")
    assert line["ecs.version"]
    assert line["service.name"] == "elastic-ingest"
    assert line["labels"] == {"connector_id": "c", "sync_job_id": "j"}
    assert line["ingest"] == {"status": "completed", "indexed": 622}


def test_an_error_comes_with_its_type_message_and_stack() -> None:
    stream, logger = configured()

    try:
        raise LookupError("no such table")
    except LookupError:
        logger.exception("job.failed")

    (line,) = lines(stream)
    assert (line["log.level"], line["error.type"], line["error.message"]) == (
        "error",
        "LookupError",
        "no such table",
    )
    assert "test_log.py" in line["error.stack_trace"]


def test_facts_bound_once_stand_in_every_line() -> None:
    stream, logger = configured()

    with structlog.contextvars.bound_contextvars(sync_job_id="j"):
        logger.info("job.started")
        logging.getLogger("asyncpg").warning("hello")
    logger.info("service.stopped")

    assert [line.get("labels") for line in lines(stream)] == [{"sync_job_id": "j"}] * 2 + [None]


@given(st.dictionaries(st.text(), st.text() | st.binary() | st.floats() | st.sets(st.integers()), max_size=4))
def test_any_facts_make_one_line_of_ascii_json(facts: dict[str, Any]) -> None:
    stream, logger = configured()

    logger.info("row.seen", **{f"fact_{name}": value for name, value in facts.items()})

    (line,) = lines(stream)
    assert line["message"] == "row.seen"
    assert stream.getvalue().isascii()
    assert stream.getvalue().isprintable() or stream.getvalue()[:-1].isprintable()


def test_the_message_is_a_sentence_and_the_event_stands_beside_it() -> None:
    stream, logger = configured()

    logger.info("elasticsearch.ready", hosts=["http://a"], version="9.1.0")

    (line,) = lines(stream)
    assert (line["message"], line["event.action"]) == ("Elasticsearch 9.1.0 answers.", "elasticsearch.ready")


def test_a_sentence_shows_no_secret_of_its_facts() -> None:
    stream, logger = configured()

    logger.warning("config.warning", problem=Secret("hunter2"))

    assert "hunter2" not in stream.getvalue()
    assert lines(stream)[0]["message"] == "config.yml: ********"


# --- for people ---


def test_a_terminal_gets_lines_for_people_and_a_pipe_gets_json() -> None:
    terminal, pipe = Terminal(), io.StringIO()

    for stream in (terminal, pipe):
        log.configure("info", "auto", stream)
        structlog.get_logger().info("service.started", connectors=3)

    assert "service.started" in terminal.getvalue()
    assert "connectors" in terminal.getvalue()
    assert lines(pipe)[0]["event.action"] == "service.started"


def test_people_are_told_nothing_that_is_zero_or_twice() -> None:
    stream, logger = configured(style="console")

    logger.info(
        "job.finished", job_type="full", status="completed", seconds=1.25, read=3, created=3, deleted=0
    )

    (line,) = stream.getvalue().splitlines()
    assert "Full sync completed in 1.2 s: 3 rows; 3 created." in line
    assert "action=job.finished" in line
    assert "deleted" not in line
    assert "status" not in line


def test_a_pipe_gets_lines_for_people_without_colors_if_asked() -> None:
    stream, logger = configured(style="console")

    logger.info("job.finished", status="completed")

    assert "[info     ] job.finished" in stream.getvalue()
    assert "status=completed" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_control_characters_cannot_forge_a_line_for_people() -> None:
    stream, logger = configured(style="console")
    forged = "public.album\n2026-01-01T00:00:00Z [info] all is well \x1b[2J\u2028\u202e"

    logger.info(f"table.{forged}", table=forged, nested={"table": forged}, many=[forged])
    try:
        raise ValueError(forged)
    except ValueError:
        logger.exception("job.failed")

    first, second, *stack = stream.getvalue().splitlines()
    assert "table.public.album\\n2026" in first
    assert "job.failed" in second
    assert stack
    assert all(line.startswith("    | ") for line in stack)
    assert not {"\x1b", "\u2028", "\u202e"} & set(stream.getvalue())


# --- what is hidden ---


@pytest.mark.parametrize("style", ["json", "console"])
def test_secrets_are_stars_by_type_and_by_name_however_deep(style: str) -> None:
    stream, logger = configured(style=style)

    logger.info(
        "config.read",
        key=Secret("canary"),
        password="canary",
        api_key="canary",
        headers={"Authorization": "canary", "X": "shown"},
        entries=[{"apiKey": "canary"}, (Secret("canary"),)],
        ssl_private_key="canary",
        text=f"it is {Secret('canary')}",
    )

    assert "canary" not in stream.getvalue()
    assert stream.getvalue().count("********") == 8
    assert "shown" in stream.getvalue()


def test_a_fact_without_a_value_is_not_called_a_secret() -> None:
    stream, logger = configured()

    logger.info("config.read", password=None, has_token=True)

    assert lines(stream)[0]["ingest"] == {"password": None, "has_token": True}


def test_a_very_long_text_is_cut() -> None:
    stream, logger = configured()

    logger.info("row.refused", reason="x" * 50_000)

    assert len(stream.getvalue()) < 15_000
    assert "(50000 characters)" in lines(stream)[0]["ingest"]["reason"]


# --- levels and libraries ---


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warning", "error", "critical"]),
        ("info", ["info", "warning", "error", "critical"]),
        ("error", ["error", "critical"]),
    ],
)
def test_lines_below_the_level_are_left_out(level: str, shown: list[str]) -> None:
    stream, logger = configured(level)

    for name in ("debug", "info", "warning", "error", "critical"):
        getattr(logger, name)("some.event")

    assert [line["log.level"] for line in lines(stream)] == shown


def test_what_libraries_log_looks_like_the_rest() -> None:
    stream, _ = configured()

    logging.getLogger("some.library").warning("cannot %s", "connect")
    logging.getLogger("some.library").debug("details")
    logging.getLogger("asyncio").info("details")
    logging.getLogger("some.library").error("wrong %d", "format")

    found = [(line["log.level"], line["message"], line["log.logger"]) for line in lines(stream)]
    assert found[:2] == [
        ("warning", "cannot connect", "some.library"),
        ("error", "wrong %d", "some.library"),
    ]
    assert all("details" not in message for _, message, _ in found)


def test_an_uncaught_error_is_a_line_like_the_others() -> None:
    stream, _ = configured()
    error = RuntimeError("a mistake")

    sys.excepthook(RuntimeError, error, None)

    (line,) = lines(stream)
    assert (line["log.level"], line["event.action"]) == ("critical", "program.crashed")
    assert line["error.message"] == "a mistake"


def test_configuring_again_replaces_what_was_there() -> None:
    first, _ = configured()
    second, logger = configured()

    logger.info("some.event")
    logging.getLogger("some.library").warning("hello")

    assert first.getvalue() == ""
    assert len(lines(second)) == 2


# --- whatever happens ---


class Unshowable:
    def __str__(self) -> str:
        raise RuntimeError("cannot be shown")

    __repr__ = __str__


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_fact_that_cannot_be_shown_costs_the_line_only(style: str) -> None:
    stream, logger = configured(style=style)

    logger.info("some.event", fact=Unshowable())
    logger.info("other.event")

    assert "log.failed" in stream.getvalue()
    assert "other.event" in stream.getvalue()


def test_a_closed_stream_is_no_error() -> None:
    stream, logger = configured()
    stream.close()

    logger.info("some.event")
    logging.getLogger("some.library").warning("hello")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_no_error() -> None:
    full = Path("/dev/full").open("w")  # noqa: SIM115 - closing it fails as well, which is the point
    log.configure("info", "json", full)

    structlog.get_logger().info("some.event")

    with pytest.raises(OSError, match="No space left"):
        full.close()


def test_a_stream_that_knows_few_characters_gets_the_rest_escaped() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    log.configure("info", "console", stream)

    structlog.get_logger().info("job.started", table="Käse")

    assert b"K\\xe4se" in raw.getvalue()


# --- the type itself ---


def test_a_secret_shows_nothing_of_itself() -> None:
    secret = Secret("canary")

    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>20}", f"{[secret]}", "%s" % secret]  # noqa: UP031

    assert not [text for text in shown if "canary" in text]
    assert secret.reveal() == "canary"


def test_a_secret_cannot_be_pickled() -> None:
    import pickle

    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Secret("canary"))


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1

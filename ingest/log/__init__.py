"""How the service logs: a sentence and its facts, for people at a terminal, as ECS JSON elsewhere.

    log = get_logger()      log.info("job.finished", status="completed", read=622)
    bound_facts(connector_id=..., sync_job_id=...)   while it lasts, facts of every line of this task

    event and facts  ->  seen a moment ago?  ->  secrets hidden  ->  its sentence  ->  a line
                         repeats                 redaction           sentences         rendering

Events are called `noun.verb`, past tense for what is done; `sentences` says what each one tells. Whatever
happens, logging never raises into what it reports on: a full disk, a closed pipe or a value that cannot be
shown costs the line, not the job.
"""

from ingest.log import without_rich  # noqa: F401  # first: the others import structlog
from ingest.log.redaction import redacted
from ingest.log.setup import bound_facts, configure, get_logger

__all__ = ["bound_facts", "configure", "get_logger", "redacted"]

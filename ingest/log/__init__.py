"""How the service logs: a sentence and its facts, for people at a terminal, as ECS JSON elsewhere.

    log = structlog.get_logger()            log.info("job.finished", status="completed", read=622)
    structlog.contextvars.bound_contextvars(connector_id=..., sync_job_id=...)   facts of every line of a job

    event and facts  ->  seen a moment ago?  ->  secrets hidden  ->  its sentence  ->  a line
                         repeats                 redaction           sentences         rendering

Events are called `noun.verb`, past tense for what is done; `sentences` says what each one tells. Whatever
happens, logging never raises into what it reports on: a full disk, a closed pipe or a value that cannot be
shown costs the line, not the job.
"""

from ingest.log.redaction import redacted
from ingest.log.setup import configure

__all__ = ["configure", "redacted"]

"""Everything that can go wrong in the service, typed by what to do next.

IngestError
├── ConfigError                      config.yml is wrong: print every problem, exit 2
├── ElasticsearchError
│   ├── ElasticsearchUnavailableError   may work later: retried within a budget before it is raised
│   └── ElasticsearchRefusedError       a final no: status, type and reason of the answer
│       ├── AuthorizationError          401 or 403
│       ├── NotFoundError               404 of any kind
│       └── ConflictError               409: somebody else wrote first
├── OutOfMemoryError                 memory ran out: suspend what runs, exit 1, to be started again
└── JobError                            the running job must end
    ├── JobCanceledError                somebody asked for it
    ├── JobLostError                    job, connector or lease is no longer ours: write nothing more
    ├── IndexChangedError               the content index was replaced or removed while the job ran
    ├── IncompleteSyncError             something was not read or not confirmed, so nothing may be deleted
    ├── TooManyDeletesError             a table would lose more documents than its connector allows
    ├── InvalidRulesError               the sync rules of the job cannot be used
    └── TooManyRejectionsError          the error monitor's threshold was passed
"""


class IngestError(Exception):
    """The service could not do what was asked; the message is one sentence a person can act on."""


class ConfigError(IngestError):
    """`config.yml` cannot be used; carries every problem found."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class OutOfMemoryError(IngestError):
    """The process ran out of memory, most of which an interpreter never gives back."""

    def __init__(self) -> None:
        super().__init__(
            "The service ran out of memory. Give it more, or lower elasticsearch.bulk.max_concurrency or "
            "chunk_max_mem_size, or Maximum value size of the connector."
        )


class ElasticsearchError(IngestError):
    """Elasticsearch did not do what was asked."""


class ElasticsearchUnavailableError(ElasticsearchError):
    """Elasticsearch did not give a usable answer within the retry budget."""


class ElasticsearchRefusedError(ElasticsearchError):
    """Elasticsearch answered with a final no."""

    def __init__(self, message: str, *, status: int, error_type: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.reason = reason


class AuthorizationError(ElasticsearchRefusedError):
    """The credentials are wrong (401) or lack a privilege (403)."""


class NotFoundError(ElasticsearchRefusedError):
    """The index, document, connector or job does not exist."""


class ConflictError(ElasticsearchRefusedError):
    """The document changed since it was read."""


class JobError(IngestError):
    """The running job must end."""


class JobCanceledError(JobError):
    """The job is canceling: stop reading, stop writing, end as canceled."""


class JobLostError(JobError):
    """The job, its connector or the lease is no longer ours: stop at once and write nothing."""


class IndexChangedError(JobError):
    """The content index was replaced or removed while the job ran."""


class IncompleteSyncError(JobError):
    """Something was not read to its end or not confirmed, so nothing may be deleted."""


class TooManyDeletesError(JobError):
    """A table would lose more of its documents than the connector's configuration allows."""


class InvalidRulesError(JobError):
    """The sync rules of the job cannot be used; the message says which and why."""


class TooManyRejectionsError(JobError):
    """Elasticsearch refused more documents than the error monitor tolerates."""

"""How a job is done: the service's settings and what the connector's configuration asks for, in one."""

from ingest.config import Config
from ingest.protocol import SyncJob
from ingest.sync.request import SyncOptions
from sources.contract import Preferences


def options_of(job: SyncJob, preferences: Preferences, config: Config) -> SyncOptions:
    """Put together what a job goes by."""
    return SyncOptions(
        bulk=config.elasticsearch.bulk,
        rewrite=preferences.rewrites or job.rewrites,
        derive_mappings=preferences.derives_mappings,
        language=job.language,
        readings=preferences.readings,
        max_deleted_share=preferences.max_deleted_share,
        follow_seconds=preferences.follow_seconds,
        progress_seconds=config.service.job_report_interval_seconds,
    )

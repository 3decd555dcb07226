"""What commands read in a job's metadata is what jobs write there."""

import re
from pathlib import Path

from ingest import cli
from ingest.cli import views
from ingest.job import waiting_notice
from ingest.sync.progress.following import Following
from ingest.sync.progress.stats import Rejection, Stats

READ = re.compile(r'metadata(?:"\))?\.get\("([a-z_]+)"')


async def store(_cursor: object) -> None:
    """Keep no cursor."""


def test_every_member_that_commands_read_is_written_by_jobs() -> None:
    folder = Path(cli.__file__).parent
    read = {name for path in folder.glob("*.py") for name in READ.findall(path.read_text())}

    written = Stats(following=Following(store=store)).metadata().keys()

    assert {"counts", "slices", "waits_for"} <= read
    assert read - written == {"waits_for"}
    assert '"waits_for"' in Path(waiting_notice.__file__).read_text()


def test_the_columns_of_refused_documents_are_their_members() -> None:
    rejection = Rejection(id="7", error_type="document_parsing_exception", reason="failed")

    assert set(views._REFUSAL_COLUMNS) == rejection.to_wire().keys()

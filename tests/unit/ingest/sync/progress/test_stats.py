"""What is reported is exact, never falls, and has the protocol's words and units."""

from ingest.sync.progress.stats import Rejection, SliceStats, Stats
from tests.support.fake_transport import FakeTime


def started(stats: Stats, name: str = "public.album", estimated_rows: int | None = 100) -> SliceStats:
    return stats.start_slice(name, estimated_rows)


def test_b10_five_tebibytes_are_reported_in_mebibytes() -> None:
    stats = Stats()
    started(stats).tally.indexed_bytes = 5 * 2**40

    assert stats.to_wire()["indexed_document_volume"] == 5 * 2**20


def test_the_protocols_counts_are_sums_over_the_slices() -> None:
    stats = Stats(deleted=4)
    for created, updated in ((1, 2), (10, 20)):
        tally = started(stats).tally
        tally.created, tally.updated = created, updated

    wire = stats.to_wire()

    assert (wire["indexed_document_count"], wire["deleted_document_count"]) == (33, 4)
    assert "total_document_count" not in wire


def test_a_slice_read_again_does_not_count_twice_and_no_count_falls() -> None:
    stats = Stats()
    slice_ = started(stats)
    shown = []
    for indexed_at_the_end in (60, 90, 100):
        for indexed in range(0, indexed_at_the_end + 1, 10):
            slice_.tally.read = slice_.tally.created = indexed
            shown.append(stats.indexed)
        if indexed_at_the_end < 100:
            slice_.read_again()
    stats.finish_slice(slice_)

    assert shown == sorted(shown)
    assert stats.indexed == stats.read == 100
    assert slice_.readings == 3


def test_a_shorter_second_reading_is_what_counts_once_it_is_settled() -> None:
    stats = Stats()
    slice_ = started(stats)
    slice_.tally.read = slice_.tally.created = 100
    slice_.read_again()
    slice_.tally.read, slice_.tally.created = 80, 70
    stats.finish_slice(slice_)
    assert stats.indexed == 100

    slice_.tally.created = 80

    assert stats.indexed == stats.read == 80


def test_progress_tells_rate_and_time_left() -> None:
    time = FakeTime()
    stats = Stats(clock=time.clock)
    slice_ = started(stats, estimated_rows=1000)
    slice_.tally.read = 250
    time.now += 10

    wire = slice_.to_wire(time.now)

    assert (wire["rows"], wire["rows_per_second"], wire["seconds_left"]) == (250, 25, 30)


def test_nothing_is_guessed_without_an_estimate() -> None:
    time = FakeTime()
    slice_ = started(Stats(clock=time.clock), estimated_rows=None)
    slice_.tally.read = 250

    assert slice_.to_wire(time.now + 1)["seconds_left"] is None
    assert slice_.to_wire(time.now)["rows_per_second"] == 0


def test_metadata_stays_small_with_ten_thousand_tables() -> None:
    stats = Stats()
    for number in range(10_000):
        stats.finish_slice(started(stats, f"public.table_{number}"))

    metadata = stats.metadata()

    assert metadata["slices_finished"] == 10_000
    assert [one["name"] for one in metadata["slices"]][-1] == "public.table_9999"
    assert len(metadata["slices"]) <= 50


def test_rejections_are_told_with_id_and_reason() -> None:
    stats = Stats()
    stats.rejections.append(Rejection(id="7", error_type="document_parsing_exception", reason="failed"))

    assert stats.metadata()["rejections"] == [
        {"id": "7", "type": "document_parsing_exception", "reason": "failed"}
    ]

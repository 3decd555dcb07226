"""What is remembered of documents read lately saves asking, is never wrong, and stays small."""

from dataclasses import dataclass, field

from ingest.sync.blocks.lines import Lines
from ingest.sync.kinds.follow.recent_documents import MOST_REMEMBERED, RecentDocuments
from sources.contract import HASH_END, ID_END


@dataclass(slots=True)
class Index:
    """Has none of the documents, and counts about how many it was asked."""

    asked: list[int] = field(default_factory=list)

    async def differing(self, lines: bytes) -> tuple[Lines, int]:
        self.asked.append(lines.count(b"\n"))
        return Lines(lines, lines.count(b"\n")), 0


def lines(first: int, count: int, hash_: int = 1) -> bytes:
    return b"".join(b'"%d"%b%d%b{}\n' % (n, ID_END, hash_, HASH_END) for n in range(first, first + count))


async def test_a_document_that_was_confirmed_is_not_asked_about_again() -> None:
    index = Index()
    recent = RecentDocuments(known=index)
    await recent.differing(lines(0, 3))
    recent.confirm()

    await recent.differing(lines(0, 4))
    await recent.differing(lines(0, 1, hash_=2))

    assert index.asked == [3, 1, 1]


async def test_one_look_at_very_many_rows_fills_no_memory_and_is_forgotten() -> None:
    index = Index()
    recent = RecentDocuments(known=index)
    portion = MOST_REMEMBERED // 4
    most = 0
    for first in range(0, 8 * portion, portion):
        await recent.differing(lines(first, portion))
        most = max(most, len(recent._pending))
    recent.confirm()

    await recent.differing(lines(0, 2))

    assert most <= MOST_REMEMBERED + 1
    assert index.asked == [portion] * 8 + [2]

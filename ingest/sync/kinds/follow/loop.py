"""The loop of a job that follows: catch up once, then look for changes until asked to end.

    catch up -> cursor -> has anything changed? -> look at what is due -> cursor -> ...   -> count, cursor
                              one query                 polling.py

The cursor is stored as it goes, whenever everything that was sent is acknowledged and every write to the
index was one of ours; so the next job begins where this one was. What would need most slices to be compared
in full ends the job: the next one does that when its turn comes.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ingest.elasticsearch import indices
from ingest.elasticsearch.retry import Attempts
from ingest.errors import ElasticsearchUnavailableError
from ingest.sync.comparison.checkpoints import Checkpoint
from ingest.sync.comparison.cursor import Cursor
from ingest.sync.index.known_documents import KnownDocuments
from ingest.sync.kinds.conclusion import conclude, is_ours_alone, miscounted
from ingest.sync.kinds.follow.apply import ChangeApplier
from ingest.sync.kinds.follow.followed_slice import SHARE, FollowedSlice, due
from ingest.sync.kinds.follow.held_feed import HeldFeed
from ingest.sync.kinds.follow.polling import Polling
from ingest.sync.kinds.follow.recent_documents import RecentDocuments
from ingest.sync.kinds.follow.tailing import Tailing, wanted
from ingest.sync.kinds.follow.totals import add_to_totals
from ingest.sync.kinds.incremental import catch_up
from ingest.sync.preparation import seed_now
from ingest.sync.progress.following import Following, Way
from ingest.sync.request import SyncContext, SyncRequest
from ingest.sync.run import SyncRun
from sources.errors import SourceConfigurationError, SourceUnavailableError
from sources.feed import Feed, Feeding, NoFeedError

SAVING_SECONDS: Final = 10.0
"""How often the cursor is stored while documents change."""
MARKING_SECONDS: Final = 300.0
"""How often it is stored while only the source's position does."""
SURROUNDINGS_SECONDS: Final = 15.0
"""How often to look for tables that were added or removed, and for pipelines that changed."""
AWAY_SECONDS: Final = 600.0
"""How long a source may be away before the job ends."""
FIRST_FEED_PAUSE_SECONDS: Final = 1.0
LONGEST_FEED_PAUSE_SECONDS: Final = 60.0
"""Between two attempts at a feed that is lost again and again."""
SHOWN: Final = 3
"""How many slices that the log does not tell of are named."""
NEW_SLICES: Final = "Tables were added, removed or renamed."
NEW_PIPELINE: Final = "Ingest pipelines have changed since the job began."
WRITTEN_BY_OTHERS: Final = (
    "Somebody else wrote to the index, or a request was sent twice, so everything has to be compared."
)
CHANGES_UNKNOWN: Final = "What changed cannot be told of most tables, so they have to be compared."


async def follow(request: SyncRequest, context: SyncContext) -> Cursor | None:
    """Bring the index in step with the source, and keep it there until `context.following` is asked to end.

    Returns where the next job can begin, as `incremental_sync` does, whose promise holds for the moment of
    the last look at each slice.
    """
    if context.following is None:
        raise ValueError("A job that follows needs to be told when to end.")
    sync = await SyncRun.begin(request, context)
    started = time.monotonic()
    await catch_up(sync)
    reached = dict(sync.checkpoints)
    cursor = await conclude(sync)
    if cursor is not None:
        await context.following.store(await cursor.to_wire())
    sync.checkpoints.update(reached)
    followed = await _followed(
        sync, is_proven=cursor is not None and cursor.checkpoints.keys() == reached.keys()
    )
    add_to_totals(context.stats)
    known = KnownDocuments(client=context.client, index_name=request.index_name)
    polling = Polling(sync=sync, followed=followed, recent=RecentDocuments(known=known))
    loop = FollowLoop(
        sync=sync,
        following=context.following,
        polling=polling,
        applier=ChangeApplier(sync=sync, followed=followed, polling=polling, known=known),
        catching_up_seconds=time.monotonic() - started,
    )
    return await loop.run()


async def _followed(sync: SyncRun, *, is_proven: bool) -> dict[str, FollowedSlice]:
    """Return the state of each slice after the job has caught up."""
    otherwise = {} if is_proven else await miscounted(sync)
    tallies = {one.name: one.tally for one in sync.context.stats.slices}
    followed = {}
    for slice_ in sync.prepared.slices:
        name, tally = slice_.name, tallies[slice_.name]
        checkpoint = None if name in otherwise else sync.checkpoints.get(name)
        if checkpoint is not None and checkpoint.position is None:
            checkpoint = None
        followed[name] = FollowedSlice(
            slice=slice_,
            checkpoint=checkpoint,
            reason=otherwise.get(name, ""),
            documents=0 if checkpoint is None else checkpoint.rows - tally.lacking,
            lacking=tally.lacking,
            is_refused=bool(tally.rejected or tally.dropped),
        )
    sync.checkpoints.clear()
    return followed


@dataclass(slots=True, kw_only=True)
class FollowLoop:
    """A job that follows, after it has caught up."""

    sync: SyncRun
    following: Following
    polling: Polling
    applier: ChangeApplier
    catching_up_seconds: float
    monotonic: Callable[[], float] = time.monotonic
    _attempts: Attempts | None = None
    """While the source is away."""
    _started_at: float = 0.0
    _saved_at: float = 0.0
    _saved: dict[str, Checkpoint] = field(default_factory=dict)
    _written: int = 0
    """How much was written when the cursor was stored."""
    _written_before: int = 0
    """How much was written when the turn before had ended."""
    _looked_around_at: float = 0.0
    _held: HeldFeed | None = None
    _feed_again_at: float = 0.0
    """When to try again to open a feed."""
    _feed_pause_seconds: float = FIRST_FEED_PAUSE_SECONDS
    _is_doubted: bool = False
    """Whether the index is not ours alone any more."""

    async def run(self) -> Cursor | None:
        """Follow until asked to end."""
        context = self.sync.context
        self._started_at = self._looked_around_at = self._saved_at = self.monotonic()
        self._saved, self._written = self._sound_checkpoints(), self.sync.context.stats.written
        for one in self.polling.followed.values():
            one.seen_at = one.looked_until = self._started_at
        self.following.way = Way.POLLING
        context.log.info("follow.started", way=Way.POLLING.value, slices=len(self.polling.followed))
        try:
            while not self.following.is_asked:
                self._open_feed()
                if self._held is not None and self._held.is_decided:
                    await self._turn(self._by_feed)
                else:
                    await self._turn(self._by_polling)
                    await self.following.pause(self._pause_seconds)
        finally:
            await self._close_feed()
        context.log.info("follow.ended", reason=self.following.ends_because)
        return await self._end()

    @property
    def _pause_seconds(self) -> float:
        return self.sync.request.options.follow_seconds

    async def _turn(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something; a source or an Elasticsearch that is away is waited for."""
        self.sync.context.lease.check()
        try:
            await work()
        except SourceConfigurationError:
            if not await self._ends_for_other_slices():
                raise
        except (SourceUnavailableError, ElasticsearchUnavailableError) as error:
            self.sync.context.log.warning("follow.awaited", reason=str(error))
            self._attempts = self._attempts or self.sync.context.client.retrying(AWAY_SECONDS).attempts()
            self._looked_around_at = 0.0  # perhaps a table is gone
            if not await self._attempts.wait(self._pause_seconds):
                raise
        else:
            self._attempts = None

    async def _by_polling(self) -> None:
        await self._look(list(self.polling.followed.values()))
        self.following.behind_since(min(one.seen_at for one in self.polling.followed.values()))
        await self._look_around()
        await self._save_if_due()

    def _open_feed(self) -> None:
        """Begin to open a feed, if there may be one and it is time for it; polling goes on meanwhile."""
        source = self.sync.request.source
        if (
            self._held is not None
            or self.monotonic() < self._feed_again_at
            or not isinstance(source, Feeding)
        ):
            return
        told = [one.slice for one in self.polling.followed.values() if one.has_versions]
        if told:
            self._held = HeldFeed(source, [wanted(self.sync, one) for one in told])

    async def _close_feed(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            await held.close()

    async def _by_feed(self) -> None:
        """Follow the feed until it ends; where there is none, or it is lost, polling goes on."""
        log = self.sync.context.log
        if self._held is None:
            return
        try:
            await self._tail(self._held.feed())
        except NoFeedError as error:
            self._feed_again_at, self.following.reason = float("inf"), str(error)
            log.info("follow.without_log", reason=str(error))
        except SourceUnavailableError as error:
            self._feed_again_at = self.monotonic() + self._feed_pause_seconds
            self._feed_pause_seconds = min(2 * self._feed_pause_seconds, LONGEST_FEED_PAUSE_SECONDS)
            self.following.reason = str(error)
            log.warning("follow.log_lost", reason=str(error))
        finally:
            self.following.way = Way.POLLING
            await self._close_feed()

    async def _tail(self, feed: Feed) -> None:
        """Look at everything once, then take in what the feed tells."""
        tailing = Tailing(sync=self.sync, feed=feed, followed=self.polling.followed, applier=self.applier)
        await self._look(list(self.polling.followed.values()), everything=True)
        self.following.way = Way.LOG
        self.following.reason = " ".join(f"{name}: {why}" for name, why in list(feed.silent.items())[:SHOWN])
        self.sync.context.log.info("follow.log_opened", silent=len(feed.silent))
        while not self.following.is_asked:
            moment = await feed.moment(self._pause_seconds)
            age = 0.0 if moment.committed is None else max(0.0, time.time() - moment.committed)
            self.following.behind_since(self.monotonic() - age if moment.changes else None)
            if not await tailing.settle(moment):
                self.following.ask_to_end(CHANGES_UNKNOWN)
                return
            untold = tailing.untold
            if untold:
                await self._look(untold)
            self.following.behind_since(min((one.seen_at for one in untold), default=None))
            self._feed_pause_seconds = FIRST_FEED_PAUSE_SECONDS
            await self._look_around()
            await self._save_if_due()

    async def _look(self, followed: Sequence[FollowedSlice], *, everything: bool = False) -> None:
        asked_at = self.monotonic()
        state = await self.sync.request.source.state()
        for one in followed:
            if one.is_still(state):
                one.seen_at = asked_at
        now_due = followed if everything else due(followed, self._pause_seconds, asked_at)
        if to_look_at := [one for one in now_due if not one.is_still(state)]:
            if not await self.polling.look(to_look_at):
                self.following.ask_to_end(CHANGES_UNKNOWN)
                return
            for one in to_look_at:
                one.state, one.seen_at, one.looked_until = state, asked_at, self.monotonic()

    async def _look_around(self) -> None:
        """End the job if tables or pipelines changed, which only another job can take into account."""
        if self.monotonic() - self._looked_around_at < SURROUNDINGS_SECONDS:
            return
        if await self._ends_for_other_slices():
            return
        self._looked_around_at = self.monotonic()
        if await seed_now(self.sync.request, self.sync.context) != self.sync.prepared.seed:
            self.following.ask_to_end(NEW_PIPELINE)

    async def _ends_for_other_slices(self) -> bool:
        """Ask the job to end if tables were added or removed; say whether it was asked."""
        request = self.sync.request
        slices = await request.source.slices(request.advanced_rules, self.sync.prepared.seed)
        if {one.name for one in slices} == self.polling.followed.keys():
            return False
        self.following.ask_to_end(NEW_SLICES)
        return True

    async def _save_if_due(self) -> None:
        """Store the cursor: as soon as nothing is written for a turn, and every few seconds before that."""
        now, written = self.monotonic(), self.sync.context.stats.written
        is_calm, self._written_before = written == self._written_before, written
        has_written = written != self._written and (is_calm or now - self._saved_at >= SAVING_SECONDS)
        if has_written or now - self._saved_at >= MARKING_SECONDS:
            await self._save()
        rest = self.catching_up_seconds / SHARE
        if self._is_doubted and now - self._started_at >= rest:
            # Not at once: another job compares everything, which is not to take more than its share.
            self.following.ask_to_end(WRITTEN_BY_OTHERS)

    async def _save(self) -> None:
        """Store the cursor, if there is a new one and the index is what we made it."""
        self._saved_at = self.monotonic()
        ended = await indices.shard_states(self.sync.context.client, self.sync.prepared.index)
        if not is_ours_alone(self.sync, ended):
            if not self._is_doubted:
                self.sync.context.log.warning("follow.index_doubted", reason=WRITTEN_BY_OTHERS)
            self._is_doubted, self._written = True, self.sync.context.stats.written
            self.polling.recent.forget()
            return
        checkpoints, written = self._sound_checkpoints(), self.sync.context.stats.written
        if checkpoints and (checkpoints, written) != (self._saved, self._written):
            self._take(checkpoints)
            await self.following.store(await self.sync.cursor(ended).to_wire())
        self._saved, self._written = checkpoints, written

    async def _end(self) -> Cursor | None:
        if self.following.is_urgent:
            await self._save()
            return None
        self._take(self._sound_checkpoints())
        return await conclude(self.sync)

    def _sound_checkpoints(self) -> dict[str, Checkpoint]:
        return {
            name: one.checkpoint
            for name, one in self.polling.followed.items()
            if one.checkpoint is not None and one.is_sound
        }

    def _take(self, checkpoints: dict[str, Checkpoint]) -> None:
        self.sync.checkpoints.clear()
        self.sync.checkpoints.update(checkpoints)

"""Group commit: many writers share one append, one fold and one checkpoint.

Two stages, each a thread of its own, so that one batch is appended while the batch
before it is folded and published:

    submit ─→ queue ─→ append a batch ─→ queue ─→ fold past it, publish ─→ answer all

What waits is bounded (`application.submissions`), and so is how far the log runs ahead of the
fold. A record whose append is in doubt is settled by folding to where the log ends. An answer
is given only after the checkpoint was published.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from application.protocol import Settled
from application.submissions import Answer, Submission, WaitingRoom
from application.waiting import left_s
from domain.errors import Unavailable
from ledger.rule import NO_STREAM, Fate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ledger.fold import Folder
    from ledger.rule import Head
    from ledger.store import Accepted, Cursor, Folded

BATCH_MAX: Final = 1_000
BATCH_BYTES_MAX: Final = 8 << 20
LOOKING_MAX: Final = 4
"""Threads that look up at once; the pool of connections to the database holds eight."""


class NotPublished(Unavailable):
    """What was folded is not published in time, for what is published before it takes long."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "the ledger's checkpoint is not published yet, for its database or its disk is slow; "
            "nothing is lost: give the same command again in a moment, and you get the true answer"
        )


@dataclass(frozen=True, slots=True)
class _Appended:
    submissions: list[Submission]
    offsets: list[int | None]


class Committer:
    """Appends, folds and publishes for every writer of this process.

    `publish` makes the published checkpoint cover what was folded up to a cursor. Failures of a
    batch (an outage, a log that is not ours) go to each of its writers. `ensure` is called
    before anything is appended or folded, and raises where the log is known not to be ours.
    """

    def __init__(
        self,
        folder: Folder,
        publish: Callable[[Cursor], None],
        ensure: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the folder, which knows log and store, how to publish, and what must hold."""
        self._folder = folder
        self._publish = publish
        self._ensure = ensure
        self._waiting = WaitingRoom()
        self._appended: queue.Queue[_Appended | None] = queue.Queue(2)
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()
        self._publishing = threading.Lock()
        self._looking = _lookers()

    def submit(
        self, record: bytes, command: bytes, expects: tuple[tuple[bytes, int], ...]
    ) -> Answer:
        """Send a record once; the future is what the fold then says of its command.

        Whoever does not wait for it any more cancels it, so that it is not appended for nobody.
        Raises `LedgerBusy`.
        """
        self._start()
        answer: Answer = Future()
        self._waiting.put(
            Submission(record=record, command=command, expects=expects, answer=answer)
        )
        return answer

    def publish(self) -> None:
        """Make the published checkpoint cover all that was folded before this call.

        Raises `NotPublished` where the sender's request is due before.
        """
        self._publish_at(self._folder.store.cursor())

    def _publish_at(self, cursor: Cursor) -> None:
        if not self._publishing.acquire(timeout=left_s(threading.TIMEOUT_MAX)):
            raise NotPublished
        try:
            self._publish(cursor)
        finally:
            self._publishing.release()

    def close(self) -> None:
        """Let what was submitted come to its answer, then stop."""
        self._looking.shutdown(wait=False, cancel_futures=True)
        self._looking = _lookers()
        if not self._threads:
            return
        self._waiting.close()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _start(self) -> None:
        with self._starting:
            if not self._threads:
                self._threads = [
                    threading.Thread(target=self._append_all, name="append", daemon=True),
                    threading.Thread(target=self._settle_all, name="settle", daemon=True),
                ]
                for thread in self._threads:
                    thread.start()

    def _append_all(self) -> None:
        while (batch := self._waiting.take(BATCH_MAX, BATCH_BYTES_MAX)) is not None:
            try:
                self._ensure()
                offsets = list(self._folder.log.append([one.record for one in batch]))
            except Exception as error:  # noqa: BLE001 (the thread must live, and each writer learn of it)
                _fail(batch, error)
            else:
                self._appended.put(_Appended(batch, offsets))
        self._appended.put(None)

    def _settle_all(self) -> None:
        while (appended := self._appended.get()) is not None:
            try:
                self._settle(appended)
            except Exception as error:  # noqa: BLE001 (whatever it is, each writer must learn of it)
                _fail(appended.submissions, error)

    def _settle(self, appended: _Appended) -> None:
        self._ensure()
        accepted = self._fold_past(appended)
        store = self._folder.store
        others = [one for one in appended.submissions if one.command not in accepted]
        fates = store.fates({one.command for one in others})
        heads = store.heads({stream for one in others for stream, _ in one.expects})
        for one, offset in zip(appended.submissions, appended.offsets, strict=True):
            place = accepted.get(one.command)
            if place is not None:
                settled = Settled(Fate.ACCEPTED, moved=False, accepted=place, offset=offset)
            else:
                moved = has_moved(one.expects, heads)
                settled = Settled(fates.get(one.command), moved, offset=offset)
            one.answer.set_result(settled)

    def _fold_past(self, appended: _Appended) -> Mapping[bytes, Accepted]:
        """Fold past all that was appended and publish it; return the accepted of its commands.

        What this call itself committed is known from that; the rest is looked up.
        """
        store, wanted = self._folder.store, {one.command for one in appended.submissions}
        accepted: dict[bytes, Accepted] = {}

        def note(folded: Folded) -> None:
            accepted.update((one.command, one) for one in folded.accepted if one.command in wanted)

        offsets = [offset for offset in appended.offsets if offset is not None]
        last = max(offsets, default=-1)
        if len(offsets) < len(appended.offsets):
            last = max(last, self._folder.log.end() - 1)
        self._publish_at(self._folder.fold_through(last, note))
        return {**accepted, **store.accepted_of(wanted - accepted.keys())}

    def catch_up(self) -> None:
        """Fold and publish what lies in the log of whichever writer, also of one that died."""
        self._fold_to_the_end()
        self.publish()

    def _fold_to_the_end(self) -> None:
        self._ensure()
        self._folder.fold_through(self._folder.log.end() - 1)

    def look_up(self, command: bytes) -> Future[Fate | None]:
        """Have looked up what became of a command; see `fate`.

        To be waited for as long as the sender has time: what is folded for it on the way may take
        the database long, and then few wait for that and the others behind them. Whatever it
        waits for ends when the sender's request is due.
        """
        return self._looking.submit(copy_context().run, self.fate, command)

    def fate(self, command: bytes) -> Fate | None:
        """Return what became of a command so far, having folded to where the log ends."""
        self._fold_to_the_end()
        return self._folder.store.fates([command]).get(command)

    def accepted(self, command: bytes) -> Accepted | None:
        """Return the accepted commit of a command."""
        return self._folder.store.accepted(command)


def _lookers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(LOOKING_MAX, "look up")


def _fail(submissions: list[Submission], error: Exception) -> None:
    """Tell each writer of a batch what went wrong; what became of its record is open."""
    for submission in submissions:
        if not submission.answer.done():
            submission.answer.set_exception(error)


def has_moved(expects: tuple[tuple[bytes, int], ...], heads: Mapping[bytes, Head]) -> bool:
    """Whether a stream is not where a decision saw it, or has ended."""
    return any(heads.get(stream, NO_STREAM) != (version, False) for stream, version in expects)

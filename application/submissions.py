"""The records that wait to be appended: bounded, and without those that nobody waits for any more.

While the database is slow, appends wait for the fold and writers for appends. Whoever gives up
after its time and sends again leaves a record behind each time: so a record whose writer is
gone is never appended, and past a bound nobody is let in. Then memory does not grow with the
outage, and the log does not fill with what was given up.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from application.protocol import Settled
from domain.errors import Unavailable

Answer = Future[Settled]
"""What the fold says of one record, for the one writer who waits for it; it may be cancelled."""

WAITING_MAX: Final = 10_000
WAITING_BYTES_MAX: Final = 32 << 20
"""What waits at most, however many writers there are: four batches."""


class LedgerBusy(Unavailable):
    """So much waits to be written, or to be folded, that no more is taken."""

    def __init__(self) -> None:
        """Take nothing."""
        super().__init__(
            "the ledger does not keep up, for its database or its log is slow; nothing of this was "
            "sent now: give the same command again, with the same id, in a moment, and see why it "
            "is slow"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A record on its way, and the future its answer goes to."""

    record: bytes
    command: bytes
    expects: tuple[tuple[bytes, int], ...]
    answer: Answer


class WaitingRoom:
    """Submissions in the order they came, from many threads to one."""

    def __init__(self) -> None:
        """Begin empty and open."""
        self._waiting: deque[Submission] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()

    def put(self, submission: Submission) -> None:
        """Let a submission wait; raise `LedgerBusy` where there is no room."""
        with self._changed:
            if not self._has_room(submission):
                self._forget_given_up()
                if not self._has_room(submission):
                    raise LedgerBusy
            self._waiting.append(submission)
            self._bytes += len(submission.record)
            self._changed.notify()

    def take(self, count_max: int, bytes_max: int) -> list[Submission] | None:
        """Wait for one at least, and take those that wait; None when closed and empty."""
        batch: list[Submission] = []
        size = 0
        with self._changed:
            while not batch:
                while not self._waiting:
                    if self._closed:
                        self._closed = False
                        return None
                    self._changed.wait()
                while self._waiting and len(batch) < count_max and size < bytes_max:
                    one = self._waiting.popleft()
                    self._bytes -= len(one.record)
                    if one.answer.set_running_or_notify_cancel():
                        batch.append(one)
                        size += len(one.record)
        return batch

    def close(self) -> None:
        """Let whoever takes end once nothing waits any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _has_room(self, submission: Submission) -> bool:
        """Whether it fits; one alone always does."""
        fits = self._bytes + len(submission.record) <= WAITING_BYTES_MAX
        return not self._waiting or (fits and len(self._waiting) < WAITING_MAX)

    def _forget_given_up(self) -> None:
        self._waiting = deque(one for one in self._waiting if not one.answer.cancelled())
        self._bytes = sum(len(one.record) for one in self._waiting)

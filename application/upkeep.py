"""What must happen every day without anybody asking.

Each duty looks before it acts and may be done by any process at any time, or twice: what
it writes are derived commands, or changes that are the same when made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from application.answering import carry_out_validated
from application.consenting import expire_consent
from application.inbox import drain
from application.notifying import see_to_notices
from application.parking import drop_expired
from application.past import carry_out_requested
from application.reactions import (
    start_what_was_granted,
    stop_what_ended,
    write_letters,
)
from application.residents import settle_reservations
from application.retention import keep_to_periods
from domain.errors import Corrupt, Refused, Unavailable
from domain.values import civil_day

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from application.reactions import Cursors
    from application.services import Services

AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round of upkeep found to do, in numbers."""

    kept: int
    letters: int
    starts: int
    endings: int
    expired: int
    erased: int
    notices: int
    filed: int
    parked_dropped: int
    past_destroyed: int
    epoch_ended: bool

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do."""
        found = (self.kept, self.starts, self.endings, self.expired, self.erased, self.filed)
        others = (self.letters, self.notices, self.parked_dropped, self.past_destroyed)
        return not (any(found) or any(others))


def look_after(
    services: Services, cursors: Cursors, failed: dict[UUID, datetime] | None = None
) -> Round:
    """Do every duty once, in the order of `Round`; the epoch ends once a day.

    `failed` is when which erasure could not be completed, or which notice was not taken, for
    whoever goes round and round. A duty in which something does not answer, or is broken, holds up
    no other: its `Unavailable` or `Corrupt` is raised when all had their turn. At once where the
    log cannot be folded.
    """
    failed = {} if failed is None else failed
    duties = _Duties()
    services.ledger.committer.catch_up()
    kept = duties.do(lambda: drain(services))
    duties.do(services.shown.catch_up)
    duties.do(lambda: settle_reservations(services))
    daily = _is_new_day(services)
    done = Round(
        kept=kept,
        letters=duties.do(lambda: write_letters(services, cursors)),
        starts=duties.do(lambda: start_what_was_granted(services, cursors)),
        endings=duties.do(lambda: stop_what_ended(services, cursors)),
        expired=duties.do(lambda: expire_lapsed(services)),
        erased=duties.do(lambda: carry_out_validated(services, failed))
        + duties.do(lambda: carry_out_requested(services, failed)),
        notices=duties.do(lambda: see_to_notices(services, failed)),
        filed=duties.do(services.shown.compact),
        parked_dropped=duties.do(lambda: drop_expired(services)),
        past_destroyed=duties.do(lambda: keep_to_periods(services, daily=daily)),
        epoch_ended=bool(_end_the_day(services, duties)) or daily,
    )
    duties.close()
    return done


def _end_the_day(services: Services, duties: _Duties) -> int:
    """End the day's epoch, unless what is done once a day has just failed: then the day goes on."""
    if duties.failed:
        return duties.do(services.keys.finish_epoch)
    return duties.do(lambda: end_epoch_daily(services))


class _Duties:
    """Does each duty whatever became of the others, and raises what failed in the end.

    One thing, and what is broken before what does not answer: the one waits for a person, the
    other passes.
    """

    def __init__(self) -> None:
        self.failed = False
        self._failures: list[Unavailable | Corrupt] = []

    def do(self, duty: Callable[[], int | None]) -> int:
        try:
            done = duty()
        except (Unavailable, Corrupt) as error:
            self._failures.append(error)
            self.failed = True
            return 0
        self.failed = False
        return done or 0

    def close(self) -> None:
        broken = [one for one in self._failures if isinstance(one, Corrupt)]
        for failure in broken or self._failures:
            raise failure


def expire_lapsed(services: Services, limit: int = AT_ONCE) -> int:
    """Record the expiry of consents whose last day has passed; return of how many.

    A consent covers nothing from that midnight on, recorded or not: this frees the meter for
    a new act and stops the collections. One that was extended or ended since is passed over.
    """
    expired = 0
    for consent in services.shown.store.lapsed(civil_day(services.clock()), limit):
        try:
            expire_consent(services, consent)
        except Refused:
            continue
        expired += 1
    return expired


def end_epoch_daily(services: Services) -> bool:
    """End the key store's epoch when it began on an earlier day; say whether one was ended.

    From then on every older copy of the store, wherever it lies, opens nothing. An end that was
    cut short (a kill, a keeper that did not answer) is finished on any day.
    """
    if not _is_new_day(services):
        return services.keys.finish_epoch()
    services.keys.end_epoch(services.clock())
    return True


def _is_new_day(services: Services) -> bool:
    return civil_day(services.keys.epoch().since) < civil_day(services.clock())

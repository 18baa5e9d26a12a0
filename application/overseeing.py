"""What an administrator oversees: how all collections go, and what operators' files came to.

Nothing here names a person: meters by their random ids, operators, days, and numbers. What is
read is how collections stand, never what was measured.

Counting opens every account's page, which takes a metropolis minutes. So a portal's process counts
beside its answers, one count at a time, and shows the last one with its instant; where that
found something to be watched, it is looked at anew for each answer, and nowhere else.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from application.arrivals import State, alarms
from application.freshness import Batch, Freshness, freshness

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from application.arrivals import Alarm, Arrivals
    from application.freshness import MeterFreshness
    from application.services import Services

COUNTED_EVERY: Final = timedelta(minutes=15)
LOOKED_BACK: Final = timedelta(days=60)
"""Since when files are told, and searched for what is missing."""

SHOWN_AT_ONCE: Final = 50
LOOKED_AT_ONCE: Final = 500
"""Accounts that one answer looks through for collections that do not go well."""

_State = TypeVar("_State", Freshness, State)

_FIRST: Final = UUID(int=0)
_WELL: Final = frozenset({Freshness.FRESH, Freshness.AWAITED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many collections go how, by operator, as counted at an instant.

    `watched` are the accounts, in order, after which a batch begins that has something to be
    watched.
    """

    counted_at: datetime
    watched: Sequence[UUID]
    by_operator: Mapping[str, Mapping[Freshness, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """How many files became what, by operator, and what is wrong with them."""

    by_operator: Mapping[str, Mapping[State, int]]
    alarms: tuple[Alarm, ...]


@dataclass(slots=True, kw_only=True)
class Overseer:
    """Looks over a ledger; `unopened` are the reasons for parking that mean: no key fits."""

    services: Services
    arrivals: Arrivals
    unopened: frozenset[str]
    totals: Totals | None = None
    _counting: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def is_due(self) -> bool:
        """Whether the totals are missing or old."""
        latest = self.totals
        return latest is None or self.services.clock() - latest.counted_at > COUNTED_EVERY

    def count(self) -> None:
        """Count all collections, unless somebody is counting or has just counted."""
        if not self._counting.acquire(blocking=False):
            return
        try:
            if self.is_due:
                self.totals = count(self.services)
        finally:
            self._counting.release()

    def collections(self, *, after: UUID | None, well_too: bool) -> Batch:
        """Return some collections after an account's: those that do not go well, or all.

        An answer may be empty and be followed by others: it looks through so many accounts.
        """
        if well_too:
            return freshness(self.services, after=after, accounts=SHOWN_AT_ONCE)
        found: list[MeterFreshness] = []
        watched = self.totals.watched if self.totals else None
        start = after or (_FIRST if watched is None else next(iter(watched), None))
        for _ in range(LOOKED_AT_ONCE // SHOWN_AT_ONCE):
            if start is None or len(found) >= SHOWN_AT_ONCE:
                break
            batch = freshness(self.services, after=start, accounts=SHOWN_AT_ONCE)
            found += to_be_watched(batch)
            start = batch.following if watched is None else _next(watched, start)
        return Batch(collections=tuple(found), following=start)

    def files(self) -> Files:
        """Return what operators' files of the last weeks came to."""
        now = self.services.clock()
        arrived = self.arrivals.since(now - LOOKED_BACK)
        return Files(
            by_operator=_sorted_out((one.operator, one.state) for one in arrived),
            alarms=alarms(arrived, now, self.unopened),
        )


def count(services: Services) -> Totals:
    """Count how all collections go, and note where there is something to be watched."""
    counted: Counter[tuple[str, Freshness]] = Counter()
    watched: list[UUID] = []
    start: UUID | None = _FIRST
    while start is not None:
        batch = freshness(services, after=start, accounts=SHOWN_AT_ONCE)
        counted.update((one.operator, one.state) for one in batch.collections)
        if to_be_watched(batch):
            watched.append(start)
        start = batch.following
    by_operator = _sorted_out(counted.elements())
    return Totals(counted_at=services.clock(), watched=watched, by_operator=by_operator)


def to_be_watched(batch: Batch) -> Sequence[MeterFreshness]:
    """Return those collections of a batch that do not go well."""
    return [one for one in batch.collections if one.state not in _WELL]


def _next(watched: Sequence[UUID], start: UUID) -> UUID | None:
    """Return the first that comes after one, None at the end."""
    later = bisect_right(watched, start)
    return watched[later] if later < len(watched) else None


def _sorted_out(pairs: Iterable[tuple[str, _State]]) -> Mapping[str, Mapping[_State, int]]:
    found: dict[str, Counter[_State]] = defaultdict(Counter)
    for operator, state in pairs:
        found[operator][state] += 1
    return dict(sorted(found.items()))

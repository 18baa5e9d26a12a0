"""How fresh the data under a consent is: the last day that is known, and what is late.

An operator's index of a day comes two days after it (Enedis SGE); a day that is not here on
the third day is late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from application import viewing
from domain.values import civil_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.services import Services
    from application.views import Access
    from domain.aggregates.consumption import DayConsumption

EXPECTED_AFTER_DAYS: Final = 2
_LOOKED_BACK_DAYS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The last day of which anything is known, its energy in Wh where it is a day's own.

    `late_days` counts the days that should be here by now and are not; `last_day` is None
    where nothing was ever received.
    """

    last_day: date | None
    energy_wh: int | None = None
    late_days: int = 0


def fresh_from(today: date) -> date:
    """Return the first day that is not late when it is not here yet."""
    return today - timedelta(days=EXPECTED_AFTER_DAYS)


def last_due(today: date) -> date:
    """Return the last day that should be here by now."""
    return fresh_from(today) - timedelta(days=1)


def freshness(services: Services, access: Access) -> Freshness:
    """Return how fresh the data that may be read is, now."""
    today = civil_day(services.clock())
    for start in (looked_back_to(today), date.min):
        pieces = viewing.consumption(services, access, start, today - timedelta(days=1))
        found = freshness_of(pieces, today)
        if found.last_day is not None:
            return found
    return Freshness(last_day=None)


def looked_back_to(today: date) -> date:
    """Return the first day of the span in which the last known one usually lies."""
    return today - timedelta(days=_LOOKED_BACK_DAYS)


def freshness_of(pieces: Sequence[DayConsumption], today: date) -> Freshness:
    """Return how fresh these days up to yesterday are."""
    known = [one for one in pieces if one.energy_wh is not None or one.held is not None]
    if not known:
        return Freshness(last_day=None)
    last = known[-1]
    return Freshness(
        last_day=last.last_day,
        energy_wh=last.energy_wh if last.first_day == last.last_day else None,
        late_days=max(0, (last_due(today) - last.last_day).days),
    )

"""Days whose readings were destroyed, told apart from days that were never measured.

A civil year of a consent is one key. Where it was destroyed, its days are no gap that may
still heal: they are said to be removed, those that follow each other as one. Only the years of
gaps are asked for, and of a consent that lives only those that are over: this year's key goes
with the consent, and the page of a year always has days that are not here yet.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from domain.aggregates.consumption import DayConsumption, HeldBack
from domain.values import civil_day
from keys.names import KeyName, Purpose

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator, Sequence

    from application.services import Services
    from application.views import Access


def tell_removed(
    services: Services, access: Access, pieces: Sequence[DayConsumption]
) -> tuple[DayConsumption, ...]:
    """Return what was consumed, the gaps of destroyed years held back as removed."""
    gaps = {one.first_day.year for one in pieces if _is_gap(one)}
    removed = removed_years(services, access, gaps)
    return tuple(_joined(pieces, removed)) if removed else tuple(pieces)


def removed_years(services: Services, access: Access, years: Collection[int]) -> set[int | None]:
    """Return which of these civil years of a consent were destroyed."""
    owner, this_year = access.granted.account, civil_day(services.clock()).year
    names = {
        KeyName(owner=owner, purpose=Purpose.READINGS, consent=access.consent, year=year)
        for year in years
        if year < this_year or access.ended
    }
    return {name.year for name in services.keys.destroyed(names)} if names else set()


def _joined(
    pieces: Sequence[DayConsumption], removed: Container[int | None]
) -> Iterator[DayConsumption]:
    """Yield the pieces; days of one destroyed year that follow each other are one, held back."""
    for (_, gone), some in groupby(pieces, lambda one: _sort(one, removed)):
        days = list(some)
        if gone:
            yield DayConsumption(
                first_day=days[0].first_day,
                last_day=days[-1].last_day,
                energy_wh=None,
                held=HeldBack.REMOVED,
            )
        else:
            yield from days


def _sort(piece: DayConsumption, removed: Container[int | None]) -> tuple[int | None, bool]:
    year = piece.first_day.year
    return (year, True) if _is_gap(piece) and year in removed else (None, False)


def _is_gap(piece: DayConsumption) -> bool:
    return piece.energy_wh is None and piece.held is None

"""The short road through packed indexes says what the domain says, of any history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from domain.aggregates.consumption import consumption
from domain.aggregates.reading import fold
from domain.events.reading import IndexReceived, Reading, Register
from domain.values import Direction, midnight
from keys.key import Key, new_id
from projections.consumption import by_day, daily
from projections.entries import Entry, month_of
from projections.figures import Figures, figures_of, open_figures, seal_figures
from schemas.packing import pack
from schemas.registry import KIND_OF
from tests.domain.readings import curve, gas_day, peak

if TYPE_CHECKING:
    from uuid import UUID

FIRST = date(2024, 3, 25)
"""The night of 31 March has 23 hours."""

CONSENT = new_id()
KEY = Key(new_id(), bytes(32))

SHAPES = (
    (("total", None, "T"),),
    (("distributor", "DI000003", "HC"), ("distributor", "DI000003", "HP")),
    (("distributor", "DI000002", "HC"), ("distributor", "DI000002", "HP")),
    (("supplier", "FC000165", "BASE"), ("distributor", "INCONNU", "HP")),
    (("supplier", "FC000165", "BASE"), ("supplier", "FC000166", "BASE"), ("total", None, "T")),
    (("distributor", None, "HP"),),
)


@st.composite
def indexes(draw: st.DrawFn) -> IndexReceived:
    """Mostly one shape with rising values at midnight; sometimes anything else."""
    common = draw(st.integers(0, 9)) > 2
    day = draw(st.integers(0, 14))
    shape = SHAPES[1] if common else draw(st.sampled_from(SHAPES))
    odd = st.sampled_from([None, 0, 5, 999_999_000, 10**12])
    at = midnight(FIRST + timedelta(days=day))
    return IndexReceived(
        number="01234567890123",
        at=at if common else at + draw(st.sampled_from([0, 3_600, 60])) * timedelta(seconds=1),
        direction=Direction.CONSUMPTION if common else draw(st.sampled_from(Direction)),
        device=None if common else draw(st.sampled_from([None, "A", "B"])),
        quality="raw",
        reference=draw(st.sampled_from([None, "M02SXIXD"])),
        registers=tuple(
            Register(
                grid=grid,
                calendar=calendar,
                slot=slot,
                rank=rank,
                value_wh=1_000 * day + rank if common else draw(odd),
                plausibility=0 if common else draw(st.sampled_from([None, 0, 1])),
            )
            for rank, (grid, calendar, slot) in enumerate(shape, 1)
        ),
    )


OTHERS = st.sampled_from(
    [gas_day(FIRST, 5), peak(FIRST, 3_000, "VA"), curve(FIRST), gas_day(date(2024, 3, 30), None)]
)


def entries_of(readings: list[Reading]) -> list[Entry]:
    return [
        Entry(order // 3, order % 3, 1_700_000_000, KIND_OF[type(reading)], pack(reading))
        for order, reading in enumerate(readings)
    ]


@given(
    st.lists(indexes(), max_size=30),
    st.lists(OTHERS, max_size=2),
    st.integers(-2, 16),
    st.integers(0, 16),
)
def test_both_roads_give_the_same_days(
    indexes: list[Reading], others: list[Reading], start: int, length: int
) -> None:
    entries = entries_of([*indexes, *others])
    first = FIRST + timedelta(days=start)
    last = first + timedelta(days=length)
    expected = consumption(fold(entry.taken for entry in entries), first, last)
    assert by_day(entries, first, last) == expected
    assert daily(Months(entries, []), CONSENT, first, last) == expected  # type: ignore[arg-type]  # stand-ins


@dataclass
class Months:
    """What `daily` asks of a projector: figures of some months and the nearest beside, or all.

    Each month's figures are sealed and opened again, as they are when they are filed.
    """

    held: list[Entry]
    loose: list[Entry]
    asked: int = 0

    def entries(self, _consent: UUID) -> list[Entry]:
        self.asked += 1
        return self.held + self.loose

    def figures_around(self, consent: UUID, first: date, last: date) -> dict[date, Figures] | None:
        self.asked += 1
        months = sorted({month_of(one) for one in self.held})
        before, after = ([m for m in months if m < first], [m for m in months if m > last])
        read = {*before[-1:], *(m for m in months if first <= m <= last), *after[:1]}
        known = [one for one in self.held if month_of(one) in read] + self.loose
        figures = {}
        for month in sorted({month_of(one) for one in known}):
            entries = sorted(one for one in known if month_of(one) == month)
            opened = sealed_and_opened(consent, month, entries)
            if opened is None:
                return None
            figures[month] = opened
        return figures


def sealed_and_opened(consent: UUID, month: date, entries: list[Entry]) -> Figures | None:
    sealed = seal_figures(consent, month, KEY, figures_of(entries))
    return open_figures(consent, month, KEY, sealed)


def total(day: date, value: int, direction: Direction = Direction.CONSUMPTION) -> IndexReceived:
    register = Register(
        grid="total", calendar=None, slot="T", rank=None, value_wh=value, plausibility=None
    )
    return IndexReceived(
        number="01234567890123",
        at=midnight(day),
        direction=direction,
        device=None,
        quality="raw",
        reference=None,
        registers=(register,),
    )


@given(
    st.lists(
        st.tuples(
            st.dates(date(2024, 1, 1), date(2024, 9, 30)),
            st.sampled_from(Direction),
            st.booleans(),
        ),
        max_size=12,
    ),
    st.dates(date(2023, 12, 1), date(2024, 10, 31)),
    st.integers(0, 70),
)
def test_what_is_read_of_the_months_is_enough_for_any_days(
    known: list[tuple[date, Direction, bool]], first: date, length: int
) -> None:
    readings: list[Reading] = [
        total(day, (day - FIRST).days * 1_000, direction) for day, direction, _ in known
    ]
    entries = entries_of(readings)
    held = [entry for entry, (_, _, loose) in zip(entries, known, strict=True) if not loose]
    loose = [entry for entry, (_, _, loose) in zip(entries, known, strict=True) if loose]
    last = first + timedelta(days=length)
    expected = consumption(fold(entry.taken for entry in entries), first, last)
    assert daily(Months(held, loose), CONSENT, first, last) == expected  # type: ignore[arg-type]  # stand-ins


def test_days_beyond_which_nothing_lies_are_read_once() -> None:
    held = entries_of([total(date(2024, 5, 1) + timedelta(days=n), 1_000 * n) for n in range(60)])
    months = Months(held, [])
    days = daily(months, CONSENT, date(2024, 4, 1), date(2024, 7, 31))  # type: ignore[arg-type]  # stand-ins
    assert sum(day.energy_wh or 0 for day in days) == 59_000
    assert months.asked == 1


def test_a_gap_longer_than_a_month_is_one_piece_whatever_was_asked() -> None:
    held = entries_of([total(date(2024, 1, 5), 100), total(date(2024, 6, 5), 700)])
    (piece,) = daily(Months(held, []), CONSENT, date(2024, 4, 1), date(2024, 4, 30))  # type: ignore[arg-type]  # stand-ins
    assert (piece.first_day, piece.last_day) == (date(2024, 1, 5), date(2024, 6, 4))
    assert piece.energy_wh == 600


def test_an_instant_before_1970_is_nothing_for_the_short_road_and_still_right() -> None:
    early = datetime(1969, 12, 30, 23, tzinfo=UTC)
    readings: list[Reading] = [
        IndexReceived(
            number="01234567890123",
            at=early + timedelta(days=day),
            direction=Direction.CONSUMPTION,
            device=None,
            quality="raw",
            reference=None,
            registers=(
                Register(
                    grid="total", calendar=None, slot="T", rank=1, value_wh=day, plausibility=0
                ),
            ),
        )
        for day in range(4)
    ]
    entries = entries_of(readings)
    days = (date(1969, 12, 31), date(1970, 1, 1))
    assert by_day(entries, *days) == consumption(fold(e.taken for e in entries), *days)

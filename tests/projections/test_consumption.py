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
from domain.policies.coverage import measured_from
from domain.values import Direction, midnight
from projections.consumption import by_day, daily
from projections.entries import Entry
from schemas.packing import pack
from schemas.registry import KIND_OF
from tests.domain.readings import curve, gas_day, peak

if TYPE_CHECKING:
    from uuid import UUID

FIRST = date(2024, 3, 25)
"""The night of 31 March has 23 hours."""

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


def first_instant(entry: Entry) -> datetime:
    return measured_from(entry.reading)


@dataclass
class Months:
    """What `daily` asks of a projector: some months, or all."""

    held: list[Entry]
    asked: int = 0

    def entries(
        self, _consent: UUID, first: date | None = None, last: date | None = None
    ) -> list[Entry]:
        self.asked += 1
        if first is None or last is None:
            return self.held
        end = (last.replace(day=28) + timedelta(days=4)).replace(day=1)
        span = midnight(first), midnight(end)
        return [one for one in self.held if span[0] <= first_instant(one) < span[1]]


def test_a_gap_longer_than_a_month_is_one_piece_whatever_was_asked() -> None:
    def at(day: date, value: int) -> IndexReceived:
        register = Register(
            grid="total", calendar=None, slot="T", rank=None, value_wh=value, plausibility=None
        )
        return IndexReceived(
            number="01234567890123",
            at=midnight(day),
            direction=Direction.CONSUMPTION,
            device=None,
            quality="raw",
            reference=None,
            registers=(register,),
        )

    held = entries_of([at(date(2024, 1, 5), 100), at(date(2024, 6, 5), 700)])
    (piece,) = daily(Months(held), None, date(2024, 4, 1), date(2024, 4, 30))  # type: ignore[arg-type]  # stand-ins
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

"""Hand-made readings of one point, and the series they fold to."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from domain.aggregates.consumption import consumption
from domain.aggregates.reading import Series, Taken, fold
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    Reading,
    Register,
    Run,
)
from domain.values import PARIS, Direction, midnight, next_day

NUMBER = "01234567890123"
RECEIVED_AT = datetime(2024, 5, 14, 10, tzinfo=UTC)


def register(
    value_wh: int | None,
    *,
    grid: str = "distributor",
    calendar: str | None = "DI000001",
    slot: str = "BASE",
    plausibility: int | None = None,
) -> Register:
    return Register(
        grid=grid,
        calendar=calendar,
        slot=slot,
        rank=1,
        value_wh=value_wh,
        plausibility=plausibility,
    )


def total(value_wh: int) -> Register:
    return register(value_wh, grid="total", calendar=None, slot="T")


def supplier(value_wh: int, calendar: str = "FC000165") -> Register:
    return register(value_wh, grid="supplier", calendar=calendar)


def index(day: date, *registers: Register, device: str | None = None) -> IndexReceived:
    """The registers at the midnight that begins a day."""
    return IndexReceived(
        number=NUMBER,
        at=midnight(day),
        direction=Direction.CONSUMPTION,
        device=device,
        quality="raw",
        reference=None,
        registers=registers,
    )


def gas(start: datetime, end: datetime, energy_wh: int | None) -> IntervalReceived:
    return IntervalReceived(
        number=NUMBER,
        start=start,
        end=end,
        direction=Direction.CONSUMPTION,
        device=None,
        quality="Mesuré",
        status="Provisoire",
        energy_wh=energy_wh,
        volume_dm3=1000,
        coefficient="11.16",
        index_start_dm3=None,
        index_end_dm3=None,
    )


def gas_day(day: date, energy_wh: int | None) -> IntervalReceived:
    """From 06:00 to 06:00 of legal time."""
    start = datetime.combine(day, time(6), PARIS).astimezone(UTC)
    end = datetime.combine(next_day(day), time(6), PARIS).astimezone(UTC)
    return gas(start, end, energy_wh)


def curve(day: date, *runs: Run) -> LoadCurveDayReceived:
    return LoadCurveDayReceived(
        number=NUMBER,
        day=day,
        direction=Direction.CONSUMPTION,
        device=None,
        quality="raw",
        reference=None,
        runs=runs,
    )


def peak(day: date, power: int, unit: str) -> MaximumPowerReceived:
    return MaximumPowerReceived(
        number=NUMBER,
        day=day,
        at=None,
        direction=Direction.CONSUMPTION,
        device=None,
        quality="raw",
        reference=None,
        power=power,
        unit=unit,
    )


def delivered(order: int, *readings: Reading) -> list[Taken]:
    """The readings of one delivery, at its place in the ledger."""
    return [
        Taken(
            order=(order, position),
            delivery=UUID(int=order),
            received_at=RECEIVED_AT + timedelta(days=order),
            reading=reading,
        )
        for position, reading in enumerate(readings)
    ]


def series(*deliveries: list[Taken]) -> Series:
    return fold(taken for delivery in deliveries for taken in delivery)


def told(known: Series, first_day: date, last_day: date) -> list[tuple[int, object]]:
    """The pieces between two days as (how many days, energy or why none)."""
    return [
        ((piece.last_day - piece.first_day).days + 1, piece.held or piece.energy_wh)
        for piece in consumption(known, first_day, last_day)
    ]

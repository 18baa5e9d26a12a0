"""What is held of a person as tables: every member of every reading has its column."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from application.tables import READINGS, _cells
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    Reading,
    Register,
    Run,
)
from domain.values import Direction
from metroledger.personal_data import REGISTRY
from metroledger.personal_data.entry import Place
from tests.domain.samples import sample

AT = datetime(2026, 3, 28, 23, tzinfo=UTC)
KINDS: tuple[type[Reading], ...] = (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
)


def test_every_member_of_a_reading_that_is_registered_as_personal_is_a_column() -> None:
    topics = {kind.TOPIC for kind in KINDS}
    registered = {
        name.rpartition(".")[2]
        for entry in REGISTRY
        if entry.place is Place.SEALED and entry.holder in topics
        for name in entry.fields
    }
    assert len(registered) > 20
    of_what = {"consent", "category", "fluid", "meter_number", "received_at", "kind"}
    assert set(READINGS) - of_what == registered


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_reading_says_anything_that_is_in_no_column(kind: type[Reading]) -> None:
    rows = list(_cells(sample(kind)))
    assert rows
    for row in rows:
        assert set(row) <= set(READINGS)


def curve(*runs: Run) -> LoadCurveDayReceived:
    return LoadCurveDayReceived(
        number="09111642617347",
        day=date(2026, 3, 29),
        direction=Direction.CONSUMPTION,
        device=None,
        quality="BRUT",
        reference=None,
        runs=runs,
    )


def test_a_load_curve_is_a_row_each_step_and_a_step_without_a_value_is_none_not_zero() -> None:
    runs = (
        Run(start=AT, step_s=1800, power_w=(0, None, 730)),
        Run(start=AT + timedelta(hours=2), step_s=600, power_w=(12,)),
    )
    told = [(row["start"], row["step_s"], row["power_w"]) for row in _cells(curve(*runs))]
    assert told == [
        (AT, 1800, 0),
        (AT + timedelta(minutes=30), 1800, None),
        (AT + timedelta(minutes=60), 1800, 730),
        (AT + timedelta(hours=2), 600, 12),
    ]


def test_a_reading_without_a_part_is_one_row_all_the_same() -> None:
    (row,) = _cells(curve())
    assert (row["day"], row.get("power_w")) == (date(2026, 3, 29), None)


def test_an_index_is_a_row_each_register() -> None:
    registers = tuple(
        Register(grid="supplier", calendar="1", slot=slot, rank=n, value_wh=value, plausibility=0)
        for n, (slot, value) in enumerate((("HP", 1000), ("HC", None)))
    )
    index = IndexReceived(
        number="09111642617347",
        at=AT,
        direction=Direction.CONSUMPTION,
        device="031",
        quality="BRUT",
        reference="r",
        registers=registers,
    )
    told = [(row["at"], row["slot"], row["rank"], row["value_wh"]) for row in _cells(index)]
    assert told == [(AT, "HP", 0, 1000), (AT, "HC", 1, None)]

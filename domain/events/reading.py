"""What a meter said, as the operator sent it: one event is one point and one row.

The consent a reading was taken in under is in its 65-byte leaf, the source and
the instant of receipt are its delivery's. Instants are normalised at the edge:
an index dated at the end of day D and one dated at the start of D+1 are equal.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

import msgspec

from domain.events.base import Event, KeyPurpose
from domain.values import Direction


class Register(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One register of a meter at an instant.

    `grid` is "distributor", "supplier" or "total"; `calendar` and `slot` are the
    operator's ids of the calendar and of its time class ("HPH"), as sent; `rank` is
    the register's number there. `value_wh` is None when the operator sent none.
    `plausibility` is the operator's own flag, as sent (0 plausible, 1 not).
    """

    grid: str
    calendar: str | None
    slot: str
    rank: int | None
    value_wh: int | None
    plausibility: int | None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive mean powers of one step: `start`, `step_s` seconds, one value a step.

    Values in W; None where the operator sent the step without a value.
    """

    start: datetime
    step_s: int
    power_w: tuple[int | None, ...]


class IndexReceived(Event, frozen=True, kw_only=True):
    """All registers of a point at one instant. Values in Wh."""

    TOPIC: ClassVar[str] = "IndexReceived.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "reading": ("number", "at", "direction", "device", "quality", "reference", "registers")
    }
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.READINGS

    number: str
    at: datetime
    direction: Direction
    device: str | None
    quality: str
    reference: str | None
    registers: tuple[Register, ...]


class IntervalReceived(Event, frozen=True, kw_only=True):
    """All quantities of a point over one interval (a gas day: 06:00 to 06:00 legal time).

    `energy_wh` in Wh, `volume_dm3` in dm³, `index_start_dm3` and `index_end_dm3` in
    dm³; `coefficient` in kWh/m³ as sent, a decimal text. All are kept because
    operators round each on its own: none can be recomputed from the others.
    """

    TOPIC: ClassVar[str] = "IntervalReceived.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "reading": (
            "number",
            "start",
            "end",
            "direction",
            "device",
            "quality",
            "status",
            "energy_wh",
            "volume_dm3",
            "coefficient",
            "index_start_dm3",
            "index_end_dm3",
        )
    }
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.READINGS

    number: str
    start: datetime
    end: datetime
    direction: Direction
    device: str | None
    quality: str
    status: str | None
    energy_wh: int | None
    volume_dm3: int | None
    coefficient: str | None
    index_start_dm3: int | None
    index_end_dm3: int | None


class LoadCurveDayReceived(Event, frozen=True, kw_only=True):
    """One civil day of a load curve, as runs of equal steps. Mean powers in W."""

    TOPIC: ClassVar[str] = "LoadCurveDayReceived.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "reading": ("number", "day", "direction", "device", "quality", "reference", "runs")
    }
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.READINGS

    number: str
    day: date
    direction: Direction
    device: str | None
    quality: str
    reference: str | None
    runs: tuple[Run, ...]


class MaximumPowerReceived(Event, frozen=True, kw_only=True):
    """The highest power of one civil day, with its instant where the operator sent it.

    `unit` is "VA" or "W", as sent: they are not the same quantity.
    """

    TOPIC: ClassVar[str] = "MaximumPowerReceived.v1"
    GROUPS: ClassVar[dict[str, tuple[str, ...]]] = {
        "reading": (
            "number",
            "day",
            "at",
            "direction",
            "device",
            "quality",
            "reference",
            "power",
            "unit",
        )
    }
    KEY: ClassVar[KeyPurpose | None] = KeyPurpose.READINGS

    number: str
    day: date
    at: datetime | None
    direction: Direction
    device: str | None
    quality: str
    reference: str | None
    power: int
    unit: str


Reading = IndexReceived | IntervalReceived | LoadCurveDayReceived | MaximumPowerReceived
"""Any of the four shapes."""

"""Meters that do not exist, and what they would have measured: integers from a seed.

Everything is a closed formula of (seed, meter, day), so that a test can say what
an index is without asking who wrote it, and a simulator restarted on any day says
what it said before. A day is of 23 to 25 hours here as elsewhere; it makes no
difference to a daily consumption.

The shape of a year is a triangle, high in January and low in July. For day number
n from the epoch, P(n) the sum of the shape over the days before n, s the meter's
scale in thousandths and j(n) a jitter smaller than any day's consumption::

    index(n) = first + ⌊ s · P(n) / 1000 ⌋ + j(n)

which rises every day, for j(n+1) - j(n) > -JITTER ≥ -(the least of a day).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import blake2b
from itertools import accumulate
from typing import Final

EPOCH: Final = date(2020, 1, 1)
YEAR: Final = 365
JITTER_WH: Final = 2_000
NUMBER_DIGITS: Final = 14
_LEAST_WH, _SWING_WH = 6_000, 24_000

DISTRIBUTOR: Final = {
    1: ("DI000001", "Sans différenciation temporelle", ("BASE",)),
    2: ("DI000002", "Heures pleines et creuses", ("HC", "HP")),
    4: ("DI000003", "Heures pleines et creuses, deux saisons", ("HCB", "HPB", "HCH", "HPH")),
}
"""The distributor's calendars by their count of classes: id, label, classes by rank."""
_SUPPLIER_SLOTS: Final = {
    1: ("BASE",),
    2: ("HC", "HP"),
    6: ("BUHC", "BUHP", "BCHC", "BCHP", "RHC", "RHP"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedMeter:
    """A point: its number, how many classes each grid has, and the operator's reference."""

    number: str
    distributor: int
    supplier: int
    reference: str
    known_calendar: bool = True
    """False: the supplier's calendar is sent as "INCONNU"."""


def town(seed: int, count: int) -> tuple[SimulatedMeter, ...]:
    """Return `count` meters of a place: all numbers begin with zeros and exist nowhere."""
    return tuple(_meter(seed, at) for at in range(count))


def supplier_calendar(meter: SimulatedMeter) -> tuple[str, str, tuple[str, ...]]:
    """Return a meter's supplier calendar: id, label, classes by rank."""
    count = meter.supplier
    if not meter.known_calendar:
        return "INCONNU", "INCONNU", ("INCONNU",) * count
    slots = _SUPPLIER_SLOTS.get(count) or tuple(f"P{n}" for n in range(1, count + 1))
    label = "Base" if count == 1 else f"Option à {count} classes"
    return f"FC{164 + count:06}", label, slots


def index_wh(seed: int, number: str, day: date) -> int:
    """Return a meter's total index at the start of a day, in Wh."""
    n = (day - EPOCH).days
    scale = 400 + chance(seed, number, "scale") % 1_200
    first = chance(seed, number, "first") % 10_000_000
    jitter = chance(seed, number, f"jitter {n}") % JITTER_WH
    return first + scale * _shape_before(n) // 1_000 + jitter


def registers_wh(total: int, count: int) -> tuple[int, ...]:
    """Split a total over `count` registers, later ones larger; they add up to it."""
    weights = list(accumulate(range(1, count + 1)))
    shares = [total * weight // weights[-1] for weight in weights]
    return tuple(high - low for low, high in zip([0, *shares], shares, strict=False))


def power_va(seed: int, number: str, day: date) -> int:
    """Return the highest power of a day, in VA."""
    return 1_000 + chance(seed, number, f"power {day}") % 8_000


def power_second(seed: int, number: str, day: date) -> int:
    """Return in which second of a day, from 04:00 to 23:00, the highest power was met."""
    return 4 * 3_600 + chance(seed, number, f"second {day}") % (19 * 3_600)


def chance(seed: int, *parts: str) -> int:
    """Return 64 bits that only the seed and the parts decide."""
    text = "\0".join((str(seed), *parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest())


def _meter(seed: int, at: int) -> SimulatedMeter:
    drawn, place = chance(seed, str(at), "meter"), f"{at:05}"
    return SimulatedMeter(
        number=f"{drawn % 10**7:0{NUMBER_DIGITS - len(place)}}{place}",
        distributor=(1, 2, 4)[drawn // 7 % 3],
        supplier=1 + drawn // 11 % 10,
        reference=f"M{drawn // 13 % 36**4:07X}",
        known_calendar=drawn // 17 % 100 != 0,
    )


@cache
def _shape() -> tuple[int, ...]:
    """Return P(0) … P(YEAR)."""
    half = YEAR // 2
    days = (_LEAST_WH + _SWING_WH * abs(n - half) // half for n in range(YEAR))
    return tuple(accumulate(days, initial=0))


def _shape_before(n: int) -> int:
    years, rest = divmod(n, YEAR)
    return years * _shape()[YEAR] + _shape()[rest]

"""What a file of Enedis says, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from domain.events.reading import (
    IndexReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
)

if TYPE_CHECKING:
    from adapters.dso.enedis.names import Name

R151: Final = "R151"
"""Daily indexes and maximum powers of up to 3,000 points, by subscription."""
HDM: Final = "HDM"
"""The history of one point, on demand."""
EARLIEST: Final = date(2010, 1, 1)
"""No communicating meter measured before: an earlier day is a mistake, or an attack."""
LATEST: Final = date(2100, 1, 1)
"""The first day that is out of all reason on the other side."""

SgeReading = IndexReceived | LoadCurveDayReceived | MaximumPowerReceived
"""The shapes of a reading that come through SGE."""


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One reading of the file: its place, counted from 0, and what it says of which point.

    The place counts every reading of the file, whatever becomes of it later, so
    that a file cut by place is always cut alike.
    """

    position: int
    number: str
    reading: SgeReading


@dataclass(frozen=True, slots=True, kw_only=True)
class R151Header:
    """Who sent an R151 file, to whom and under what; `power_unit` is "VA" or "W"."""

    schema: str
    sender: str
    recipient: str
    created_at: datetime
    contract: str
    subscription: str
    power_unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricBlock:
    """One block of a historic file: `kind` and `unit` as sent, days as asked for, both included."""

    number: str
    kind: str
    first_day: date
    last_day: date
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricHeader:
    """The blocks of a historic file, in its order."""

    blocks: tuple[HistoricBlock, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much a file holds, and what of it is no reading.

    `blank` counts days or instants sent without a value, `repeated` the rows that
    say again what an earlier one said of the same instant.
    """

    points: int
    blank: int
    repeated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document, read to its end and found valid."""

    flow: str
    header: R151Header | HistoricHeader
    rows: tuple[Row, ...] = field(repr=False)
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class EnedisFile:
    """A file: its document, what its name says (None: no known grammar), the key that opened it."""

    name: Name | None
    key: str | None
    document: Document

"""What a file of Enedis says, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Final, Protocol

from typing_extensions import override

from domain.events.reading import (
    IndexReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
)
from ledger.forms import form_of

if TYPE_CHECKING:
    from adapters.dso.enedis.names import Name
    from ledger.forms import Form

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


class Said(Protocol):
    """What stands for a reading until somebody asks for it: it can be taken in without."""

    @property
    def reading(self) -> SgeReading:
        """The reading."""

    @property
    def form(self) -> Form:
        """What it is taken in by."""


class Row:
    """One reading of the file: its place, counted from 0, and what it says of which point.

    The place counts every reading of the file, whatever becomes of it later, so
    that a file cut by place is always cut alike.
    """

    __slots__ = ("_said", "number", "position")

    def __init__(self, *, position: int, number: str, said: SgeReading | Said) -> None:
        """Take the place, the point's number, and the reading or what stands for it."""
        self.position = position
        self.number = number
        self._said = said

    @property
    def reading(self) -> SgeReading:
        """What the file says."""
        said = self._said
        return said if isinstance(said, SgeReading) else said.reading

    @property
    def form(self) -> Form:
        """What the reading is taken in by."""
        said = self._said
        return form_of(said) if isinstance(said, SgeReading) else said.form

    def at(self, position: int) -> Row:
        """Return the same at another place."""
        return Row(position=position, number=self.number, said=self._said)

    @override
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Row):
            return NotImplemented
        return (self.position, self.number, self.reading, self.form) == (
            other.position,
            other.number,
            other.reading,
            other.form,
        )

    __hash__ = None  # type: ignore[assignment]  # compared in tests, never a key


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

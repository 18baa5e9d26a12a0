"""The historic CSV: what one point measured, up to three years back, on demand.

UTF-8 with a byte order mark, fields between semicolons, no quotes, and one block
after another, each of them::

    Identifiant PRM;Type de donnees;Date de debut;Date de fin;…;Unite[;Pas en minutes]
    <the block's values>
    Horodate;<columns>
    <rows>
    [Periode;<columns>            for indexes only: which calendar held when]
    [<rows>]

Kinds read here: "Index", "Puissance maximale quotidienne" and, in `curve`,
"Courbe de charge". Theory of the parts that are not what they seem:

* **An index is dated at the start of its day**, where R151 dates it at the end.
* **Winter midnights are written 23 hours late**: a row that means the start of D says
  `D T00:00:00+02:00` in summer, but `D T23:00:00+01:00` in winter. The *date part* is
  the day, and the rest only has to be one of the forms that are known. Read so, real
  files agree with R151, with the load curve and with the operator's own totals; read
  literally they agree with nothing. At the end of March the defect leaves a day out
  (it stays absent: nothing is invented), at the end of October it writes one twice (equal
  rows are one reading; rows that differ are two, for a rule to choose from).
* **A row without values** is a day not measured: counted, and no reading.
* **The calendars stand at the end**, as half-open periods of the same labels. They turn
  columns into classes, "EAS D1" into the slot BASE of DI000001, rank 1, so that a register
  is the same here and in R151. A column that has no class there keeps its name ("D2").
* Other kinds of row than the daily "Arrêté quotidien" have no known convention: the
  file is refused, for a guess would shift consumption by a day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from adapters.dso.enedis import cells, curve
from adapters.dso.enedis.file import (
    HDM,
    Counts,
    Document,
    HistoricBlock,
    HistoricHeader,
    Row,
)
from adapters.dso.refusal import Code
from domain.events.reading import IndexReceived, MaximumPowerReceived, Register
from domain.values import Direction, civil_day, midnight

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from adapters.dso.enedis.file import SgeReading

LARGEST_BYTES: Final = 8_000_000
"""Three years of a curve of ten minutes, the longest there is, are five million bytes."""
LARGEST_LINES: Final = 200_000
LONGEST_LINE: Final = 8_192
MOST_PERIODS: Final = 100
HEADINGS: Final = 3
"""Lines of a block before its rows."""
START: Final = "Identifiant PRM;"
"""How a block begins."""

_HEADER: Final = [
    "Identifiant PRM",
    "Type de donnees",
    "Date de debut",
    "Date de fin",
    "Grandeur physique",
    "Grandeur metier",
    "Etape metier",
    "Unite",
]
_INDEX, _POWER, _CURVE = "Index", "Puissance maximale quotidienne", "Courbe de charge"
_UNITS: Final = {_INDEX: ("", "Wh"), _POWER: ("W", "VA"), _CURVE: ("W",)}
_DIRECTIONS: Final = {
    "Consommation": Direction.CONSUMPTION,
    "Production": Direction.PRODUCTION,
}
_QUALITIES: Final = {"Comptage Brut": "raw"}
_DAILY: Final = "Arrêté quotidien"
_GRIDS: Final = {"F": "supplier", "D": "distributor", "T": "total"}

_POINT: Final = re.compile(r"[0-9]{14}", re.ASCII)
_COLUMN: Final = re.compile(r"EA[SI] (F10|F[1-9]|D[1-4]|T)", re.ASCII)
_PERIOD: Final = re.compile(r"Du (\S{25}) au ?(\S{25})?")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f\x22]")


@dataclass(frozen=True, slots=True)
class _Line:
    at: int
    text: str

    @property
    def fields(self) -> list[str]:
        return self.text.split(";")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    head: HistoricBlock
    direction: Direction
    quality: str
    step_s: int | None
    columns: list[str]
    rows: Sequence[_Line]
    calendars: Sequence[_Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calendar:
    """Which calendars hold on the days from `first` until before `until`."""

    first: date
    until: date | None
    ids: dict[str, str]
    slots: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Read:
    """What a block gave: its readings and how many rows were none."""

    readings: list[SgeReading]
    blank: int = 0
    repeated: int = 0


def parse(chunks: Iterable[bytes]) -> Document:
    """Read a historic CSV to its end; raise `cells.HistoricRefused`."""
    blocks = [_block(lines) for lines in _sections(_lines(chunks))]
    results = [_READERS[block.head.kind](block) for block in blocks]
    readings = [reading for result in results for reading in result.readings]
    return Document(
        flow=HDM,
        header=HistoricHeader(blocks=tuple(block.head for block in blocks)),
        rows=tuple(
            Row(position=at, number=reading.number, said=reading)
            for at, reading in enumerate(readings)
        ),
        counts=Counts(
            points=len({block.head.number for block in blocks}),
            blank=sum(result.blank for result in results),
            repeated=sum(result.repeated for result in results),
        ),
    )


def _lines(chunks: Iterable[bytes]) -> list[_Line]:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > LARGEST_BYTES or content.count(b"\n") > LARGEST_LINES:
            raise cells.HistoricRefused(Code.TOO_LARGE, "longer than any history of a point")
    if not content:
        raise cells.HistoricRefused(Code.EMPTY, "the document has no bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise cells.HistoricRefused(Code.ENCODING, "the document is not in UTF-8") from None
    if found := _CONTROL.search(text):
        cells.refuse("a quote or a control character", text.count("\n", 0, found.start()) + 1)
    lines = [_Line(at, line.rstrip("\r")) for at, line in enumerate(text.split("\n"), 1)]
    if long := next((line.at for line in lines if len(line.text) > LONGEST_LINE), 0):
        cells.refuse("longer than any line of a history", long)
    return [line for line in lines if line.text]


def _sections(lines: list[_Line]) -> Iterator[list[_Line]]:
    starts = [at for at, line in enumerate(lines) if line.text.startswith(START)]
    if not starts or starts[0] != 0:
        raise cells.HistoricRefused(Code.SCHEMA, "the document does not begin as a history does")
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield lines[start:end]


def _block(lines: list[_Line]) -> _Block:
    at = lines[0].at
    if len(lines) < HEADINGS or lines[0].fields[:8] != _HEADER:
        cells.refuse("a block's headings are missing or others", at)
    values = lines[1].fields
    if len(values) != len(lines[0].fields):
        cells.refuse("a block's values are more or fewer than its headings", at + 1)
    number, kind, first, last, _, direction, quality, unit = values[:8]
    if kind not in _READERS:
        cells.refuse("a kind of data that is not known", at + 1)
    if unit not in _UNITS[kind]:
        raise cells.HistoricRefused(Code.UNIT, "a unit that this kind does not have", at + 1)
    if direction not in _DIRECTIONS or not _POINT.fullmatch(number):
        cells.refuse("a direction or a point number out of its form", at + 1)
    body = lines[HEADINGS:]
    split = next((i for i, line in enumerate(body) if line.text.startswith("Periode;")), len(body))
    return _Block(
        head=HistoricBlock(
            number=number,
            kind=kind,
            first_day=cells.french_day(first, at + 1),
            last_day=cells.french_day(last, at + 1),
            unit=unit,
        ),
        direction=_DIRECTIONS[direction],
        quality=_QUALITIES.get(quality) or cells.word(quality, at + 1),
        step_s=_step(values[8:], at + 1),
        columns=lines[2].fields,
        rows=body[:split],
        calendars=body[split:],
    )


def _index(block: _Block) -> _Read:
    names = [_column(name, block.rows) for name in block.columns[2:]]
    if block.columns[:2] != ["Horodate", "Type de releve"] or len(set(names)) != len(names):
        cells.refuse(
            "the columns of an index are others", block.rows[0].at - 1 if block.rows else 0
        )
    if len(block.calendars) > MOST_PERIODS:
        cells.refuse("more periods of calendars than a meter can have", block.calendars[0].at)
    calendars = [_calendar(block.calendars[0], line) for line in block.calendars[1:]]
    known: set[IndexReceived] = set()
    read = _Read([])
    for line in block.rows:
        stamp, kind, *fields = line.fields
        if kind != _DAILY or len(fields) != len(names):
            cells.refuse("a row of an unknown kind or length", line.at)
        day = cells.label(stamp, line.at)
        values = {
            name: cells.value(cell, line.at)
            for name, cell in zip(names, fields, strict=True)
            if cell
        }
        if not values:
            read = replace(read, blank=read.blank + 1)
            continue
        reading = IndexReceived(
            number=block.head.number,
            at=midnight(day),
            direction=block.direction,
            device=None,
            quality=block.quality,
            reference=None,
            registers=_registers(values, _holding(calendars, day)),
        )
        if reading in known:
            read = replace(read, repeated=read.repeated + 1)
            continue
        known.add(reading)
        read.readings.append(reading)
    return read


def _registers(values: dict[str, int], calendar: _Calendar | None) -> tuple[Register, ...]:
    """Return the registers, distributor first and the total last, as R151 orders the two grids."""
    ordered = sorted(values, key=lambda name: ("DFT".index(name[0]), int(name[1:] or 0)))
    return tuple(
        Register(
            grid=_GRIDS[name[0]],
            calendar=calendar.ids.get(name[0]) if calendar else None,
            slot=calendar.slots.get(name, name) if calendar else name,
            rank=int(name[1:]) if name[1:] else None,
            value_wh=values[name],
            plausibility=None,
        )
        for name in ordered
    )


def _calendar(headings: _Line, line: _Line) -> _Calendar:
    said = dict(zip(headings.fields, line.fields, strict=False))
    period = _PERIOD.fullmatch(said.get("Periode", ""))
    if period is None or len(headings.fields) != len(line.fields):
        cells.refuse("a period of calendars out of its form", line.at)
    ids, slots = {}, {}
    for letter, word, count in (("F", "", 10), ("D", " distributeur", 4)):
        calendar = said.get(f"Identifiant calendrier {word.strip() or 'fournisseur'}", "")
        if calendar:
            ids[letter] = cells.word(calendar, line.at)
        for n in range(1, count + 1):
            slot = said.get(f"Identifiant classe temporelle{word} {n}", "")
            column = said.get(f"Cadran classe temporelle{word} {n}", "")
            if slot:
                slots[_column(column, [line])] = cells.word(slot, line.at)
    return _Calendar(
        first=cells.boundary(period[1], line.at),
        until=cells.boundary(period[2], line.at) if period[2] else None,
        ids=ids,
        slots=slots,
    )


def _holding(calendars: list[_Calendar], day: date) -> _Calendar | None:
    for calendar in calendars:
        if calendar.first <= day and (calendar.until is None or day < calendar.until):
            return calendar
    return None


def _power(block: _Block) -> _Read:
    read = _Read([])
    for at, value in _pairs(block):
        if value is None:
            read = replace(read, blank=read.blank + 1)
            continue
        reading = MaximumPowerReceived(
            number=block.head.number,
            day=civil_day(at),
            at=at,
            direction=block.direction,
            device=None,
            quality=block.quality,
            reference=None,
            power=value,
            unit=block.head.unit,
        )
        if read.readings and read.readings[-1] == reading:
            read = replace(read, repeated=read.repeated + 1)
            continue
        read.readings.append(reading)
    return read


def _curve(block: _Block) -> _Read:
    points = list(_pairs(block))
    try:
        days = curve.days(points, step_s=block.step_s)
    except curve.IrregularCurve as irregular:
        cells.refuse(irregular.detail, block.rows[irregular.at].at if block.rows else 0)
    return _Read(
        [
            curve.reading(
                day, runs, point=block.head.number, direction=block.direction, quality=block.quality
            )
            for day, runs in days
        ],
        blank=sum(value is None for _, value in points),
    )


_READERS: Final = {_INDEX: _index, _POWER: _power, _CURVE: _curve}


def _pairs(block: _Block) -> Iterator[tuple[datetime, int | None]]:
    if block.columns != ["Horodate", "Valeur"] or block.calendars:
        cells.refuse("the columns are others", block.rows[0].at - 1 if block.rows else 0)
    for line in block.rows:
        stamp, *fields = line.fields
        if len(fields) != 1:
            cells.refuse("a row of an unknown length", line.at)
        yield cells.instant(stamp, line.at), cells.value(fields[0], line.at) if fields[0] else None


def _column(text: str, lines: Sequence[_Line]) -> str:
    match = _COLUMN.fullmatch(text)
    if match is None:
        cells.refuse("a column that is no register", lines[0].at if lines else 0)
    return match[1]


def _step(fields: list[str], at: int) -> int | None:
    if not fields or not fields[0]:
        return None
    return cells.value(fields[0], at) * 60

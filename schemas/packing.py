"""Pack a reading's payload before it is sealed: a third of the bytes of its JSON.

The commitment stays over the canonical JSON, so packing is nobody's business but
ours; still its bytes are kept for ever. `unpack(kind, pack(reading))` is the reading,
for every valid value.

::

    version u8 = 1, then by kind
    index     number ‖ at ‖ direction ‖ device ‖ quality ‖ reference ‖ shape ‖ values
    interval  number ‖ start ‖ end ‖ direction ‖ device ‖ quality ‖ status ‖ coefficient
              ‖ energy ‖ volume ‖ first index ‖ last index
    curve     number ‖ day ‖ direction ‖ device ‖ quality ‖ reference ‖ runs
    power     number ‖ day ‖ instant or none ‖ direction ‖ device ‖ quality ‖ reference
              ‖ unit ‖ power

The *shape* of an index is all of its registers but their values: the same for every
meter with the same calendars, so it is written once and remembered.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.errors import Malformed
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    Register,
    Run,
)
from domain.values import Direction
from schemas.packed import DIRECTIONS, PackedBroken, Reader, Writer
from schemas.registry import reading_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.events.reading import Reading

VERSION: Final = 1
_SHAPES_REMEMBERED: Final = 4_096
_WIDTHS: Final = {4: "I", 8: "q"}
_U32: Final = 1 << 32

_GRIDS: Final = ("distributor", "supplier", "total")
_GRID_INLINE: Final = 3
_SAME_CALENDAR: Final = 1 << 2
_NO_VALUE: Final = 1 << 3
_PLAUSIBILITY: Final = 4
_RANK_NONE: Final = 1 << 6
_RANK_NEXT: Final = 1 << 7
_PLAUSIBILITIES: Final = (None, 0, 1)
_PLAUSIBILITY_INLINE: Final = 3


class Unpackable(Malformed):
    """A reading holds a number that no meter sends."""

    def __init__(self) -> None:
        """Take nothing: the number is personal."""
        super().__init__(
            "a reading holds a number outside 64 bits or an instant that is not in UTC; the file "
            "it came in is not what its format says"
        )


class _Face(NamedTuple):
    """A register without its value; `valued` is whether it has one."""

    grid: str
    calendar: str | None
    slot: str
    rank: int | None
    plausibility: int | None
    valued: bool


def pack(reading: Reading) -> bytes:
    """Return a reading's packed bytes."""
    writer = Writer()
    writer.byte(VERSION)
    writer.number(reading.number)
    try:
        match reading:
            case IndexReceived():
                _pack_index(writer, reading)
            case IntervalReceived():
                _pack_interval(writer, reading)
            case LoadCurveDayReceived():
                _pack_curve(writer, reading)
            case MaximumPowerReceived():
                _pack_power(writer, reading)
    except (struct.error, OverflowError) as error:
        raise Unpackable from error
    return writer.finish()


def unpack(kind: int, packed: bytes) -> Reading:
    """Return the reading of a kind; raise `PackedBroken` unless every byte is accounted for."""
    reader = Reader(packed)
    shape = reading_type(kind)
    try:
        if reader.byte() != VERSION:
            raise PackedBroken
        number = reader.number()
        reading = _UNPACK[shape](reader, number)
    except (IndexError, ValueError, OverflowError, struct.error) as error:
        raise PackedBroken from error
    reader.finish()
    return reading


def _pack_index(writer: Writer, reading: IndexReceived) -> None:
    writer.instant(reading.at)
    writer.byte(DIRECTIONS.index(reading.direction))
    writer.text(reading.device)
    writer.text(reading.quality)
    writer.text(reading.reference)
    registers = reading.registers
    writer.blob(_encode_shape(tuple(map(_face, registers))))
    values = [one.value_wh for one in registers if one.value_wh is not None]
    fits = not values or (min(values) >= 0 and max(values) < _U32)
    width = 4 if fits else 8
    writer.byte(width)
    writer.raw(struct.pack(f">{len(values)}{_WIDTHS[width]}", *values))


def _face(register: Register) -> _Face:
    return _Face(
        register.grid,
        register.calendar,
        register.slot,
        register.rank,
        register.plausibility,
        register.value_wh is not None,
    )


@lru_cache(maxsize=_SHAPES_REMEMBERED)
def _encode_shape(faces: tuple[_Face, ...]) -> bytes:
    writer = Writer()
    calendar, rank = None, 0
    for place, face in enumerate(faces):
        same = place > 0 and face.calendar == calendar
        flags = _flags(face, same_calendar=same, rank_before=rank)
        writer.byte(flags)
        if flags & 3 == _GRID_INLINE:
            writer.text(face.grid)
        if not same:
            writer.text(face.calendar)
        writer.text(face.slot)
        if face.rank is not None and not flags & _RANK_NEXT:
            writer.integer(face.rank)
        if flags >> _PLAUSIBILITY & 3 == _PLAUSIBILITY_INLINE and face.plausibility is not None:
            writer.integer(face.plausibility)
        calendar, rank = face.calendar, face.rank or 0
    return writer.finish()


def _flags(face: _Face, *, same_calendar: bool, rank_before: int) -> int:
    flags = _GRIDS.index(face.grid) if face.grid in _GRIDS else _GRID_INLINE
    flags |= _SAME_CALENDAR if same_calendar else 0
    flags |= 0 if face.valued else _NO_VALUE
    known = face.plausibility in _PLAUSIBILITIES
    code = _PLAUSIBILITIES.index(face.plausibility) if known else _PLAUSIBILITY_INLINE
    flags |= code << _PLAUSIBILITY
    if face.rank is None:
        return flags | _RANK_NONE
    return flags | (_RANK_NEXT if face.rank == rank_before + 1 else 0)


@lru_cache(maxsize=_SHAPES_REMEMBERED)
def _decode_shape(shape: bytes) -> tuple[_Face, ...]:
    reader = Reader(shape)
    faces: list[_Face] = []
    calendar, rank_before = None, 0
    while not reader.at_end():
        flags = reader.byte()
        grid = flags & 3
        name = reader.some_text() if grid == _GRID_INLINE else _GRIDS[grid]
        calendar = calendar if flags & _SAME_CALENDAR else reader.text()
        slot = reader.some_text()
        rank = _decode_rank(reader, flags, rank_before)
        code = flags >> _PLAUSIBILITY & 3
        known = code != _PLAUSIBILITY_INLINE
        plausibility = _PLAUSIBILITIES[code] if known else reader.integer()
        faces.append(_Face(name, calendar, slot, rank, plausibility, not flags & _NO_VALUE))
        rank_before = rank or 0
    return tuple(faces)


def _decode_rank(reader: Reader, flags: int, before: int) -> int | None:
    if flags & _RANK_NONE:
        return None
    return before + 1 if flags & _RANK_NEXT else reader.integer()


def _unpack_index(reader: Reader, number: str) -> IndexReceived:
    at, direction = reader.instant(), Direction(DIRECTIONS[reader.byte()])
    device, quality, reference = reader.text(), reader.some_text(), reader.text()
    faces = _decode_shape(reader.blob())
    code = _WIDTHS.get(reader.byte())
    if code is None:
        raise PackedBroken
    valued = sum(face.valued for face in faces)
    values = iter(reader.unpack(f">{valued}{code}"))
    return IndexReceived(
        number=number,
        at=at,
        direction=direction,
        device=device,
        quality=quality,
        reference=reference,
        registers=tuple(
            Register(
                grid=grid,
                calendar=calendar,
                slot=slot,
                rank=rank,
                value_wh=next(values) if has_value else None,
                plausibility=plausibility,
            )
            for grid, calendar, slot, rank, plausibility, has_value in faces
        ),
    )


def _pack_interval(writer: Writer, reading: IntervalReceived) -> None:
    writer.instant(reading.start)
    writer.instant(reading.end)
    writer.byte(DIRECTIONS.index(reading.direction))
    for text in (reading.device, reading.quality, reading.status, reading.coefficient):
        writer.text(text)
    for value in (
        reading.energy_wh,
        reading.volume_dm3,
        reading.index_start_dm3,
        reading.index_end_dm3,
    ):
        writer.optional_integer(value)


def _unpack_interval(reader: Reader, number: str) -> IntervalReceived:
    start, end = reader.instant(), reader.instant()
    direction = Direction(DIRECTIONS[reader.byte()])
    device, quality, status, coefficient = (
        reader.text(),
        reader.some_text(),
        reader.text(),
        reader.text(),
    )
    energy, volume, first, last = (reader.optional_integer() for _ in range(4))
    return IntervalReceived(
        number=number,
        start=start,
        end=end,
        direction=direction,
        device=device,
        quality=quality,
        status=status,
        energy_wh=energy,
        volume_dm3=volume,
        coefficient=coefficient,
        index_start_dm3=first,
        index_end_dm3=last,
    )


def _pack_curve(writer: Writer, reading: LoadCurveDayReceived) -> None:
    writer.day(reading.day)
    writer.byte(DIRECTIONS.index(reading.direction))
    for text in (reading.device, reading.quality, reading.reference):
        writer.text(text)
    writer.size(len(reading.runs))
    for run in reading.runs:
        writer.instant(run.start)
        writer.integer(run.step_s)
        writer.powers(run.power_w)


def _unpack_curve(reader: Reader, number: str) -> LoadCurveDayReceived:
    day, direction = reader.day(), Direction(DIRECTIONS[reader.byte()])
    device, quality, reference = reader.text(), reader.some_text(), reader.text()
    runs = tuple(
        Run(start=reader.instant(), step_s=reader.integer(), power_w=reader.powers())
        for _ in range(reader.size())
    )
    return LoadCurveDayReceived(
        number=number,
        day=day,
        direction=direction,
        device=device,
        quality=quality,
        reference=reference,
        runs=runs,
    )


def _pack_power(writer: Writer, reading: MaximumPowerReceived) -> None:
    writer.day(reading.day)
    writer.optional_instant(reading.at)
    writer.byte(DIRECTIONS.index(reading.direction))
    for text in (reading.device, reading.quality, reading.reference, reading.unit):
        writer.text(text)
    writer.integer(reading.power)


def _unpack_power(reader: Reader, number: str) -> MaximumPowerReceived:
    day, at = reader.day(), reader.optional_instant()
    direction = Direction(DIRECTIONS[reader.byte()])
    device, quality, reference = reader.text(), reader.some_text(), reader.text()
    unit, power = reader.some_text(), reader.integer()
    return MaximumPowerReceived(
        number=number,
        day=day,
        at=at,
        direction=direction,
        device=device,
        quality=quality,
        reference=reference,
        power=power,
        unit=unit,
    )


_UNPACK: Final[dict[type[Reading], Callable[[Reader, str], Reading]]] = {
    IndexReceived: _unpack_index,
    IntervalReceived: _unpack_interval,
    LoadCurveDayReceived: _unpack_curve,
    MaximumPowerReceived: _unpack_power,
}

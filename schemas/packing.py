"""Pack a reading's payload before it is sealed: a quarter of the bytes of its JSON.

The commitment stays over the canonical JSON, so packing is nobody's business but ours;
still its bytes are kept for ever. `unpack(kind, pack(reading))` is the reading, for every
valid value. One reading may have several packed forms (a text is written out until it is
known by its code), so packed bytes are never compared or hashed.

Every kind begins with eight bytes, `version u8 = 1 ‖ form u8 ‖ number u48`, then fixed
fields; what did not fit into these follows at once, then the rest in the words of
`packing_words` and the rows of `packing_rows`::

    index      at u32                    device quality reference, shape, values
    interval   start u32, end u32        device quality status coefficient, energy volume
                                         index_start index_end
    curve day  day u32                   device quality reference, number of runs, runs
    power      day u32, at u32           device quality reference, power, unit

    run        form u8, start u32, step, number of values, values

Bit 0 of the form: energy flows to the network (production). Bits 1 to 3: the row of
values of an index, or of one run. Every other bit is 0, and any byte left over is an error.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.errors import Malformed
from domain.events.reading import (
    IndexReceived,
    IntervalReceived,
    LoadCurveDayReceived,
    MaximumPowerReceived,
    Reading,
    Run,
)
from domain.values import Direction
from schemas.packing_rows import (
    HOLES,
    WIDTH,
    pack_registers,
    pack_row,
    row_of_registers,
    unpack_registers,
    unpack_row,
)
from schemas.packing_words import (
    NO_INSTANT,
    ODD_INSTANT,
    ODD_NUMBER,
    PackedBroken,
    instant_field,
    number_field,
    pack_integer,
    pack_odd_instant,
    pack_text,
    unpack_day,
    unpack_instant,
    unpack_integer,
    unpack_number,
    unpack_some_integer,
    unpack_some_text,
    unpack_text,
)
from schemas.registry import reading_type

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

VERSION: Final = 1
"""The first byte of every packed reading."""

_VERSION: Final = VERSION << 56
_NUMBER: Final = (1 << 48) - 1
_PRODUCTION: Final = 1
_FORMS: Final = {Direction.CONSUMPTION: 0, Direction.PRODUCTION: _PRODUCTION}
_DIRECTIONS: Final = (Direction.CONSUMPTION, Direction.PRODUCTION)
_one, _two = struct.Struct(">QI"), struct.Struct(">QII")
_run = struct.Struct(">BI")


class NotPackable(Malformed):
    """A reading holds a value that no operator sends and no form of ours holds."""

    def __init__(self, kind: str) -> None:
        """Take the reading's type only: its values are personal."""
        super().__init__(
            f"a reading ({kind}) holds an integer of more than 64 bits, an instant that is not in "
            "UTC or a text that is not Unicode; the file it came in is not what its format says: "
            "park it"
        )


def pack(reading: Reading) -> bytes:
    """Return a reading's packed bytes; raise `NotPackable` rather than lose anything."""
    try:
        return _PACK[type(reading)](reading)
    except (struct.error, OverflowError, UnicodeEncodeError):
        raise NotPackable(type(reading).TOPIC) from None


def unpack(kind: int, packed: bytes) -> Reading:
    """Return the reading of a kind; raise `PackedBroken` unless every byte is accounted for."""
    unpacker = _UNPACK[reading_type(kind)]
    try:
        reading, end = unpacker(packed)
    except (IndexError, ValueError, OverflowError, MemoryError, struct.error):
        raise PackedBroken from None
    if end != len(packed):
        raise PackedBroken
    return reading


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """Of a packed index, all but its instant and its values: its `kin` are those equal in it.

    `kin` of two packed indexes are equal exactly when their first eight bytes and those
    from 12 to `row` are; then one's outline is the other's.
    """

    row: int
    values: struct.Struct


def outline(packed: bytes) -> Outline | None:
    """Return where the values of a packed index begin, None where it is not of the plain form.

    Plain: a number of 14 digits, an instant in whole seconds, consumption, no hole.
    """
    word, seconds = _one.unpack_from(packed)
    form = _form_of(word, _PRODUCTION | WIDTH | HOLES)
    if form & (_PRODUCTION | HOLES) or word & _NUMBER == ODD_NUMBER or seconds == ODD_INSTANT:
        return None
    place = _one.size
    for _ in range(3):
        _, place = unpack_text(packed, place)
    values, row = row_of_registers(form, packed, place)
    return Outline(row, values)


def seconds_of_index(packed: bytes) -> int:
    """Return the instant of a packed index as seconds since 1970, `ODD_INSTANT` if it is odd."""
    seconds: int = _one.unpack_from(packed)[1]
    return seconds


def flows_to_the_network(packed: bytes) -> bool:
    """Tell whether packed bytes are of production."""
    return bool(packed[1] & _PRODUCTION)


def _odd(number: str, field: int, *instants: tuple[datetime | None, int]) -> bytes:
    """Return what follows the fixed fields, because it did not fit into them."""
    odd = pack_text(number) if field == ODD_NUMBER else b""
    return odd + b"".join(pack_odd_instant(at) for at, its in instants if its == ODD_INSTANT)


def _form_of(word: int, allowed: int = _PRODUCTION) -> int:
    """Return the form in a head's first word, after refusing what is not of version 1."""
    form = word >> 48 & 0xFF
    if word >> 56 != VERSION or form & ~allowed:
        raise PackedBroken
    return form


def _pack_index(reading: IndexReceived) -> bytes:
    form, shape, row = pack_registers(reading.registers)
    form |= _FORMS[reading.direction]
    number, at = number_field(reading.number), instant_field(reading.at)
    odd = b""
    if number == ODD_NUMBER or at == ODD_INSTANT:
        odd = _odd(reading.number, number, (reading.at, at))
    return b"".join(
        (
            _one.pack(_VERSION | form << 48 | number, at),
            odd,
            pack_text(reading.device),
            pack_text(reading.quality),
            pack_text(reading.reference),
            shape,
            row,
        )
    )


def _unpack_index(packed: bytes) -> tuple[IndexReceived, int]:
    word, seconds = _one.unpack_from(packed)
    form = _form_of(word, _PRODUCTION | WIDTH | HOLES)
    number, place = unpack_number(word & _NUMBER, packed, _one.size)
    at, place = unpack_instant(seconds, packed, place)
    device, place = unpack_text(packed, place)
    quality, place = unpack_some_text(packed, place)
    reference, place = unpack_text(packed, place)
    registers, place = unpack_registers(form, packed, place)
    reading = IndexReceived(
        number=number,
        at=at,
        direction=_DIRECTIONS[form & _PRODUCTION],
        device=device,
        quality=quality,
        reference=reference,
        registers=registers,
    )
    return reading, place


def _pack_interval(reading: IntervalReceived) -> bytes:
    number = number_field(reading.number)
    start, end = instant_field(reading.start), instant_field(reading.end)
    return b"".join(
        (
            _two.pack(_VERSION | _FORMS[reading.direction] << 48 | number, start, end),
            _odd(reading.number, number, (reading.start, start), (reading.end, end)),
            pack_text(reading.device),
            pack_text(reading.quality),
            pack_text(reading.status),
            pack_text(reading.coefficient),
            pack_integer(reading.energy_wh),
            pack_integer(reading.volume_dm3),
            pack_integer(reading.index_start_dm3),
            pack_integer(reading.index_end_dm3),
        )
    )


def _unpack_interval(packed: bytes) -> tuple[IntervalReceived, int]:
    word, first, last = _two.unpack_from(packed)
    form = _form_of(word)
    number, place = unpack_number(word & _NUMBER, packed, _two.size)
    start, place = unpack_instant(first, packed, place)
    end, place = unpack_instant(last, packed, place)
    device, place = unpack_text(packed, place)
    quality, place = unpack_some_text(packed, place)
    status, place = unpack_text(packed, place)
    coefficient, place = unpack_text(packed, place)
    energy, place = unpack_integer(packed, place)
    volume, place = unpack_integer(packed, place)
    index_start, place = unpack_integer(packed, place)
    index_end, place = unpack_integer(packed, place)
    reading = IntervalReceived(
        number=number,
        start=start,
        end=end,
        direction=_DIRECTIONS[form],
        device=device,
        quality=quality,
        status=status,
        energy_wh=energy,
        volume_dm3=volume,
        coefficient=coefficient,
        index_start_dm3=index_start,
        index_end_dm3=index_end,
    )
    return reading, place


def _pack_curve(reading: LoadCurveDayReceived) -> bytes:
    number = number_field(reading.number)
    word = _VERSION | _FORMS[reading.direction] << 48 | number
    return b"".join(
        (
            _one.pack(word, reading.day.toordinal()),
            _odd(reading.number, number),
            pack_text(reading.device),
            pack_text(reading.quality),
            pack_text(reading.reference),
            pack_integer(len(reading.runs)),
            *map(_pack_run, reading.runs),
        )
    )


def _pack_run(run: Run) -> bytes:
    form, row = pack_row(run.power_w)
    start = instant_field(run.start)
    return b"".join(
        (
            _run.pack(form, start),
            pack_odd_instant(run.start) if start == ODD_INSTANT else b"",
            pack_integer(run.step_s),
            pack_integer(len(run.power_w)),
            row,
        )
    )


def _unpack_curve(packed: bytes) -> tuple[LoadCurveDayReceived, int]:
    word, day = _one.unpack_from(packed)
    form = _form_of(word)
    number, place = unpack_number(word & _NUMBER, packed, _one.size)
    device, place = unpack_text(packed, place)
    quality, place = unpack_some_text(packed, place)
    reference, place = unpack_text(packed, place)
    count, place = unpack_some_integer(packed, place)
    if count < 0:
        raise PackedBroken
    runs: list[Run] = []
    for _ in range(count):
        run, place = _unpack_run(packed, place)
        runs.append(run)
    reading = LoadCurveDayReceived(
        number=number,
        day=unpack_day(day),
        direction=_DIRECTIONS[form],
        device=device,
        quality=quality,
        reference=reference,
        runs=tuple(runs),
    )
    return reading, place


def _unpack_run(packed: bytes, place: int) -> tuple[Run, int]:
    form, seconds = _run.unpack_from(packed, place)
    if form & ~(WIDTH | HOLES):
        raise PackedBroken
    start, place = unpack_instant(seconds, packed, place + _run.size)
    step, place = unpack_some_integer(packed, place)
    count, place = unpack_some_integer(packed, place)
    if count < 0:
        raise PackedBroken
    powers, place = unpack_row(form, count, packed, place)
    return Run(start=start, step_s=step, power_w=powers), place


def _pack_power(reading: MaximumPowerReceived) -> bytes:
    number, at = number_field(reading.number), instant_field(reading.at)
    word = _VERSION | _FORMS[reading.direction] << 48 | number
    odd = b""
    if number == ODD_NUMBER or at == ODD_INSTANT:
        odd = _odd(reading.number, number, (reading.at, at))
    return b"".join(
        (
            _two.pack(word, reading.day.toordinal(), at),
            odd,
            pack_text(reading.device),
            pack_text(reading.quality),
            pack_text(reading.reference),
            pack_integer(reading.power),
            pack_text(reading.unit),
        )
    )


def _unpack_power(packed: bytes) -> tuple[MaximumPowerReceived, int]:
    word, day, seconds = _two.unpack_from(packed)
    form = _form_of(word)
    number, place = unpack_number(word & _NUMBER, packed, _two.size)
    at: datetime | None = None
    if seconds != NO_INSTANT:
        at, place = unpack_instant(seconds, packed, place)
    device, place = unpack_text(packed, place)
    quality, place = unpack_some_text(packed, place)
    reference, place = unpack_text(packed, place)
    power, place = unpack_some_integer(packed, place)
    unit, place = unpack_some_text(packed, place)
    reading = MaximumPowerReceived(
        number=number,
        day=unpack_day(day),
        at=at,
        direction=_DIRECTIONS[form],
        device=device,
        quality=quality,
        reference=reference,
        power=power,
        unit=unit,
    )
    return reading, place


_PACK: Final[dict[type[Reading], Callable[..., bytes]]] = {
    IndexReceived: _pack_index,
    IntervalReceived: _pack_interval,
    LoadCurveDayReceived: _pack_curve,
    MaximumPowerReceived: _pack_power,
}

_UNPACK: Final[dict[type[Reading], Callable[[bytes], tuple[Reading, int]]]] = {
    IndexReceived: _unpack_index,
    IntervalReceived: _unpack_interval,
    LoadCurveDayReceived: _unpack_curve,
    MaximumPowerReceived: _unpack_power,
}

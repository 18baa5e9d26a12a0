"""Rows of integers, and the registers of an index.

A *row* is many integers at one width, the least of 1, 2, 4 or 8 bytes that holds them
all, and where some are missing a bitmap of which are. Width and bitmap are three bits of
a form byte that stands elsewhere, so that a row costs nothing but its values.

The *shape* of an index is all of its registers but their values: the same for every
meter with the same calendars, so both directions remember it, and ten registers cost
about as much as one. Registers that share grid and calendar stand in one group::

    head      count (high four bits; 15: it follows as an integer) ‖ plain plausibility (8)
              ‖ plain ranks (4) ‖ grid (0 distributor, 1 supplier, 2 total, 3 follows as text)
    grid?     calendar, slots one by one,
    ranks?    unless they are 1, 2, 3 …
    plausibilities?   unless all are 0
"""

from __future__ import annotations

import struct
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import astuple

from domain.events.reading import Register
from schemas.packing_words import (
    U8_MAX,
    U16_MAX,
    U32_MAX,
    PackedBroken,
    pack_integer,
    pack_text,
    unpack_integer,
    unpack_some_integer,
    unpack_some_text,
    unpack_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 0b0110
"""Bits of a form byte: the width of a row."""
HOLES: Final = 0b1000
"""Bit of a form byte: a bitmap of the missing stands before the row."""
FOUR: Final = 0b0100
"""The form of a row of four bytes each and none missing: that of nearly every index."""

_FORMATS: Final = {0b0000: "B", 0b0010: "H", FOUR: "I", WIDTH: "q"}
_SHAPES_REMEMBERED: Final = 1024
_GRIDS: Final = ("distributor", "supplier", "total")
_GRID_FOLLOWS, _PLAIN_RANKS, _PLAIN_PLAUSIBILITY, _COUNT_FOLLOWS = 3, 4, 8, 15

Marks = tuple[tuple[Any, ...], ...]
"""Grids, calendars, slots, ranks and plausibilities, each by register."""


@lru_cache(maxsize=_SHAPES_REMEMBERED)
def _row(form: int, count: int) -> struct.Struct:
    return struct.Struct(f">{count}{_FORMATS[form & WIDTH]}")


def pack_row(values: Sequence[int | None]) -> tuple[int, bytes]:
    """Return the form and the bytes of a row; struct.error for more than 64 bits."""
    if None not in values:
        return _pack_full([value for value in values if value is not None])
    missing = sum(1 << place for place, value in enumerate(values) if value is None)
    form, row = _pack_full([value for value in values if value is not None])
    return form | HOLES, missing.to_bytes((len(values) + 7) // 8, "little") + row


def _pack_full(values: Sequence[int]) -> tuple[int, bytes]:
    low, high = min(values, default=0), max(values, default=0)
    if low < 0 or high > U32_MAX:
        form = WIDTH
    else:
        form = 0 if high <= U8_MAX else 0b0010 if high <= U16_MAX else FOUR
    return form, _row(form, len(values)).pack(*values)


def unpack_row(form: int, count: int, packed: bytes, at: int) -> tuple[tuple[int | None, ...], int]:
    """Return a row's values and the position after it."""
    if form & HOLES:
        return _unpack_holed(form, count, packed, at)
    row = _row(form, count)
    return row.unpack_from(packed, at), at + row.size


def _unpack_holed(
    form: int, count: int, packed: bytes, at: int
) -> tuple[tuple[int | None, ...], int]:
    end = at + (count + 7) // 8
    bitmap = packed[at:end]
    missing = int.from_bytes(bitmap, "little")
    if missing >> count or end > len(packed):
        raise PackedBroken
    row = _row(form, count - missing.bit_count())
    values = iter(row.unpack_from(packed, end))
    holed = tuple(
        None if bitmap[place >> 3] >> (place & 7) & 1 else next(values) for place in range(count)
    )
    return holed, end + row.size


def pack_registers(registers: tuple[Register, ...]) -> tuple[int, bytes, bytes]:
    """Return the form of the values' row, the shape behind its length, and the row."""
    if not registers:
        return FOUR, b"\0", b""
    grids, calendars, slots, ranks, values, plausibilities = zip(
        *map(astuple, registers), strict=True
    )
    shape = _pack_shape((grids, calendars, slots, ranks, plausibilities))
    try:
        return FOUR, shape, _row(FOUR, len(values)).pack(*values)
    except struct.error:
        form, row = pack_row(values)
        return form, shape, row


def unpack_registers(form: int, packed: bytes, at: int) -> tuple[tuple[Register, ...], int]:
    """Return the registers, and the position after their values."""
    length = packed[at]
    at += 1
    if length == U8_MAX:
        length, at = unpack_some_integer(packed, at)
    end = at + length
    if length < 0 or end > len(packed):
        raise PackedBroken
    marks = _unpack_shape(packed[at:end])
    values, at = unpack_row(form, len(marks), packed, end)
    registers = [
        Register(grid=g, calendar=c, slot=s, rank=r, value_wh=value, plausibility=p)
        for (g, c, s, r, p), value in zip(marks, values, strict=True)
    ]
    return tuple(registers), at


def row_of_registers(form: int, packed: bytes, at: int) -> tuple[struct.Struct, int]:
    """Return the form of a row of values without holes, and where it begins."""
    length = packed[at]
    at += 1
    if length == U8_MAX:
        length, at = unpack_some_integer(packed, at)
    end = at + length
    return _row(form, len(_unpack_shape(packed[at:end]))), end


@lru_cache(maxsize=_SHAPES_REMEMBERED)
def _pack_shape(marks: Marks) -> bytes:
    by_register = zip(*marks, strict=True)
    shape = b"".join(
        _pack_group(grid, calendar, list(zip(*group, strict=True))[2:])
        for (grid, calendar), group in groupby(by_register, key=lambda mark: mark[:2])
    )
    if len(shape) < U8_MAX:
        return bytes([len(shape)]) + shape
    return b"\xff" + pack_integer(len(shape)) + shape


def _pack_group(grid: str, calendar: str | None, marks: list[tuple[Any, ...]]) -> bytes:
    slots, ranks, plausibilities = marks
    count = len(slots)
    plain_ranks = ranks == tuple(range(1, count + 1))
    plain_plausibility = plausibilities == (0,) * count
    head = min(count, _COUNT_FOLLOWS) << 4
    head |= _PLAIN_RANKS if plain_ranks else 0
    head |= _PLAIN_PLAUSIBILITY if plain_plausibility else 0
    head |= _GRIDS.index(grid) if grid in _GRIDS else _GRID_FOLLOWS
    return b"".join(
        (
            bytes([head]),
            pack_integer(count) if count >= _COUNT_FOLLOWS else b"",
            b"" if grid in _GRIDS else pack_text(grid),
            pack_text(calendar),
            *map(pack_text, slots),
            *(() if plain_ranks else map(pack_integer, ranks)),
            *(() if plain_plausibility else map(pack_integer, plausibilities)),
        )
    )


@lru_cache(maxsize=_SHAPES_REMEMBERED)
def _unpack_shape(shape: bytes) -> Marks:
    """Return the marks of each register in turn: grid, calendar, slot, rank, plausibility."""
    marks: list[tuple[Any, ...]] = []
    at = 0
    while at < len(shape):
        group, at = _unpack_group(shape, at)
        marks += group
    if at != len(shape):
        raise PackedBroken
    return tuple(marks)


def _unpack_group(shape: bytes, at: int) -> tuple[list[tuple[Any, ...]], int]:
    head, at = shape[at], at + 1
    count = head >> 4
    if count == _COUNT_FOLLOWS:
        count, at = unpack_some_integer(shape, at)
    if not 0 < count <= len(shape):
        raise PackedBroken
    if head & 3 == _GRID_FOLLOWS:
        grid, at = unpack_some_text(shape, at)
    else:
        grid = _GRIDS[head & 3]
    calendar, at = unpack_text(shape, at)
    slots: list[str] = []
    for _ in range(count):
        slot, at = unpack_some_text(shape, at)
        slots.append(slot)
    ranks: list[int | None] = list(range(1, count + 1))
    if not head & _PLAIN_RANKS:
        ranks, at = _unpack_integers(count, shape, at)
    plausibilities: list[int | None] = [0] * count
    if not head & _PLAIN_PLAUSIBILITY:
        plausibilities, at = _unpack_integers(count, shape, at)
    group = zip([grid] * count, [calendar] * count, slots, ranks, plausibilities, strict=True)
    return list(group), at


def _unpack_integers(count: int, packed: bytes, at: int) -> tuple[list[int | None], int]:
    integers: list[int | None] = []
    for _ in range(count):
        value, at = unpack_integer(packed, at)
        integers.append(value)
    return integers, at

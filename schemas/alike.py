"""Readings that are alike but for number, reference and values: their bytes, filled in.

A file of 3,000 meters says a few things over and over with other numbers in them. What is
constant is taken once from a sample that was encoded the ordinary way, with marks in the
places of what varies; a pattern is made only when each mark is found once, so that filling
it in gives what encoding would. `tests/schemas/test_alike.py` compares the two.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.events.reading import IndexReceived, MaximumPowerReceived
from schemas import canonical
from schemas.packing import pack
from schemas.packing_words import pack_integer, pack_text

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMBER: Final = "98765432109876"
"""The mark of a point's number: 14 digits, as every number that is filled in."""
REFERENCE: Final = "ZQ98ZQ98"
"""The mark of a reference: letters and digits of ASCII, as every one that is filled in."""
VALUE: Final = 987_654_000
"""The first value's mark; the others count on from it. Each fits 32 bits."""

_U32_MAX: Final = 0xFFFFFFFF
_head = struct.Struct(">Q")


class Alike(NamedTuple):
    """What readings of one pattern have in common.

    Packed: a head to which the number is added, then `middle`, the reference, `tail`, and
    the values: as a row of 32 bits each, or as one integer before `end`. Canonical: a text
    with places for number, reference and values; `reference_last` tells their order.
    """

    head: int
    middle: bytes
    tail: bytes
    row: struct.Struct | None
    end: bytes
    text: bytes
    reference_last: bool

    def packed(self, number: str, reference: str, values: Sequence[int]) -> bytes | None:
        """Return the packed bytes, None for values that this pattern has no room for."""
        if self.row is None:
            row = pack_integer(values[0])
        elif max(values) > _U32_MAX:
            return None
        else:
            row = self.row.pack(*values)
        head = _head.pack(self.head + int(number))
        return b"".join((head, self.middle, pack_text(reference), self.tail, row, self.end))

    def canonical(self, number: str, reference: str, values: Sequence[int]) -> bytes:
        """Return the canonical JSON."""
        named = number.encode("ascii"), reference.encode("ascii")
        if self.reference_last:
            return self.text % (named[0], *values, named[1])
        return self.text % (*named, *values)


def alike(sample: IndexReceived | MaximumPowerReceived) -> Alike | None:
    """Return the pattern of a sample that bears the marks; None when it is not that plain."""
    values = _values_of(sample)
    if not values or max(values) > _U32_MAX:
        return None
    form = struct.Struct(f">{len(values)}I") if isinstance(sample, IndexReceived) else None
    row = form.pack(*values) if form else pack_integer(values[0])
    before, reference, after = pack(sample).partition(pack_text(REFERENCE))
    tail, found, end = after.partition(row)
    text = _text_of(sample, values)
    if not (reference and found) or text is None:
        return None
    (head,) = _head.unpack_from(before)
    said = canonical.encode(sample)
    last = said.index(REFERENCE.encode()) > said.index(b"%d" % values[0])
    pattern = Alike(head - int(NUMBER), before[_head.size :], tail, form, end, text, last)
    same = pattern.packed(NUMBER, REFERENCE, values) == pack(sample)
    return pattern if same and pattern.canonical(NUMBER, REFERENCE, values) == said else None


def _values_of(sample: IndexReceived | MaximumPowerReceived) -> list[int]:
    if isinstance(sample, MaximumPowerReceived):
        return [sample.power]
    return [one.value_wh for one in sample.registers if one.value_wh is not None]


def _text_of(sample: IndexReceived | MaximumPowerReceived, values: list[int]) -> bytes | None:
    """Return the canonical JSON with places for what varies; None where a mark is not once."""
    text = canonical.encode(sample).replace(b"%", b"%%")
    marks = {NUMBER.encode(): b"%s", REFERENCE.encode(): b"%s"}
    marks |= {b"%d" % value: b"%d" for value in values}
    for mark, place in marks.items():
        if text.count(mark) != 1:
            return None
        text = text.replace(mark, place)
    return text

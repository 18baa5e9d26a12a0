"""Days of R151 cut at their numbers, and moulds: what stands between, and what it says.

A mould is made by asking the strict reader (`r151`) what a day says with marks in place
of the meter's number, the reference and each value. It is one when every mark comes back
once, in its place, and nothing else does; a mark never stands in the day itself. The
strict reader takes any 14 digits, any reference of its form and any 1 to 15 digits at
these places, and treats none otherwise than another: it would say of every day that
fits a mould what `Mould.said` says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from adapters.dso.enedis.markup import MarkupRefused
from adapters.dso.enedis.r151 import Reader, read
from domain.events.reading import IndexReceived, MaximumPowerReceived, Register
from domain.policies.coverage import CATEGORY_OF, Measured, measured_from
from domain.values import civil_day
from ledger.forms import Form, form_of
from schemas.alike import NUMBER, REFERENCE, VALUE, Alike, alike
from schemas.registry import KIND_OF

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DAY: Final = b"<Donnees_Releve>"
"""What every usual day begins with."""

_REFERENCE: Final = re.compile(rb"[0-9A-Z]{4,8}</")
_INDEX, _POWER = CATEGORY_OF[IndexReceived], CATEGORY_OF[MaximumPowerReceived]
_INDEX_KIND, _POWER_KIND = KIND_OF[IndexReceived], KIND_OF[MaximumPowerReceived]


class Cut(NamedTuple):
    """A day cut at its reference and its values (`12</>34</`).

    `front` stands before the reference, `texts` before, between and behind the values.
    """

    front: bytes
    reference: str
    texts: list[bytes]
    values: bytes


def cut(day: bytes) -> Cut | None:
    """Cut a day; None when it has no reference."""
    front, _, after = day.partition(b"Id_Affaire>")
    reference, closing, back = after.partition(b"Id_Affaire>")
    if not closing or not _REFERENCE.fullmatch(reference):
        return None
    texts = back.split(b"Valeur>")
    values = b">".join(texts[1::2])
    del texts[1::2]
    return Cut(front, reference[:-2].decode("ascii"), texts, values)


class Mould(msgspec.Struct, frozen=True, kw_only=True):
    """A form of days, with what each says beside number, reference and values.

    `marks` are the registers without values, in order; a day without an `index` is
    blank. The maximum power's value is the last one.
    """

    texts: list[bytes]
    values: re.Pattern[bytes]
    index: IndexReceived | None
    marks: tuple[tuple[str, str | None, str, int | None, int | None], ...]
    power: MaximumPowerReceived | None
    index_bytes: Alike | None = None
    power_bytes: Alike | None = None

    def fits(self, day: Cut) -> bool:
        """Whether a day is of this form, its `front` being known to be."""
        return self.texts == day.texts and self.values.fullmatch(day.values) is not None

    def said(self, number: str, day: Cut) -> Iterator[IndexSaid | PowerSaid]:
        """Yield what a day of this form says, in the document's order."""
        values = list(map(int, day.values[:-2].split(b"</>"))) if day.values else []
        if self.index is not None:
            registers = values[:-1] if self.power is not None else values
            yield IndexSaid(self, self.index, number, day.reference, registers)
        if self.power is not None:
            yield PowerSaid(self, self.power, number, day.reference, values[-1])


class IndexSaid(NamedTuple):
    """An index of a usual day: the mould's, with these numbers in it."""

    mould: Mould
    like: IndexReceived
    number: str
    reference: str
    values: list[int]

    @property
    def reading(self) -> IndexReceived:
        """The reading itself."""
        return IndexReceived(
            number=self.number,
            at=self.like.at,
            direction=self.like.direction,
            device=self.like.device,
            quality=self.like.quality,
            reference=self.reference,
            registers=tuple(
                [
                    Register(grid=g, calendar=c, slot=s, rank=r, value_wh=value, plausibility=p)
                    for (g, c, s, r, p), value in zip(self.mould.marks, self.values, strict=True)
                ]
            ),
        )

    @property
    def form(self) -> Form:
        """What it is taken in by, without the reading where the mould's bytes can be filled."""
        like, alike = self.like, self.mould.index_bytes
        packed = alike.packed(self.number, self.reference, self.values) if alike else None
        if alike is None or packed is None:
            return form_of(self.reading)
        return Form(
            measured=Measured(_INDEX, like.direction, self.number, like.at),
            day=civil_day(like.at),
            kind=_INDEX_KIND,
            packed=packed,
            canonical=alike.canonical(self.number, self.reference, self.values),
        )


class PowerSaid(NamedTuple):
    """A maximum power of a usual day: the mould's, with this number in it."""

    mould: Mould
    like: MaximumPowerReceived
    number: str
    reference: str
    value: int

    @property
    def reading(self) -> MaximumPowerReceived:
        """The reading itself."""
        return msgspec.structs.replace(
            self.like, number=self.number, reference=self.reference, power=self.value
        )

    @property
    def form(self) -> Form:
        """What it is taken in by, likewise."""
        like, alike = self.like, self.mould.power_bytes
        packed = alike.packed(self.number, self.reference, [self.value]) if alike else None
        if alike is None or packed is None:
            return form_of(self.reading)
        return Form(
            measured=Measured(_POWER, like.direction, self.number, measured_from(like)),
            day=like.day,
            kind=_POWER_KIND,
            packed=packed,
            canonical=alike.canonical(self.number, self.reference, [self.value]),
        )


def alone(document: bytes) -> Reader | None:
    """Return what the strict reader read; None when it refuses or meets an unknown name."""
    reader = Reader()
    try:
        read([document], reader)
    except MarkupRefused:
        return None
    return None if reader.unknown.names else reader


def mould_of(day: Cut, opening: bytes, closing: bytes) -> Mould | None:
    """Return the mould of a day of a document with this beginning and end, if it has one."""
    count = len(day.texts) - 1
    marks = [VALUE + place for place in range(count)]
    if not _values(count).fullmatch(day.values) or _is_marked(day, marks):
        return None
    back = day.texts[0] + b"".join(
        b"Valeur>%d</Valeur>%s" % pair for pair in zip(marks, day.texts[1:], strict=True)
    )
    meter = b"<PRM><Id_PRM>%s</Id_PRM>%sId_Affaire>%s</Id_Affaire>%s</PRM>" % (
        NUMBER.encode(),
        day.front,
        REFERENCE.encode(),
        back,
    )
    strict = alone(opening + meter + closing)
    found = _readings_of(strict) if strict is not None else None
    if found is None:
        return None
    index, power = found
    mould = Mould(
        texts=day.texts,
        values=_values(count),
        index=index,
        marks=_marks_of(index),
        power=power,
        index_bytes=alike(index) if index else None,
        power_bytes=alike(power) if power else None,
    )
    marked = Cut(day.front, REFERENCE, day.texts, b">".join(b"%d</" % mark for mark in marks))
    whole = len(mould.marks) + (power is not None) == count
    said = [one.reading for one in mould.said(NUMBER, marked)] if whole else []
    same = whole and said == [one for one in found if one]
    return mould if same else None


def _values(count: int) -> re.Pattern[bytes]:
    more = rb"(?:>[0-9]{1,15}</){%d}" % (count - 1) if count else b""
    return re.compile((rb"[0-9]{1,15}</" if count else b"") + more)


def _is_marked(day: Cut, marks: Sequence[int]) -> bool:
    text = day.front + b" ".join(day.texts)
    every = (NUMBER.encode(), REFERENCE.encode(), *(b"%d" % mark for mark in marks))
    return any(mark in text for mark in every)


def _readings_of(said: Reader) -> tuple[IndexReceived | None, MaximumPowerReceived | None] | None:
    """Return the one day that was read, None unless it is one day of one day."""
    index: IndexReceived | None = None
    power: MaximumPowerReceived | None = None
    for row in said.rows:
        if isinstance(row.reading, IndexReceived) and index is None and power is None:
            index = row.reading
        elif isinstance(row.reading, MaximumPowerReceived) and power is None:
            power = row.reading
        else:
            return None
    one = said.points == {NUMBER} and said.blank == (index is None)
    return (index, power) if one else None


def _marks_of(
    index: IndexReceived | None,
) -> tuple[tuple[str, str | None, str, int | None, int | None], ...]:
    if index is None:
        return ()
    return tuple((r.grid, r.calendar, r.slot, r.rank, r.plausibility) for r in index.registers)

"""The pieces packed readings are made of: integers, texts, days, instants, runs of powers."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from domain.errors import Corrupt
from domain.values import Direction

if TYPE_CHECKING:
    from collections.abc import Sequence

KNOWN_TEXTS: Final = (
    "raw",
    "INCONNU",
    "DI000001",
    "DI000002",
    "DI000003",
    "DN999999",
    "FC000165",
    "BASE",
    "HP",
    "HC",
    "HPH",
    "HCH",
    "HPB",
    "HCB",
    "HPE",
    "HCE",
    "HN",
    "PM",
    "BUHC",
    "BUHP",
    "BCHC",
    "BCHP",
    "RHC",
    "RHP",
    "P",
    "T",
    "W",
    "VA",
    "Mesuré",
    "Estimé",
    "Provisoire",
    "Définitive",
    "distributor",
    "supplier",
    "total",
)
"""Texts that operators send every day, by their code. Stored: append only, never reorder."""

DIRECTIONS: Final = (Direction.CONSUMPTION, Direction.PRODUCTION)
"""By their code. Stored: append only."""

_CODES: Final = {text: code for code, text in enumerate(KNOWN_TEXTS)}
_NONE: Final = 254
_INLINE: Final = 255
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SECOND: Final = timedelta(seconds=1)
_DIGITS: Final = 14
_MORE: Final = 0x80
_SHIFT_MAX: Final = 63
_INLINE_INSTANT: Final = 255
_NO_INSTANT: Final = 254
_seconds = struct.Struct(">I")
_POWERS: Final = {2: ("H", 0xFFFF), 4: ("I", 0xFFFFFFFF), 8: ("q", -(1 << 63))}
"""Width of a power: its struct code, and the value that stands for none."""


class PackedBroken(Corrupt):
    """Sealed bytes of ours opened, and are not the packed form of a reading."""

    def __init__(self) -> None:
        """Take nothing: the bytes are personal."""
        super().__init__(
            "a sealed reading opened and is not one; a later version of metroledger may have "
            "written it (upgrade this one), or it was altered: run 'metroledger audit'"
        )


class Writer:
    """Appends pieces; `finish` returns them as one."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._out = bytearray()

    def finish(self) -> bytes:
        """Return all that was written."""
        return bytes(self._out)

    def byte(self, value: int) -> None:
        """Write one byte."""
        self._out.append(value)

    def raw(self, data: bytes) -> None:
        """Write bytes whose length is known otherwise."""
        self._out += data

    def size(self, value: int) -> None:
        """Write a count: seven bits a byte, least first, the eighth says that more follow."""
        while value >= _MORE:
            self._out.append(value % _MORE | _MORE)
            value >>= 7
        self._out.append(value)

    def integer(self, value: int) -> None:
        """Write a signed integer, small ones in few bytes (zigzag)."""
        self.size(value << 1 if value >= 0 else (-value << 1) - 1)

    def optional_integer(self, value: int | None) -> None:
        """Write a signed integer or none."""
        self.byte(0 if value is None else 1)
        if value is not None:
            self.integer(value)

    def blob(self, data: bytes) -> None:
        """Write bytes behind their length."""
        self.size(len(data))
        self._out += data

    def text(self, value: str | None) -> None:
        """Write a text, a known one as one byte, or none."""
        if value is None:
            self._out.append(_NONE)
        elif (code := _CODES.get(value)) is not None:
            self._out.append(code)
        else:
            self._out.append(_INLINE)
            self.blob(value.encode("utf-8", "surrogatepass"))

    def number(self, value: str) -> None:
        """Write a point's number: 14 digits in six bytes, any other as text."""
        if len(value) == _DIGITS and value.isascii() and value.isdigit():
            self._out.append(0)
            self._out += int(value).to_bytes(6, "big")
        else:
            self._out.append(1)
            self.text(value)

    def day(self, value: date) -> None:
        """Write a civil day."""
        self._out += value.toordinal().to_bytes(3, "big")

    def instant(self, value: datetime) -> None:
        """Write an instant in UTC: whole seconds since 1970 in four bytes, else microseconds."""
        if value.utcoffset() != timedelta(0):
            raise OverflowError
        since = value - _EPOCH
        seconds, fraction = divmod(since, _SECOND)
        if fraction or not 0 <= seconds < 1 << 32:
            self._out.append(_INLINE_INSTANT)
            self.integer(since // _MICROSECOND)
        else:
            self._out.append(0)
            self._out += _seconds.pack(seconds)

    def optional_instant(self, value: datetime | None) -> None:
        """Write an instant or none."""
        if value is None:
            self._out.append(_NO_INSTANT)
        else:
            self.instant(value)

    def powers(self, values: Sequence[int | None]) -> None:
        """Write powers of one width; the highest value of the width stands for none."""
        said = [value for value in values if value is not None]
        low, high = min(said, default=0), max(said, default=0)
        width = 8 if low < 0 or high >= _POWERS[4][1] else 4 if high >= _POWERS[2][1] else 2
        code, none = _POWERS[width]
        self.size(len(values))
        self.byte(width)
        self._out += struct.pack(
            f">{len(values)}{code}", *(none if value is None else value for value in values)
        )


class Reader:
    """Takes the pieces off again, in order; raises `PackedBroken` or IndexError past the end."""

    def __init__(self, data: bytes) -> None:
        """Begin at the first byte."""
        self._data = data
        self._at = 0

    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._data)

    def finish(self) -> None:
        """Raise `PackedBroken` if anything is left."""
        if self._at != len(self._data):
            raise PackedBroken

    def byte(self) -> int:
        """Read one byte."""
        value = self._data[self._at]
        self._at += 1
        return value

    def raw(self, length: int) -> bytes:
        """Read bytes."""
        end = self._at + length
        if end > len(self._data):
            raise PackedBroken
        data = self._data[self._at : end]
        self._at = end
        return data

    def unpack(self, form: str) -> tuple[Any, ...]:
        """Read a struct."""
        return struct.unpack(form, self.raw(struct.calcsize(form)))

    def size(self) -> int:
        """Read a count, in its one spelling; none here needs more than ten bytes."""
        value = shift = 0
        while (part := self.byte()) & _MORE:
            value |= part % _MORE << shift
            shift += 7
            if shift > _SHIFT_MAX:
                raise PackedBroken
        if shift and not part:
            raise PackedBroken
        return value | part << shift

    def integer(self) -> int:
        """Read a signed integer."""
        coded = self.size()
        return coded >> 1 if not coded & 1 else -(coded + 1 >> 1)

    def optional_integer(self) -> int | None:
        """Read a signed integer or none."""
        match self.byte():
            case 0:
                return None
            case 1:
                return self.integer()
            case _:
                raise PackedBroken

    def blob(self) -> bytes:
        """Read bytes behind their length."""
        return self.raw(self.size())

    def text(self) -> str | None:
        """Read a text or none."""
        code = self.byte()
        if code == _NONE:
            return None
        if code == _INLINE:
            return self.blob().decode("utf-8", "surrogatepass")
        return KNOWN_TEXTS[code]

    def some_text(self) -> str:
        """Read a text."""
        value = self.text()
        if value is None:
            raise PackedBroken
        return value

    def number(self) -> str:
        """Read a point's number."""
        match self.byte():
            case 0:
                return str(int.from_bytes(self.raw(6), "big")).zfill(_DIGITS)
            case 1:
                return self.some_text()
            case _:
                raise PackedBroken

    def day(self) -> date:
        """Read a civil day."""
        return date.fromordinal(int.from_bytes(self.raw(3), "big"))

    def instant(self) -> datetime:
        """Read an instant."""
        value = self.optional_instant()
        if value is None:
            raise PackedBroken
        return value

    def optional_instant(self) -> datetime | None:
        """Read an instant or none."""
        match self.byte():
            case 0:
                return _EPOCH + timedelta(seconds=int.from_bytes(self.raw(4), "big"))
            case 255:
                return _EPOCH + self.integer() * _MICROSECOND
            case 254:
                return None
            case _:
                raise PackedBroken

    def powers(self) -> tuple[int | None, ...]:
        """Read powers of one width."""
        count, width = self.size(), self.byte()
        if width not in _POWERS:
            raise PackedBroken
        code, none = _POWERS[width]
        values = self.unpack(f">{count}{code}")
        return tuple(None if value == none else value for value in values)

"""The words packed readings are made of: texts, integers, point numbers, days, instants.

Each has a function that packs it, and one that takes the bytes and a position and
returns the value with the position after it. A position may run past the end when the
bytes are cut short: slices are not checked one by one, `packing.unpack` compares the last
position with the length. Looking beyond the end by index raises IndexError, which it
turns into `PackedBroken` too.
"""

from __future__ import annotations

import binascii
import struct
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from domain.errors import Corrupt

U8_MAX, U16_MAX, U32_MAX = 0xFF, 0xFFFF, 0xFFFFFFFF
"""The largest integers of one, two and four bytes."""


class PackedBroken(Corrupt):
    """Sealed bytes of ours opened, and are not the packed form of a reading."""

    def __init__(self) -> None:
        """Take nothing: the bytes are personal."""
        super().__init__(
            "a sealed reading opened and is not one; a later version of metroledger may have "
            "written it (upgrade this one), or it was altered: run 'metroledger audit'"
        )


# ── Texts ───────────────────────────────────────────────────────────────────────────────
#
#   00        None
#   01 … 7a   the text at that place of KNOWN
#   7b        "FC" and six digits (a supplier's calendar): three bytes follow
#   7c        eight characters of the base64 alphabet (Id_Affaire): six bytes follow
#   7d        u32 length, UTF-8
#   80 … ff   length 0 … 127, UTF-8

KNOWN: Final[tuple[str | None, ...]] = (
    None,
    *("raw", "measured", "estimated", "corrected"),
    *("BRUT", "Mesuré", "Estimé", "Mesure", "Provisoire", "Définitive", "Normal"),
    *("W", "VA", "Wh"),
    *("INCONNU", "DN999999", "DI000001", "DI000002", "DI000003", "FC000165"),
    *("BASE", "HP", "HC", "HPH", "HCH", "HPB", "HCB", "HPE", "HCE", "P"),
    *("HN", "PM", "BUHC", "BUHP", "BCHC", "BCHP", "RHC", "RHP"),
    *("T", "F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "D1", "D2", "D3", "D4"),
)
"""Texts that operators send every day. Stored by place: append only, 122 at most."""

_CALENDAR, _AFFAIR, _LONG, _SHORT = 0x7B, 0x7C, 0x7D, 0x80
_SHORT_MAX: Final = 0x7F
_EIGHT: Final = 8
_SIX: Final = 6
_CODES: Final = {text: bytes([code]) for code, text in enumerate(KNOWN)}
_u32 = struct.Struct(">I")


def pack_text(text: str | None) -> bytes:
    """Return a text, or None, in the shortest of the forms above."""
    if text is None:
        return b"\0"
    known = _CODES.get(text)
    if known is not None:
        return known
    if len(text) == _EIGHT and text.isascii():
        if text.startswith("FC") and text[2:].isdigit():
            return bytes([_CALENDAR]) + int(text[2:]).to_bytes(3, "big")
        packed = _pack_affair(text)
        if packed:
            return packed
    inline = text.encode()
    if len(inline) > _SHORT_MAX:
        return bytes([_LONG]) + _u32.pack(len(inline)) + inline
    return bytes([_SHORT + len(inline)]) + inline


def _pack_affair(text: str) -> bytes:
    try:
        six = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return b""
    return bytes([_AFFAIR]) + six if len(six) == _SIX else b""


def unpack_text(packed: bytes, at: int) -> tuple[str | None, int]:
    """Return the text at a position, or None, and the position after it."""
    code = packed[at]
    at += 1
    if code < len(KNOWN):
        return KNOWN[code], at
    if code >= _SHORT:
        end = at + code - _SHORT
        return packed[at:end].decode(), end
    if code == _AFFAIR:
        return binascii.b2a_base64(packed[at : at + 6], newline=False).decode("ascii"), at + 6
    if code == _CALENDAR:
        return f"FC{_below(int.from_bytes(packed[at : at + 3], 'big'), 1_000_000):06}", at + 3
    if code != _LONG:
        raise PackedBroken
    end = at + 4 + int(_u32.unpack_from(packed, at)[0])
    return packed[at + 4 : end].decode(), end


def unpack_some_text(packed: bytes, at: int) -> tuple[str, int]:
    """Return the text at a position, which is not None, and the position after it."""
    text, at = unpack_text(packed, at)
    if text is None:
        raise PackedBroken
    return text, at


def _below(value: int, limit: int) -> int:
    if value >= limit:
        raise PackedBroken
    return value


# ── Integers ────────────────────────────────────────────────────────────────────────────
#
#   00 … f9   0 … 249
#   fa fb fc  u16, u32, i64 follow
#   ff        None

_SMALL_MAX: Final = 0xF9
_WIDER: Final = {0xFA: struct.Struct(">H"), 0xFB: struct.Struct(">I"), 0xFC: struct.Struct(">q")}
_NONE: Final = 0xFF


def pack_integer(value: int | None) -> bytes:
    """Return an integer of 64 bits, or None; struct.error for a wider one."""
    if value is None:
        return b"\xff"
    if 0 <= value <= _SMALL_MAX:
        return bytes([value])
    wide = value < 0 or value > U32_MAX
    code = 0xFC if wide else 0xFA if value <= U16_MAX else 0xFB
    return bytes([code]) + _WIDER[code].pack(value)


def unpack_integer(packed: bytes, at: int) -> tuple[int | None, int]:
    """Return the integer at a position, or None, and the position after it."""
    code = packed[at]
    at += 1
    if code <= _SMALL_MAX:
        return code, at
    if code == _NONE:
        return None, at
    wider = _WIDER.get(code)
    if wider is None:
        raise PackedBroken
    return int(wider.unpack_from(packed, at)[0]), at + wider.size


def unpack_some_integer(packed: bytes, at: int) -> tuple[int, int]:
    """Return the integer at a position, which is not None, and the position after it."""
    value, at = unpack_integer(packed, at)
    if value is None:
        raise PackedBroken
    return value, at


# ── Numbers of points, days, instants ───────────────────────────────────────────────────
#
# All three are fixed fields of a packed reading's head, where a value of their own says
# that the real one did not fit and follows the head.

ODD_NUMBER: Final = (1 << 48) - 1
"""In place of a number of 14 digits: the number follows as a text."""
NO_INSTANT: Final = 0xFFFFFFFE
"""In place of seconds since 1970: there is none."""
ODD_INSTANT: Final = 0xFFFFFFFF
"""In place of seconds since 1970: i64 microseconds follow."""

_DIGITS: Final = 14
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
_MICROSECOND: Final = timedelta(microseconds=1)
_INSTANTS_REMEMBERED: Final = 4096
_i64 = struct.Struct(">q")


def number_field(number: str) -> int:
    """Return a point's number of 14 digits as an integer, `ODD_NUMBER` for any other."""
    if len(number) == _DIGITS and number.isascii() and number.isdigit():
        return int(number)
    return ODD_NUMBER


def unpack_number(field: int, packed: bytes, at: int) -> tuple[str, int]:
    """Return the number a field means, and the position after what followed the head."""
    if field == ODD_NUMBER:
        return unpack_some_text(packed, at)
    return f"{_below(field, 10**_DIGITS):014}", at


def instant_field(at: datetime | None) -> int:
    """Return an instant as whole seconds since 1970, `ODD_INSTANT` where these do not say it.

    OverflowError unless it is in UTC: another offset would be lost, and with it the
    canonical bytes that the commitment is over.
    """
    if at is None:
        return NO_INSTANT
    if at.tzinfo is not UTC and at.utcoffset() != timedelta(0):
        raise OverflowError
    return _seconds(at)


@lru_cache(maxsize=_INSTANTS_REMEMBERED)
def _seconds(at: datetime) -> int:
    seconds, rest = divmod(at - _EPOCH, _SECOND)
    return ODD_INSTANT if rest or not 0 <= seconds < NO_INSTANT else seconds


def pack_odd_instant(at: datetime | None) -> bytes:
    """Return what follows the head for an instant whose field is `ODD_INSTANT`."""
    return b"" if at is None else _i64.pack((at - _EPOCH) // _MICROSECOND)


def unpack_instant(field: int, packed: bytes, at: int) -> tuple[datetime, int]:
    """Return the instant a field means, and the position after what followed the head."""
    if field == ODD_INSTANT:
        return _EPOCH + int(_i64.unpack_from(packed, at)[0]) * _MICROSECOND, at + _i64.size
    return _instant(field), at


@lru_cache(maxsize=_INSTANTS_REMEMBERED)
def _instant(field: int) -> datetime:
    if field == NO_INSTANT:
        raise PackedBroken
    return _EPOCH + timedelta(seconds=field)


@lru_cache(maxsize=_INSTANTS_REMEMBERED)
def unpack_day(field: int) -> date:
    """Return the civil day of an ordinal (1 is 0001-01-01); ValueError where there is none."""
    return date.fromordinal(field)

"""The one entry of an SGE zip, read strictly and in bounded memory.

Theory of operation
-------------------
An SGE zip holds exactly one document, so a general zip reader, with its search
for signatures and its tolerance, is more than is needed and is where hostile
archives live. Here the only layout accepted is the one a plain writer makes,
each part beginning where the one before ends (APPNOTE.TXT 6.3.10, 4.3.6)::

    0 │ local header │ data │ [data descriptor] │ central header │ end record │ end of file

The end record (22 bytes, no comment) is taken at the very end and nowhere else;
it counts one entry; its central header starts where the data ended; the local
header is at offset 0 and says the same as the central one. Hence nothing can
overlap, hide before, between or behind, or stand twice, and no count can be a
lie. Zip64 is refused outright: its purpose is sizes that cannot occur here.

Sizes are known before the first byte is inflated, and the inflater is asked for
no more than was declared. Limits:

* `LARGEST_BYTES`, 48,000,000: a file of 3,000 meters is 9 to 12 MB, and four days
  of them in one file (days that were late, sent again) still fit.
* `LARGEST_RATIO`, 200: a file of our simulator, all labels alike, is deflated about
  30 times; deflate itself ends at 1,032.

The CRC is checked when the last byte was read: whoever consumes `chunks` must
read to the end before handing anything on.
"""

from __future__ import annotations

import re
import stat
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from adapters.dso.refusal import Code, FileRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_BYTES: Final = 48_000_000
"""Most bytes of a document, inflated or plain."""
LARGEST_RATIO: Final = 200
"""Most bytes inflated from one."""
CHUNK: Final = 65_536
"""Bytes handed on at a time."""

_LOCAL: Final = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END: Final = struct.Struct("<4sHHHHLLH")
_DESCRIPTOR: Final = struct.Struct("<4sLLL")
_SAFE_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,159}", re.ASCII)
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _DESCRIBED, _STRONG, _UTF8 = 0x0001, 0x0008, 0x0040, 0x0800
_HARMLESS_FLAGS: Final = _DESCRIBED | _UTF8 | 0x0006
_PIECE: Final = 16_384
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF
_ZIP64_EXTRA, _UNICODE_PATH_EXTRA = 0x0001, 0x7075


class ArchiveRefused(FileRefused):
    """The zip is not one document in the plain layout; `code` says what it is instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The one document of a zip: its name, its size and where its data lies."""

    name: str
    size: int
    crc: int
    method: int
    data: memoryview = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    name: bytes


def open_archive(content: bytes) -> Entry:
    """Return the one entry of a zip, checked as far as its headers go; raise `ArchiveRefused`."""
    start, central, after = _central(content)
    _check_central(central)
    data_at = _check_local(content, central)
    end = data_at + central.packed
    if end + _descriptor_bytes(content, central, end) != start:
        raise ArchiveRefused(Code.ZIP_LAYOUT, "the zip's parts overlap or leave a gap")
    if after != len(content) - _END.size:
        raise ArchiveRefused(Code.ZIP_LAYOUT, "the zip's directory does not end where it says")
    return Entry(
        name=_entry_name(central.name),
        size=central.size,
        crc=central.crc,
        method=central.method,
        data=memoryview(content)[data_at:end],
    )


def chunks(entry: Entry) -> Iterator[bytes]:
    """Yield an entry's bytes, a chunk at a time; raise `ArchiveRefused` if they are not whole."""
    crc, seen = 0, 0
    for chunk in _inflate(entry) if entry.method == _DEFLATED else _stored(entry):
        seen += len(chunk)
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if seen != entry.size:
        raise ArchiveRefused(Code.TRUNCATED_ZIP, "the zip's document is shorter than it says")
    if crc != entry.crc:
        raise ArchiveRefused(Code.CRC, "the zip's document does not match its checksum")


def _central(content: bytes) -> tuple[int, _Header, int]:
    """Return where the only central header starts, what it says, and where it ends."""
    end_at = len(content) - _END.size
    if end_at < 0 or content[end_at : end_at + 4] != b"PK\x05\x06":
        raise _no_end_record(content)
    _, disk, first, here, count, length, start, comment = _END.unpack_from(content, end_at)
    if _FULL_16 in (disk, first, here, count) or _FULL_32 in (length, start):
        raise ArchiveRefused(Code.ZIP64, "the zip is in the 64-bit form, which no SGE file needs")
    if comment or disk or first:
        raise ArchiveRefused(Code.ZIP_LAYOUT, "the zip has a comment or several volumes")
    if (here, count) != (1, 1):
        raise ArchiveRefused(Code.ZIP_ENTRIES, f"the zip holds {count} entries where there is one")
    if start + length != end_at or length < _CENTRAL.size:
        raise ArchiveRefused(Code.ZIP_LAYOUT, "the zip's directory is not where it is said to be")
    fields = _CENTRAL.unpack_from(content, start)
    signature, _, _, flags, method, _, _, crc, packed, size = fields[:10]
    name_bytes, extra_bytes, comment_bytes, volume, _, external, local_at = fields[10:]
    if signature != b"PK\x01\x02" or comment_bytes or volume or local_at:
        raise ArchiveRefused(Code.ZIP_LAYOUT, "the zip's directory entry is not of the plain form")
    _check_kind(external)
    name_at = start + _CENTRAL.size
    extra_at = name_at + name_bytes
    _check_extra(content[extra_at : extra_at + extra_bytes])
    header = _Header(
        flags=flags,
        method=method,
        crc=crc,
        packed=packed,
        size=size,
        name=content[name_at:extra_at],
    )
    return start, header, extra_at + extra_bytes


def _no_end_record(content: bytes) -> ArchiveRefused:
    at = content.rfind(b"PK\x05\x06", max(0, len(content) - _FULL_16 - _END.size))
    if 0 <= at < len(content) - _END.size:
        return ArchiveRefused(Code.TRAILING_BYTES, "bytes follow the end of the zip")
    return ArchiveRefused(Code.TRUNCATED_ZIP, "the zip has no end: it was cut short")


def _check_central(header: _Header) -> None:
    if header.flags & (_ENCRYPTED | _STRONG):
        raise ArchiveRefused(Code.ZIP_ENCRYPTED, "the zip's entry has a password of its own")
    if header.flags & ~_HARMLESS_FLAGS:
        raise ArchiveRefused(
            Code.ZIP_LAYOUT, "the zip's entry has a flag that no plain writer sets"
        )
    if header.method not in (_STORED, _DEFLATED):
        raise ArchiveRefused(Code.ZIP_METHOD, f"compression method {header.method} is not deflate")
    if _FULL_32 in (header.packed, header.size):
        raise ArchiveRefused(Code.ZIP64, "the zip is in the 64-bit form, which no SGE file needs")
    if header.size > LARGEST_BYTES or header.size > LARGEST_RATIO * header.packed:
        raise ArchiveRefused(Code.BOMB, f"{header.packed} bytes say they inflate to {header.size}")


def _check_local(content: bytes, central: _Header) -> int:
    """Return where the data starts, the local header having said what the central one says."""
    if len(content) < _LOCAL.size:
        raise ArchiveRefused(Code.TRUNCATED_ZIP, "the zip is shorter than its first header")
    fields = _LOCAL.unpack_from(content)
    signature, _, flags, method, _, _, crc, packed, size, name_bytes, extra_bytes = fields
    sizes = (crc, packed, size)
    expected = (central.crc, central.packed, central.size)
    if signature != b"PK\x03\x04" or (flags, method) != (central.flags, central.method):
        raise ArchiveRefused(Code.ZIP_LAYOUT, "the zip's two headers disagree")
    name_at = _LOCAL.size
    extra_at = name_at + name_bytes
    if content[name_at:extra_at] != central.name:
        raise ArchiveRefused(Code.ENTRY_NAME, "the zip's two headers disagree on its name")
    _check_extra(content[extra_at : extra_at + extra_bytes])
    if sizes != expected and not (flags & _DESCRIBED and sizes == (0, 0, 0)):
        raise ArchiveRefused(Code.ZIP_LAYOUT, "the zip's two headers disagree on its size")
    data_at: int = extra_at + extra_bytes
    return data_at


def _descriptor_bytes(content: bytes, central: _Header, at: int) -> int:
    """Return the length of the data descriptor: 0, 12 or 16 (4.3.9; Java writes 16)."""
    if not central.flags & _DESCRIBED:
        return 0
    said = (central.crc, central.packed, central.size)
    if content[at : at + _DESCRIPTOR.size] == _DESCRIPTOR.pack(b"PK\x07\x08", *said):
        return _DESCRIPTOR.size
    if content[at : at + 12] == struct.pack("<LLL", *said):
        return 12
    raise ArchiveRefused(Code.ZIP_LAYOUT, "the zip's data is not followed by what describes it")


def _check_kind(external: int) -> None:
    kind = stat.S_IFMT(external >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ArchiveRefused(Code.ENTRY_KIND, "the zip's entry is a link or no file at all")


def _check_extra(extra: bytes) -> None:
    at = 0
    while at < len(extra):
        if at + 4 > len(extra):
            raise ArchiveRefused(Code.ZIP_LAYOUT, "the zip has an extra field that is cut")
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == _ZIP64_EXTRA:
            raise ArchiveRefused(
                Code.ZIP64, "the zip is in the 64-bit form, which no SGE file needs"
            )
        if kind == _UNICODE_PATH_EXTRA:
            raise ArchiveRefused(Code.ENTRY_NAME, "the zip's entry has a second name")
        at += 4 + length
    if at != len(extra):
        raise ArchiveRefused(Code.ZIP_LAYOUT, "the zip has an extra field that is cut")


def _entry_name(name: bytes) -> str:
    text = name.decode("ascii", "replace")
    if not _SAFE_NAME.fullmatch(text):
        raise ArchiveRefused(
            Code.ENTRY_NAME, "the zip's entry has a path or a name of odd characters"
        )
    return text


def _inflate(entry: Entry) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    left = entry.size
    try:
        for at in range(0, len(entry.data), _PIECE):
            pending: bytes | memoryview = entry.data[at : at + _PIECE]
            if inflater.eof:
                raise ArchiveRefused(Code.ZIP_LAYOUT, "bytes hide behind the zip's document")
            while pending and left:
                chunk = inflater.decompress(pending, min(CHUNK, left))
                pending = inflater.unconsumed_tail
                left -= len(chunk)
                if chunk:
                    yield chunk
            if not left and inflater.decompress(pending, 1):
                raise ArchiveRefused(Code.BOMB, "the zip's document is longer than it says")
    except zlib.error:
        raise ArchiveRefused(Code.TRUNCATED_ZIP, "the zip's document cannot be inflated") from None
    if not inflater.eof:
        raise ArchiveRefused(Code.TRUNCATED_ZIP, "the zip's document ends too early")
    if inflater.unused_data:
        raise ArchiveRefused(Code.ZIP_LAYOUT, "bytes hide behind the zip's document")


def _stored(entry: Entry) -> Iterator[bytes]:
    for at in range(0, len(entry.data), CHUNK):
        yield bytes(entry.data[at : at + CHUNK])

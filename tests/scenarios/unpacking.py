"""Whatever lies compressed in some bytes, taken out: a search that skips it proves nothing.

Streams are found by how they begin, wherever that is: zlib, gzip, bzip2, xz, the members of a
zip, and what PostgreSQL compresses by itself (pglz), in a row or in a chunk beside its table.
What does not decompress to its end gives what it held until there.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LARGEST: Final = 64 << 20
NESTED: Final = 2
"""How many times what was taken out is looked through again."""

_ZLIB: Final = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_GZIP: Final = re.compile(rb"\x1f\x8b\x08")
_ZIP: Final = re.compile(rb"PK\x03\x04")
_BZIP2: Final = re.compile(rb"BZh[1-9]1AY&SY")
_XZ: Final = re.compile(rb"\xfd7zXZ\0")
_TAGGED: Final = b"[" + re.escape(bytes(range(2, 256, 4))) + b"]"
_PGLZ: Final = re.compile(rb"(?=" + _TAGGED + rb"[\0-\x7f]\0\0..[\0-\x0f]\0)", re.DOTALL)
"""The header of a compressed value in a row (tag 10, below 8 KiB), then its whole size."""

_CHUNK: Final = re.compile(
    rb"(?=[" + re.escape(bytes(range(0, 256, 4))) + rb"][\1-\x20]\0\0"
    rb"(?:.[\x07-\xff]\0|..[\1-\x3f])\0)",
    re.DOTALL,
)
"""A chunk's own header (tag 00, at least 64 bytes and below 8 KiB), then a size above a chunk's."""

_CHUNK_MAX: Final = 1_996
"""Bytes of a large value that lie in one chunk; the first begins with the value's whole size."""

_SHORTEST: Final = 16


def unpacked(content: bytes, *, pages: bool, depth: int = NESTED) -> Iterator[bytes]:
    """Yield all that lies compressed in some bytes; with `pages` as PostgreSQL does it too."""
    for found in _streams(content, pages=pages):
        yield found
        if depth > 1:
            yield from unpacked(found, pages=False, depth=depth - 1)


def _streams(content: bytes, *, pages: bool) -> Iterator[bytes]:
    view = memoryview(content)
    openers: tuple[tuple[re.Pattern[bytes], Callable[[memoryview], bytes]], ...] = (
        (_ZLIB, lambda at: _drain(zlib.decompressobj(), at)),
        (_GZIP, lambda at: _drain(zlib.decompressobj(wbits=31), at)),
        (_ZIP, _member),
        (_BZIP2, lambda at: _drain(bz2.BZ2Decompressor(), at)),
        (_XZ, lambda at: _drain(lzma.LZMADecompressor(), at)),
    )
    for pattern, opener in openers:
        for match in pattern.finditer(content):
            if len(found := opener(view[match.start() :])) >= _SHORTEST:
                yield found
    if pages:
        yield from _values(content)


def _drain(
    decompressor: zlib._Decompress | bz2.BZ2Decompressor | lzma.LZMADecompressor, packed: memoryview
) -> bytes:
    out = bytearray()
    for start in range(0, len(packed), 1 << 12):
        try:
            out += decompressor.decompress(packed[start : start + (1 << 12)])
        except (zlib.error, OSError, EOFError, lzma.LZMAError):
            break
        if decompressor.eof or len(out) > LARGEST:
            break
    return bytes(out)


def _member(packed: memoryview) -> bytes:
    """Return a deflated member of a zip, whose name and extra field lie before it."""
    if bytes(packed[8:10]) != b"\x08\0":
        return b""
    skipped = 30 + sum(int.from_bytes(packed[at : at + 2], "little") for at in (26, 28))
    return _drain(zlib.decompressobj(wbits=-15), packed[skipped:])


def _values(content: bytes) -> Iterator[bytes]:
    for match in _PGLZ.finditer(content):
        at = match.start()
        size = int.from_bytes(content[at : at + 4], "little") >> 2
        whole = int.from_bytes(content[at + 4 : at + 8], "little")
        if _SHORTEST < size < whole + 8 <= 100 * size:
            yield pglz(content[at + 8 : at + size], whole)
    for match in _CHUNK.finditer(content):
        at = match.start()
        size = int.from_bytes(content[at : at + 4], "little") >> 2
        whole = int.from_bytes(content[at + 4 : at + 8], "little")
        if size <= _CHUNK_MAX + 4 and whole > _CHUNK_MAX:
            yield pglz(content[at + 8 : at + size], whole)


def pglz(packed: bytes, whole: int) -> bytes:
    """Decompress as PostgreSQL's pg_lzcompress.c does, as far as it goes.

    A control byte says of the next eight items, lowest bit first, whether each is one byte as
    it is, or a copy: 12 bits of distance and 4 of length less 3, where 15 is followed by more.
    """
    out, at, end = bytearray(), 0, len(packed)
    while at < end and len(out) < whole:
        control, at = packed[at], at + 1
        for bit in range(8):
            if at >= end or len(out) >= whole:
                break
            if not control >> bit & 1:
                out.append(packed[at])
                at += 1
                continue
            if at + 1 >= end:
                return bytes(out)
            length, distance = (packed[at] & 0x0F) + 3, (packed[at] & 0xF0) << 4 | packed[at + 1]
            at += 2
            if length == 18 and at < end:
                length, at = length + packed[at], at + 1
            if not 0 < distance <= len(out):
                return bytes(out)
            for _ in range(min(length, whole - len(out))):
                out.append(out[-distance])
    return bytes(out)

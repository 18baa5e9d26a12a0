"""What is known of one person, in every form it might lie about in, and where to look for it."""

from __future__ import annotations

import base64
import hashlib
import struct
import sys
import uuid
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_SPACES: Final = (uuid.NAMESPACE_DNS, uuid.NAMESPACE_OID, uuid.NAMESPACE_URL, uuid.NAMESPACE_X500)
WORD: Final = 4
SHORTEST: Final = 2 * WORD - 1
"""What is shorter would be found by chance."""

_DIGESTS: Final = ("md5", "sha1", "sha256", "blake2b")


def forms(fact: str) -> Iterator[bytes]:
    """Yield a fact plain, in hexadecimal, in base64, hashed, and as the UUIDs derived from it."""
    for text in {fact, fact.lower(), fact.upper()}:
        raw = text.encode()
        yield from _spellings(raw)
        yield text.encode("utf-16-le")
        for name in _DIGESTS:
            digest = hashlib.new(name, raw).digest()
            yield digest
            yield digest.hex().encode()
            yield base64.urlsafe_b64encode(digest).rstrip(b"=")
    for space in _SPACES:
        for derived in (uuid.uuid5(space, fact), uuid.uuid3(space, fact)):
            yield derived.bytes
            yield derived.hex.encode()
            yield str(derived).encode()
    if fact.isdecimal():
        yield from _numbers(int(fact))


def _spellings(raw: bytes) -> Iterator[bytes]:
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):
        # In base64 a text looks one of three ways, by where it begins; the edges depend on
        # what stands beside it and are left out.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(bytes(shift) + raw + bytes(-(shift + len(raw)) % 3))
            yield encoded[4 * (shift > 0) : -4]


def _numbers(value: int) -> Iterator[bytes]:
    yield struct.pack(">q", value)
    yield struct.pack("<q", value)


def search(
    directory: Path, canaries: Iterable[str], texts: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return every (canary, place) found in a directory's files, names and the texts given.

    Every byte of every file is looked at, whatever kind of file it is.
    """
    wanted = {form: fact for fact in canaries for form in forms(fact) if len(form) >= SHORTEST}
    by_word: dict[int, set[bytes]] = {}
    for form in wanted:
        for shift in range(WORD):
            word = int.from_bytes(form[shift : shift + WORD], sys.byteorder)
            by_word.setdefault(word, set()).add(form)
    found: set[tuple[str, str]] = set()
    for place, content in _contents(directory, texts):
        maybe = {form for word in by_word.keys() & _words(content) for form in by_word[word]}
        found.update((wanted[form], place) for form in maybe if form in content)
    return sorted(found)


def _words(content: bytes) -> set[int]:
    """Return the words at every fourth byte: of whatever is seven bytes long, one is among them."""
    return set(memoryview(content + bytes(-len(content) % WORD)).cast("I"))


def _contents(directory: Path, texts: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_file():
            # The empty end of a segment of the write-ahead log holds nothing.
            yield name, name.encode() + b"\0" + path.read_bytes().rstrip(b"\0")
    for place, text in texts.items():
        yield place, text.encode()

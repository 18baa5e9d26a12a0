"""What is known of one person, in every form it might lie about in, and where to look for it."""

from __future__ import annotations

import base64
import hashlib
import json
import quopri
import struct
import sys
import uuid
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from tests.scenarios.unpacking import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

_SPACES: Final = (uuid.NAMESPACE_DNS, uuid.NAMESPACE_OID, uuid.NAMESPACE_URL, uuid.NAMESPACE_X500)
_FOUR: Final = 4
_EIGHT: Final = 8
_LONG: Final = 2 * _EIGHT - 1
SHORTEST: Final = 2 * _FOUR - 1
"""What is shorter would be found by chance."""

_DIGESTS: Final = ("md5", "sha1", "sha256", "blake2b")


def forms(fact: str) -> Iterator[bytes]:
    """Yield a fact plain, in hexadecimal, in base64, hashed, and as the UUIDs derived from it."""
    for text in {fact, fact.lower(), fact.upper()}:
        raw = text.encode()
        yield from _spellings(raw)
        for wide in (text.encode("utf-16-le"), text.encode("utf-16-be")):
            yield wide
            yield wide.hex().encode()
        yield text.encode("latin-1", "replace")
        yield json.dumps(text)[1:-1].encode()
        yield quote(text).encode()
        yield quopri.encodestring(raw)
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


class Seeker:
    """Looks for facts in all their forms; the same content is looked through once.

    A form is found by its words: of whatever is long enough, one of the words at every eighth
    (or fourth) byte lies within it, however it is aligned.
    """

    def __init__(self, canaries: Iterable[str]) -> None:
        """Take the facts."""
        wanted = {form: fact for fact in canaries for form in forms(fact) if len(form) >= SHORTEST}
        self._facts = wanted
        self._tables = {
            size: _by_word(
                [form for form in wanted if (len(form) >= _LONG) == (size == _EIGHT)], size
            )
            for size in (_FOUR, _EIGHT)
        }
        self._known: dict[bytes, frozenset[str]] = {}

    def search(self, directory: Path, texts: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return every (fact, place) found in a directory's files, names and the texts given.

        Every byte of every file is looked at, whatever kind of file it is, and what lies
        compressed in it too.
        """
        found: set[tuple[str, str]] = set()
        for path in sorted(directory.rglob("*")):
            name = path.relative_to(directory).as_posix()
            if path.is_file():
                # The empty end of a segment of the write-ahead log holds nothing.
                content = path.read_bytes().rstrip(b"\0")
                facts = self._within(name.encode()) | self._in_file(content, "postgres" in name)
                found.update((fact, name) for fact in facts)
        for place, text in texts.items():
            found.update((fact, place) for fact in self._within(text.encode()))
        return sorted(found)

    def _in_file(self, content: bytes, pages: bool) -> frozenset[str]:
        digest = hashlib.sha256(content).digest()
        if digest not in self._known:
            packed = b"\0".join(unpacked(content, pages=pages))
            self._known[digest] = self._within(content) | self._within(packed)
        return self._known[digest]

    def _within(self, content: bytes) -> frozenset[str]:
        maybe: set[bytes] = set()
        for size, table in self._tables.items():
            padded = memoryview(content + bytes(-len(content) % size))
            present = table.keys() & set(padded.cast("Q" if size == _EIGHT else "I"))
            maybe.update(form for word in present for form in table[word])
        return frozenset(self._facts[form] for form in maybe if form in content)


def _by_word(some: Iterable[bytes], size: int) -> dict[int, set[bytes]]:
    table: dict[int, set[bytes]] = {}
    for form in some:
        for shift in range(size):
            word = int.from_bytes(form[shift : shift + size], sys.byteorder)
            table.setdefault(word, set()).add(form)
    return table


def search(
    directory: Path, canaries: Iterable[str], texts: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Search once; see `Seeker.search`."""
    return Seeker(canaries).search(directory, texts)

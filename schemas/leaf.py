"""What everyone may read for ever: the leaf of an event, and of a reading.

An event's leaf is a canonical JSON object of at most 16 KiB, and an entry of the
public Merkle tree. A reading's leaf is 65 bytes and an entry of its delivery's
own tree, whose root is in the delivery's leaf.

Members of an event's leaf::

    v           1, the form of the leaf
    type        "ConsentGranted.v1"
    event       random id of the event
    hour        "2026-11-25T03Z", a claim of the metropolis until it is cosigned
    rest        digest of what is not here: SHA-256(SHA-256(header) ‖ private zone)
    commitment  of the sealed payload; or
    payload     the payload itself, where the event has no data subject
    consent     lineage: the random id of a consent, never of a person or a meter
    cites       hash of the leaf of the agreement that a grant or delivery rests on
    category, last_day   of a consent
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

import msgspec

from domain.errors import Corrupt
from schemas import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

LEAF_MAX: Final = 16 * 1024
"""The largest leaf, in bytes."""

READING_LEAF_SIZE: Final = 65
"""Bytes of a reading's leaf."""

_reading = struct.Struct(">B16s16s32s")


class LeafBroken(Corrupt):
    """Bytes that should be a leaf of ours are none."""

    def __init__(self, why: str) -> None:
        """Say in a word what is wrong; the bytes themselves stay out."""
        super().__init__(
            f"a leaf does not parse: {why}; the record that holds it was not written by this "
            "ledger or was altered; run 'metroledger audit'"
        )


class Leaf(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """An event's leaf, member by member; see the module's docstring."""

    v: int
    type: str
    event: UUID
    hour: str
    rest: str
    commitment: str | None = None
    payload: dict[str, Any] | None = None
    consent: UUID | None = None
    cites: str | None = None
    category: str | None = None
    last_day: str | None = None


class ReadingLeaf(NamedTuple):
    """A reading's leaf: its kind (see `schemas.registry`), ids and commitment."""

    kind: int
    event: bytes
    consent: bytes
    commitment: bytes


_decoder = msgspec.json.Decoder(Leaf)


def hour_of(instant: datetime) -> str:
    """Return the UTC hour a leaf shows: coarse on purpose, it is public for ever."""
    return instant.strftime("%Y-%m-%dT%HZ")


def encode_leaf(leaf: Leaf) -> bytes:
    """Return the canonical bytes of a leaf; refuse one above 16 KiB."""
    encoded = canonical.encode(leaf)
    if len(encoded) > LEAF_MAX:
        raise LeafBroken(f"{len(encoded)} bytes, more than {LEAF_MAX}")
    return encoded


def decode_leaf(encoded: bytes) -> Leaf:
    """Parse a leaf's bytes; refuse any spelling of it that is not the canonical one."""
    try:
        leaf = _decoder.decode(encoded)
    except (ValueError, RecursionError) as error:  # msgspec's own, bad UTF-8, nesting without end
        raise LeafBroken("not the JSON of a leaf") from error
    if leaf.v != 1 or canonical.encode(leaf) != encoded or not canonical.is_plain(leaf.payload):
        raise LeafBroken("not the canonical form")
    return leaf


def encode_reading_leaf(leaf: ReadingLeaf) -> bytes:
    """Return the 65 bytes of a reading's leaf: kind ‖ event ‖ consent ‖ commitment."""
    return _reading.pack(*leaf)


def decode_reading_leaf(encoded: bytes) -> ReadingLeaf:
    """Parse the 65 bytes of a reading's leaf."""
    if len(encoded) != READING_LEAF_SIZE:
        raise LeafBroken(f"{len(encoded)} bytes where a reading's leaf has {READING_LEAF_SIZE}")
    return ReadingLeaf(*_reading.unpack(encoded))


def each_reading_leaf(leaves: bytes) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """Return kind, event, consent and commitment of reading leaves that lie end to end."""
    return _reading.iter_unpack(leaves)


def rest_of(header_digest: bytes, private: bytes) -> str:
    """Return the digest by which a leaf binds its commit's header and its private zone.

    `header_digest` is the SHA-256 of the header's bytes.
    """
    return canonical.b64(hashlib.sha256(header_digest + private).digest())

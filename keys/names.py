"""What a sub-key is called.

A name is a handful of random ids and a year: never a name, an e-mail or a meter
number. A key is minted once for a name, and the name outlives the key: a digest
of it (its *tag*) stays behind in the store and in the journal, so that no
process, however old its view, can mint it again. The tag is a plain digest
because its input holds 128 random bits; whoever knows the ids can recognise it,
nobody can search it.
"""

import enum
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING
from uuid import UUID

from domain.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

TAG_SIZE = 16
"""Bytes of a tag: random ids go in, so 128 bits keep two names apart for ever."""

_NO_CONSENT = bytes(17)
_FIRST_YEAR = 1
_LAST_YEAR = 9999


class Purpose(enum.IntEnum):
    """What a sub-key seals. The numbers are stored, and never change their meaning."""

    PROFILE = 1
    """A person's name, e-mail, meters: one for the life of the account."""
    EVIDENCE = 2
    """How a consent was given: one per consent."""
    READINGS = 3
    """What was measured: one per consent and civil year of the reading's start."""
    ACCESS = 4
    """Who looked at whom: one per person and year."""
    DELIVERY = 5
    """Keyed ids of deliveries: one per territory and year."""
    PARKED = 6
    """An unreadable file; the file's own random id is the owner."""
    REACTIONS = 7
    """Keyed ids of the commands that reactions issue: one per territory."""
    NOTICE = 8
    """A notice to be delivered; its own id is the owner, so it outlives whom it is about."""


_SHAPES = {
    Purpose.PROFILE: (False, False),
    Purpose.EVIDENCE: (True, False),
    Purpose.READINGS: (True, True),
    Purpose.ACCESS: (False, True),
    Purpose.DELIVERY: (False, True),
    Purpose.PARKED: (False, False),
    Purpose.REACTIONS: (False, False),
    Purpose.NOTICE: (False, False),
}
"""For each purpose: does its name hold a consent, does it hold a year."""


class MisshapenName(Malformed):
    """A key name lacks what its purpose asks for, or has more."""

    def __init__(self, purpose: Purpose) -> None:
        """Name the purpose whose shape was missed."""
        consent, year = _SHAPES[purpose]
        super().__init__(
            f"A key for {purpose.name} is named {'with' if consent else 'without'} a consent "
            f"and {'with' if year else 'without'} a year between 1 and 9999: correct the caller."
        )
        self.purpose = purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyName:
    """The name of one sub-key.

    ``owner`` is an account's id, a territory's for keys that belong to nobody, a
    parked file's or a notice's. ``year`` is a civil year in Europe/Paris.
    Raises `MisshapenName` when consent or year do not suit the purpose.
    """

    owner: UUID
    purpose: Purpose
    consent: UUID | None = None
    year: int | None = None

    def __post_init__(self) -> None:
        """Hold the name to its purpose's shape."""
        consent, year = _SHAPES[self.purpose]
        fits = (self.consent is not None) == consent and (self.year is not None) == year
        if not fits or (self.year is not None and not _FIRST_YEAR <= self.year <= _LAST_YEAR):
            raise MisshapenName(self.purpose)


def tag(name: KeyName) -> bytes:
    """Digest a name to the 16 bytes that stay behind when its key is destroyed."""
    consent = _NO_CONSENT if name.consent is None else b"\1" + name.consent.bytes
    tail = (name.purpose << 16 | (name.year or 0)).to_bytes(4, "big")
    return _digest(name.owner.bytes + consent + tail, b"key name")


def owner_tag(owner: UUID) -> bytes:
    """Digest an owner, for the mark that its key was destroyed or its names are closed."""
    return _digest(owner.bytes, b"key owner")


def consent_tag(owner: UUID, consent: UUID) -> bytes:
    """Digest a consent of an owner, for the mark that it has ended."""
    return _digest(owner.bytes + consent.bytes, b"key consent")


def tags(names: "Iterable[KeyName]") -> dict[bytes, KeyName]:
    """Map the tag of each name to the name, each once, in the order given."""
    return {tag(name): name for name in names}


def _digest(content: bytes, person: bytes) -> bytes:
    return blake2b(content, digest_size=TAG_SIZE, person=person).digest()

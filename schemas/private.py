"""The private zone of an event: what the metropolis and its auditors read.

Bound by the leaf's digest, so no byte of it can be altered unseen; never
published, and it names nobody: every id is random. Fixed form::

    form 1 ‖ salt 16 ‖ stream 16 ‖ version u32 ‖ time i64 µs ‖ key id 16
    ‖ role u8 ‖ actor 16 ‖ extra

`extra` is the list of 16-byte ids that some types carry: the key ids of a
delivery's readings, in their order; the key ids whose destruction is ordered.
The salt keeps `rest` from being guessed out of the other members.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from domain.errors import Corrupt
from domain.values import Role

_fixed = struct.Struct(">B16s16sIq16sB16s")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ROLES: Final = (
    Role.RESIDENT,
    Role.ADMINISTRATOR,
    Role.DATA_PROTECTION_OFFICER,
    Role.OPERATOR,
    Role.SYSTEM,
    Role.AUDITOR,
    Role.SYSTEM_OPERATOR,
)
"""Stored by position: append only."""

NO_KEY: Final = UUID(int=0)
"""The key id of an event that no key seals."""


class PrivateBroken(Corrupt):
    """Bytes that should be a private zone are none."""

    def __init__(self, length: int) -> None:
        """Take the length only."""
        super().__init__(
            f"a private zone of {length} bytes does not parse; the record was altered or was not "
            "written by this ledger; run 'metroledger audit'"
        )


class Private(NamedTuple):
    """The private zone, field by field."""

    salt: bytes
    stream: UUID
    version: int
    at: datetime
    key: UUID
    role: Role
    actor: UUID
    extra: bytes = b""


def ids_in(extra: bytes) -> list[UUID]:
    """Return the ids that a private zone's `extra` is made of, in order."""
    return [UUID(bytes=extra[at : at + 16]) for at in range(0, len(extra), 16)]


def encode_private(private: Private) -> bytes:
    """Return the bytes of a private zone."""
    fixed = _fixed.pack(
        1,
        private.salt,
        private.stream.bytes,
        private.version,
        (private.at - _EPOCH) // _MICROSECOND,
        private.key.bytes,
        _ROLES.index(private.role),
        private.actor.bytes,
    )
    return fixed + private.extra


def decode_private(encoded: bytes) -> Private:
    """Parse the bytes of a private zone."""
    if len(encoded) < _fixed.size or (len(encoded) - _fixed.size) % 16 or encoded[0] != 1:
        raise PrivateBroken(len(encoded))
    _, salt, stream, version, at, key, role, actor = _fixed.unpack_from(encoded)
    try:
        instant = _EPOCH + at * _MICROSECOND
        who = _ROLES[role]
    except (OverflowError, IndexError):
        raise PrivateBroken(len(encoded)) from None
    return Private(
        salt,
        UUID(bytes=stream),
        version,
        instant,
        UUID(bytes=key),
        who,
        UUID(bytes=actor),
        encoded[_fixed.size :],
    )

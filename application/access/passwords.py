"""Passwords: argon2id hashes, sealed under their owner's profile key.

An owner is a resident's account or a member of the staff.

Parameters are OWASP's (19 MiB, two passes, one lane); a hash of weaker ones is made again
when its owner signs in. Nobody can tell by the time it takes whether an account exists: an
unknown e-mail costs a verification too.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import Refused
from keys import sealing
from keys.index import OwnerGone
from keys.names import KeyName, Purpose

if TYPE_CHECKING:
    from uuid import UUID

    from application.access.stores import AccessStore
    from application.services import Services

SHORTEST: Final = 12
LONGEST: Final = 256

_hasher: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_nobodys: Final = _hasher.hash("nobody has this password")


class PasswordUnfit(Refused):
    """The password is too short or too long."""

    status = 422

    def __init__(self) -> None:
        """Take nothing: the password itself is nobody's."""
        super().__init__(f"a password has {SHORTEST} to {LONGEST} characters; choose another one")


def require_fit(password: str) -> None:
    """Raise `PasswordUnfit` unless a password may be chosen (NIST SP 800-63B: length alone)."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordUnfit


def keep(services: Services, store: AccessStore, owner: UUID, password: str) -> None:
    """Keep an owner's password, hashed and sealed; raises what `sealed` does."""
    store.put_credential(owner, sealed(services, owner, password))


def sealed(services: Services, owner: UUID, password: str) -> bytes:
    """Return what is kept of an owner's password.

    Raises `PasswordUnfit`, and `OwnerGone` where the owner was erased meanwhile.
    """
    require_fit(password)
    key = services.keys.find([_name(owner)]).get(_name(owner))
    if key is None:
        raise OwnerGone(owner)
    return sealing.seal(key, _hasher.hash(password).encode(), _binding(owner))


def matches(services: Services, store: AccessStore, owner: UUID | None, password: str) -> bool:
    """Tell whether a password is the owner's; takes as long for nobody at all."""
    hashed = _hash_of(services, store, owner) if owner else None
    try:
        _hasher.verify(hashed or _nobodys, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    if owner is None or hashed is None:
        return False
    if _hasher.check_needs_rehash(hashed):
        with contextlib.suppress(OwnerGone):
            keep(services, store, owner, password)
    return True


def fingerprint(store: AccessStore, owner: UUID) -> bytes:
    """Return 16 bytes that change with the password, to bind a ticket to the present one."""
    kept = store.credential(owner) or b""
    return kept[-16:]


def _hash_of(services: Services, store: AccessStore, owner: UUID) -> str | None:
    kept = store.credential(owner)
    key = services.keys.find([_name(owner)]).get(_name(owner))
    if kept is None or key is None:
        return None
    return sealing.open(key, kept, _binding(owner)).decode()


def _name(owner: UUID) -> KeyName:
    return KeyName(owner=owner, purpose=Purpose.PROFILE)


def _binding(owner: UUID) -> bytes:
    return b"metroledger/credential/v1\0" + owner.bytes

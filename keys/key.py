"""A key, its fingerprint, and its wrapped form.

Keys wrap keys by AES-256-GCM with a random nonce. The associated data says whose
key it is and which: a wrapped key that is moved to another row, another owner,
another name or another epoch opens nothing. A wrapped key is 60 bytes: nonce
(12), ciphertext (32), tag (16). One wrapping key makes far fewer than 2^32 wraps
(NIST SP 800-38D): a person's key wraps a few hundred sub-keys, an epoch's one
key per living person and the re-keyings of one epoch.

Python cannot wipe a `bytes` object. What this code can do, it does: a secret is
never kept beyond the call that asked for it, and is never in a `repr`.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from os import urandom
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Corrupt

SECRET_SIZE = 32
WRAPPED_SIZE = 60
_NONCE_SIZE = 12
_FINGERPRINT = b"metroledger/key-fingerprint/v1\0"
_PERSON = b"metroledger/person-key/v1\0"
_SUB = b"metroledger/sub-key/v1\0"


class WrapBroken(Corrupt):
    """A wrapped key does not open under the key that should have wrapped it."""

    def __init__(self, key_id: UUID) -> None:
        """Name the key whose wrapped form is broken."""
        super().__init__(
            f"Key {key_id} does not open where it stands: its row was altered or moved, "
            "or the store is a mixture of two copies. Restore the last backup of the key store."
        )
        self.key_id = key_id


@dataclass(frozen=True, slots=True)
class Key:
    """A sub-key: its random id, and 32 secret bytes that no `repr` shows."""

    id: UUID
    secret: bytes = field(repr=False)


def fingerprint(key: Key) -> bytes:
    """Compute the one-way fingerprint by which a certificate names a destroyed key.

    32 bytes: SHA-256 over a domain, the id and the secret. The secret is 256
    random bits, so the fingerprint leads back to it for nobody.
    """
    return sha256(_FINGERPRINT + key.id.bytes + key.secret).digest()


def new_secret() -> bytes:
    """Draw 32 random bytes from the operating system."""
    return urandom(SECRET_SIZE)


def new_id() -> UUID:
    """Draw a random id (RFC 9562 version 4)."""
    return UUID(bytes=urandom(16), version=4)


def person_binding(*, epoch: bytes, owner: bytes, key_id: bytes) -> bytes:
    """Lay out the associated data of a person's wrapped key; each part is 16 bytes."""
    return _PERSON + epoch + owner + key_id


def sub_binding(*, owner: bytes, key_id: bytes, tag: bytes) -> bytes:
    """Lay out the associated data of a wrapped sub-key; each part is 16 bytes."""
    return _SUB + owner + key_id + tag


def wrap(wrapping: AESGCM, secret: bytes, binding: bytes) -> bytes:
    """Wrap 32 secret bytes into 60, bound to what `binding` says."""
    nonce = urandom(_NONCE_SIZE)
    return nonce + wrapping.encrypt(nonce, secret, binding)


def unwrap(wrapping: AESGCM, wrapped: bytes, binding: bytes) -> bytes | None:
    """Unwrap 60 bytes into 32, or answer None when they do not belong to this binding.

    None and not an error: only the caller knows which key to name, and whether a
    broken wrap matters (it does not when the key is being destroyed).
    """
    if len(wrapped) != WRAPPED_SIZE:
        return None
    try:
        return wrapping.decrypt(wrapped[:_NONCE_SIZE], wrapped[_NONCE_SIZE:], binding)
    except InvalidTag:
        return None

r"""Keys that sign notes, and what each type of signature covers.

====  ==================  =====================================================
type  who uses it         signed message
====  ==================  =====================================================
0x01  the log             the note's text (signed-note)
0x04  a witness           ``cosignature/v1\ntime <t>\n`` || the text
0x06  a log or a witness  a binary statement of name, time, origin, size and root
====  ==================  =====================================================

A log of ours signs with 0x01, which every reader has. 0x06 is ML-DSA-44, which
stands against quantum computers. 0x04 and 0x06 (c2sp.org/tlog-cosignature) write
the time before the signature: payload = time (8 bytes, big-endian) || signature.

Keys travel as texts: a *vkey* ``name+<8 hex of key id>+base64(type || public)``
may be shown to everyone; an *skey* ``PRIVATE+KEY+name+<8 hex>+base64(type ||
32 bytes of seed)`` to no one. The key id inside must fit the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA44PublicKey,
)

from domain.errors import Corrupt, Malformed
from proofs.texts import (
    MAX_DECIMAL,
    TextMalformed,
    decode_base64,
    decode_decimal,
    encode_base64,
)

SEED_BYTES = 32
_TIME_BYTES = 8
_SECRET_PREFIX = "PRIVATE+KEY+"  # noqa: S105 - the marker of the format, no secret
_FIRST_PRINTABLE = 0x20


class KeyKind(IntEnum):
    """The signature types of C2SP that we read and write."""

    ED25519 = 0x01
    COSIGNATURE = 0x04
    ML_DSA_44 = 0x06


class KeyMalformed(Malformed):
    """A text is not a verifier key or a signer key."""

    def __init__(self, reason: str) -> None:
        """Say what is wrong; never show the text, which may be a secret."""
        super().__init__(f"this is not a note key: {reason}; ask its owner for it again")
        self.reason = reason


class SignatureRefuted(Corrupt):
    """A known key's signature does not verify: the text or the signature was altered."""

    def __init__(self, name: str, reason: str) -> None:
        """Name the key whose signature is bad."""
        super().__init__(
            f"the signature of {name} does not verify ({reason}); trust nothing of this "
            "note, keep it as evidence and fetch it again from its source",
        )
        self.name = name


class _PublicKey(Protocol):
    def verify(self, signature: bytes, data: bytes, /) -> None: ...


class _PrivateKey(Protocol):
    def sign(self, data: bytes, /) -> bytes: ...


_LOAD_PUBLIC: dict[KeyKind, Callable[[bytes], _PublicKey]] = {
    KeyKind.ED25519: Ed25519PublicKey.from_public_bytes,
    KeyKind.COSIGNATURE: Ed25519PublicKey.from_public_bytes,
    KeyKind.ML_DSA_44: MLDSA44PublicKey.from_public_bytes,
}


def _load_private(kind: KeyKind, seed: bytes) -> Ed25519PrivateKey | MLDSA44PrivateKey:
    if kind is KeyKind.ML_DSA_44:
        return MLDSA44PrivateKey.from_seed_bytes(seed)
    return Ed25519PrivateKey.from_private_bytes(seed)


def is_key_name(name: str) -> bool:
    """Tell whether a name may stand in a signature line (signed-note): no space, no plus."""
    return bool(name) and not any(
        character.isspace() or character == "+" or ord(character) < _FIRST_PRINTABLE
        for character in name
    )


def key_id_of(name: str, kind: KeyKind, public: bytes) -> bytes:
    """Return the 4 bytes that name a key: SHA-256(name || 0x0A || type || public)[:4]."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """A public key with its name: decides whether a signature line is good."""

    name: str
    kind: KeyKind
    public: bytes = field(repr=False)
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Refuse a name or a public key that the format does not allow."""
        if not is_key_name(self.name):
            reason = "the name is empty or holds a space or a plus"
            raise KeyMalformed(reason)
        try:
            _LOAD_PUBLIC[self.kind](self.public)
        except ValueError:
            reason = f"{len(self.public)} bytes are no public key of type {self.kind:#04x}"
            raise KeyMalformed(reason) from None
        object.__setattr__(self, "key_id", key_id_of(self.name, self.kind, self.public))

    def encode(self) -> str:
        """Write the vkey text."""
        return _encode_key(self.name, self.key_id, self.kind, self.public)

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read a vkey text; `KeyMalformed` if it is none, or its key id fits something else."""
        name, key_id, kind, public = _decode_key(text)
        verifier = cls(name=name, kind=kind, public=public)
        if verifier.key_id.hex() != key_id:
            reason = "its key id belongs to another name, type or key"
            raise KeyMalformed(reason)
        return verifier

    def verify(self, text: bytes, payload: bytes) -> int | None:
        """Check a signature over a note's text; return its time if the type has one.

        Time is Unix seconds. Raises `SignatureRefuted`.
        """
        time, signature = None, payload
        if self.kind is not KeyKind.ED25519:
            time, signature = int.from_bytes(payload[:_TIME_BYTES], "big"), payload[_TIME_BYTES:]
        try:
            message = _message(self.kind, self.name, text, time)
            _LOAD_PUBLIC[self.kind](self.public).verify(signature, message)
        except InvalidSignature:
            reason = "it was made over something else, or by another key"
            raise SignatureRefuted(self.name, reason) from None
        except (TextMalformed, KeyMalformed, ValueError):
            reason = "the text is not one that this type of key signs"
            raise SignatureRefuted(self.name, reason) from None
        return time


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A private key with its name. Its representation shows no secret."""

    name: str
    kind: KeyKind
    seed: bytes = field(repr=False)
    verifier: Verifier = field(init=False)
    _private: _PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Derive the public half; `KeyMalformed` for a seed that is not 32 bytes."""
        if len(self.seed) != SEED_BYTES:
            reason = f"a seed has {SEED_BYTES} bytes, not {len(self.seed)}"
            raise KeyMalformed(reason)
        private = _load_private(self.kind, self.seed)
        public = private.public_key().public_bytes_raw()
        verifier = Verifier(name=self.name, kind=self.kind, public=public)
        object.__setattr__(self, "verifier", verifier)
        object.__setattr__(self, "_private", private)

    def encode(self) -> str:
        """Write the skey text: a secret."""
        key_id = self.verifier.key_id
        return _SECRET_PREFIX + _encode_key(self.name, key_id, self.kind, self.seed)

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read an skey text; `KeyMalformed` if it is none."""
        if not text.startswith(_SECRET_PREFIX):
            reason = "it does not begin with PRIVATE+KEY+"
            raise KeyMalformed(reason)
        name, key_id, kind, seed = _decode_key(text.removeprefix(_SECRET_PREFIX))
        signer = cls(name=name, kind=kind, seed=seed)
        if signer.verifier.key_id.hex() != key_id:
            reason = "its key id belongs to another name, type or key"
            raise KeyMalformed(reason)
        return signer

    def sign(self, text: bytes, *, time: int | None = None) -> bytes:
        """Return the payload of a signature line over a note's text.

        `time` (Unix seconds, below 2⁶³) is part of what the types 0x04 and 0x06
        state; it is refused where it could not be said, and missed where it must be.
        """
        if (time is None) != (self.kind is KeyKind.ED25519):
            reason = "a cosigning key states a time, a plain Ed25519 key does not"
            raise KeyMalformed(reason)
        stamp = b"" if time is None else time.to_bytes(_TIME_BYTES, "big")
        return stamp + self._private.sign(_message(self.kind, self.name, text, time))


def _message(kind: KeyKind, name: str, text: bytes, time: int | None) -> bytes:
    """Return what a key of this type signs for a note's text."""
    if time is None:
        return text
    if not 0 <= time <= MAX_DECIMAL:
        reason = "a time is below 2⁶³ seconds"
        raise KeyMalformed(reason)
    if kind is KeyKind.COSIGNATURE:
        return b"cosignature/v1\ntime %d\n" % time + text
    return _subtree_message(name.encode(), text, time)


def _subtree_message(name: bytes, text: bytes, time: int) -> bytes:
    """Return the cosigned_message of tlog-cosignature for a checkpoint's text.

    Extension lines are not part of this message. We refuse a text that has any,
    rather than call lines signed that are not.
    """
    lines = text.split(b"\n")
    if len(lines) != 4 or lines[3]:  # noqa: PLR2004 - three lines and what follows the last newline
        reason = "an ML-DSA-44 key signs checkpoints of three lines alone"
        raise KeyMalformed(reason)
    origin, size, digest = lines[0], decode_decimal(lines[1]), decode_base64(lines[2])
    start = 0
    return b"".join(
        (
            b"subtree/v1\n\0",
            bytes([len(name)]) + name,
            time.to_bytes(8, "big"),
            bytes([len(origin)]) + origin,
            start.to_bytes(8, "big"),
            size.to_bytes(8, "big"),
            digest,
        ),
    )


def _encode_key(name: str, key_id: bytes, kind: KeyKind, material: bytes) -> str:
    return f"{name}+{key_id.hex()}+{encode_base64(bytes([kind]) + material).decode('ascii')}"


def _decode_key(text: str) -> tuple[str, str, KeyKind, bytes]:
    name, _, rest = text.partition("+")
    key_id, _, body = rest.partition("+")
    try:
        material = decode_base64(body.encode("utf-8"))
    except TextMalformed:
        reason = "it is not name+id+base64"
        raise KeyMalformed(reason) from None
    try:
        kind = KeyKind(material[0])
    except (IndexError, ValueError):
        reason = "its type is none that we read"
        raise KeyMalformed(reason) from None
    return name, key_id, kind, material[1:]

"""Disclosures (RFC 9901, SD-JWT) and the commitment over them.

A leaf is public and stays for ever; what an event says about a person is not in
it, only a *commitment*. The event's content is cut into disclosure groups; each
is written as RFC 9901 writes a disclosure, with a salt of its own::

    D          = base64url(JSON [salt, name, value])
    digest     = SHA-256(D as ASCII)
    commitment = SHA-256("metroledger/commitment/v1" || 0x00 || digest₁ || … || digestₙ)

So the groups can be shown one by one: whoever holds some disclosures and the
digests of all recomputes the commitment, and learns nothing of the groups kept
back. The order of the groups is the schema's, and part of what is committed to.
The salts are derived from a key that is destroyed with the person's data: after
that a digest is a random number to anyone who did not keep the disclosure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from domain.errors import Malformed
from proofs.canonical import Json, JsonMalformed, canonical_json, parse_canonical
from proofs.merkle import HASH_BYTES, HashMalformed, ProofRefuted
from proofs.texts import TextMalformed, decode_base64url, encode_base64url

__all__ = [
    "COMMITMENT_V1",
    "MIN_SALT_BYTES",
    "Disclosure",
    "DisclosureMalformed",
    "canonical_json",
    "commit",
    "digest_of",
    "verify_commitment",
]

COMMITMENT_V1 = b"metroledger/commitment/v1\x00"
MIN_SALT_BYTES = 16
"""RFC 9901 recommends at least 128 bits: with fewer, a short value could be guessed."""


class DisclosureMalformed(Malformed):
    """A text is not a disclosure of ours."""

    def __init__(self, reason: str) -> None:
        """Say what is wrong; never show the text, which is personal."""
        super().__init__(f"this is not a disclosure: {reason}; ask its sender for it again")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """One group of an event's content, opened: its salt (at least 16 bytes), name and value."""

    salt: bytes
    name: str
    value: Json

    def __post_init__(self) -> None:
        """Refuse a salt short enough to be guessed."""
        if len(self.salt) < MIN_SALT_BYTES:
            reason = f"a salt has at least {MIN_SALT_BYTES} bytes, not {len(self.salt)}"
            raise DisclosureMalformed(reason)

    def encode(self) -> str:
        """Write the disclosure D of RFC 9901 §4.2, base64url without padding."""
        parts = [encode_base64url(self.salt), self.name, self.value]
        return encode_base64url(canonical_json(parts))

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read a disclosure D; `DisclosureMalformed` if it is not one, spelled our way."""
        try:
            parts = parse_canonical(decode_base64url(text))
        except (TextMalformed, JsonMalformed):
            reason = "it is not base64url of canonical JSON"
            raise DisclosureMalformed(reason) from None
        match parts:
            case [str(salt), str(name), value]:
                return cls(salt=_decode_salt(salt), name=name, value=value)
            case _:
                reason = "it is not an array of salt, name and value"
                raise DisclosureMalformed(reason)


def _decode_salt(text: str) -> bytes:
    try:
        return decode_base64url(text)
    except TextMalformed:
        reason = "its salt is not base64url"
        raise DisclosureMalformed(reason) from None


def digest_of(disclosure: str) -> bytes:
    """Return the digest of an encoded disclosure D: SHA-256 over its ASCII characters."""
    return sha256(disclosure.encode("ascii")).digest()


def commit(digests: Sequence[bytes]) -> bytes:
    """Return the commitment over the digests of all groups, in the schema's order."""
    for digest in digests:
        if len(digest) != HASH_BYTES:
            raise HashMalformed(len(digest))
    return sha256(COMMITMENT_V1 + b"".join(digests)).digest()


def verify_commitment(commitment: bytes, digests: Sequence[bytes]) -> None:
    """Check that these are the digests that were committed to; raises `ProofRefuted`."""
    if commit(digests) != commitment:
        reason = "the disclosures are not those that the leaf commits to"
        raise ProofRefuted(reason)

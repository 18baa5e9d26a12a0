"""Checkpoints (c2sp.org/tlog-checkpoint): what a log commits to, in three lines and a signature.

::

    ledger.example.org/consents                      origin: the log's name for ever
    15                                               size: entries in the tree
    rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=     root: MTH over them

Whoever holds two signed checkpoints of one origin that no consistency proof
joins holds proof that the log told two histories. Extension lines are refused:
the specification advises against them, and ML-DSA-44 signatures do not cover
them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from domain.errors import Corrupt, Malformed
from proofs.merkle import EMPTY_ROOT, HASH_BYTES
from proofs.note import Signature, Verified, open_note, sign_note
from proofs.signing import Signer, Verifier, is_key_name
from proofs.texts import MAX_DECIMAL, TextMalformed, decode_base64, decode_decimal, encode_base64

_ALONE: Final = "that others were shown the same log: no known witness has cosigned"


class CheckpointMalformed(Malformed):
    """A text is not a checkpoint."""

    def __init__(self, reason: str) -> None:
        """Say which line is not as the format has it."""
        super().__init__(f"this is not a checkpoint: {reason}; fetch it again from its source")
        self.reason = reason


class OriginRefuted(Corrupt):
    """A checkpoint is not signed by the log whose origin it states."""

    def __init__(self, origin: str) -> None:
        """Name the origin that was stated."""
        super().__init__(
            f"no known key named {origin} has signed this checkpoint of {origin}: a witness "
            "alone does not make a checkpoint; ask the log for its own",
        )
        self.origin = origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A log's commitment to its first `size` entries.

    `origin` is the log's name without a scheme, `root` 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        """Refuse values that no checkpoint can have."""
        if not is_key_name(self.origin):
            reason = "the origin is empty or holds a space or a plus"
            raise CheckpointMalformed(reason)
        if not 0 <= self.size <= MAX_DECIMAL or len(self.root) != HASH_BYTES:
            reason = "the size is not below 2⁶³, or the root not 32 bytes"
            raise CheckpointMalformed(reason)
        if self.size == 0 and self.root != EMPTY_ROOT:
            reason = "a tree of size 0 has the root SHA-256 of nothing"
            raise CheckpointMalformed(reason)

    def encode(self) -> bytes:
        """Write the three lines that are signed."""
        return b"%b\n%d\n%b\n" % (self.origin.encode(), self.size, encode_base64(self.root))

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Read the three lines; `CheckpointMalformed` for any other text."""
        try:
            origin, size, digest, end = text.split(b"\n")
            checkpoint = cls(
                origin=origin.decode("utf-8"),
                size=decode_decimal(size),
                root=decode_base64(digest),
            )
        except (ValueError, TextMalformed):
            reason = "it is not the three lines origin, size and root"
            raise CheckpointMalformed(reason) from None
        if end or checkpoint.encode() != text:
            reason = "it is not written as the format has it"
            raise CheckpointMalformed(reason)
        return checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCheckpoint:
    """A checkpoint that verified, and its note verbatim: the evidence to keep.

    `cosigners` are the known keys beside the log's own that signed it; `unknown`
    are lines of keys that the reader does not know, which prove nothing.
    """

    checkpoint: Checkpoint
    note: bytes
    cosigners: tuple[Verified, ...] = ()
    unknown: tuple[Signature, ...] = ()

    @property
    def not_proven(self) -> tuple[str, ...]:
        """What a reader might think the signatures prove and they do not, in sentences."""
        alone = () if self.cosigners else (_ALONE,)
        names = (line.name for line in self.unknown)
        return (*alone, *(f"that {name} has signed: its key is not known here" for name in names))


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> SignedCheckpoint:
    """Sign a checkpoint with the log's key, whose name is the origin.

    Signing is the point of no return: sign only what the database has committed,
    and only what extends the last checkpoint signed (`proofs.publication`).
    """
    if signer.name != checkpoint.origin:
        raise OriginRefuted(checkpoint.origin)
    return SignedCheckpoint(checkpoint=checkpoint, note=sign_note(checkpoint.encode(), [signer]))


def open_checkpoint(note: bytes, verifiers: Iterable[Verifier]) -> SignedCheckpoint:
    """Return a checkpoint that a key named like its origin has signed.

    `verifiers` are the log's keys and any witnesses'. Raises `NoteMalformed`,
    `NoteUnsigned`, `SignatureRefuted`, `CheckpointMalformed` or `OriginRefuted`.
    """
    opened = open_note(note, verifiers)
    checkpoint = Checkpoint.decode(opened.text)
    by_log = [seen for seen in opened.verified if seen.verifier.name == checkpoint.origin]
    if not by_log:
        raise OriginRefuted(checkpoint.origin)
    return SignedCheckpoint(
        checkpoint=checkpoint,
        note=note,
        cosigners=tuple(seen for seen in opened.verified if seen not in by_log),
        unknown=opened.unknown,
    )

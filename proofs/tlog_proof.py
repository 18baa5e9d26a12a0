"""Transparency log proofs (c2sp.org/tlog-proof): one file that shows an entry is in a log.

::

    c2sp.org/tlog-proof@v1
    extra eyJkaXNjbG9zdXJlcyI6W10…       what the application adds; not authenticated
    index 73894
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=        siblings, leaf to root
    …

    example.com/fancylog                 the signed checkpoint, verbatim
    109482
    sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

    — example.com/fancylog hI2DJw…

The entry itself is not part of the format; ours is in `extra` (`proofs.receipt`).
The file can be written in one way only, so every byte of it is accounted for.
"""

from dataclasses import dataclass
from typing import Self

from domain.errors import Malformed
from proofs.merkle import HASH_BYTES
from proofs.note import MAX_NOTE_BYTES
from proofs.texts import TextMalformed, decode_base64, decode_decimal, encode_base64

MAX_PROOF_BYTES = 2 * MAX_NOTE_BYTES
MAX_EXTRA_BYTES = 48_000
"""The longest `extra` whose line Go's readers take (transparency-dev/formats: 64 KiB a line)."""
MAX_PATH = 63
"""The longest path in a tree below 2⁶³ entries."""

_FIRST_LINE = b"c2sp.org/tlog-proof@v1"
_EXTRA, _INDEX = b"extra ", b"index "


class ProofMalformed(Malformed):
    """Bytes are not a transparency log proof."""

    def __init__(self, reason: str) -> None:
        """Say which part is not as the format has it."""
        super().__init__(f"this is not a .tlog-proof file: {reason}; ask for the file again")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """The parts of the file: nothing of it is verified yet.

    `path` are 32-byte hashes from the leaf's sibling up; `extra` None means no line.
    """

    extra: bytes | None
    index: int
    path: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """Write the file; `ProofMalformed` where `extra` is longer than others could read."""
        if self.extra is not None and len(self.extra) > MAX_EXTRA_BYTES:
            reason = f"{len(self.extra)} bytes of extra are more than {MAX_EXTRA_BYTES}"
            raise ProofMalformed(reason)
        lines = [_FIRST_LINE]
        if self.extra is not None:
            lines.append(_EXTRA + encode_base64(self.extra))
        lines.append(_INDEX + b"%d" % self.index)
        lines += [encode_base64(step) for step in self.path]
        return b"\n".join(lines) + b"\n\n" + self.note

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the file; `ProofMalformed` for anything that `encode` would not write."""
        if len(data) > MAX_PROOF_BYTES:
            reason = f"{len(data)} bytes are more than {MAX_PROOF_BYTES}"
            raise ProofMalformed(reason)
        head, _, note = data.partition(b"\n\n")
        lines = head.split(b"\n")
        try:
            proof = cls._decode_lines(lines, note)
        except TextMalformed as malformed:
            reason = "a line is not spelled as the format has it"
            raise ProofMalformed(reason) from malformed
        if proof.encode() != data:
            reason = "written again it has other bytes"
            raise ProofMalformed(reason)
        return proof

    @classmethod
    def _decode_lines(cls, lines: list[bytes], note: bytes) -> Self:
        rest = iter(lines[1:])
        line, extra = next(rest, b""), None
        if line.startswith(_EXTRA):
            extra, line = decode_base64(line.removeprefix(_EXTRA)), next(rest, b"")
        path = tuple(decode_base64(step) for step in rest)
        if lines[0] != _FIRST_LINE or not line.startswith(_INDEX):
            reason = "it does not begin as the format has it"
            raise ProofMalformed(reason)
        if len(path) > MAX_PATH or any(len(step) != HASH_BYTES for step in path):
            reason = f"its path is not at most {MAX_PATH} hashes of {HASH_BYTES} bytes"
            raise ProofMalformed(reason)
        index = decode_decimal(line.removeprefix(_INDEX))
        return cls(extra=extra, index=index, path=path, note=note)

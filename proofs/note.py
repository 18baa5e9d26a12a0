"""Signed notes (c2sp.org/signed-note): a text, an empty line, and lines of signatures.

::

    example.com/log                      ┐
    15                                   │ text: UTF-8, ends in a newline, no other
    rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1…=   ┘ control character
                                           (the last empty line of the file)
    — example.com/log M9e0luh4jTG+UMBq…    name, base64(key id || signature)

A key is known by its name and its id, the first four bytes of
SHA-256(name || 0x0A || type || public key). What a reader makes of the lines:

- a line of a key that the reader does not know is ignored, whatever it holds:
  so a log or a witness can change keys without breaking old readers;
- a line of a known key that does not verify refuses the *whole* note, even if
  another line verifies: somebody has altered something;
- a note with no line of a known key is unsigned.

The types of `proofs.signing` decide what a signature covers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.errors import Corrupt, Malformed
from proofs.signing import Signer, Verifier, is_key_name
from proofs.texts import TextMalformed, decode_base64, encode_base64

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
"""Caps of the most used reader (Go's sumdb/note), so that what we accept, it accepts."""

_DASH = "— ".encode()
_KEY_ID_BYTES = 4


class NoteMalformed(Malformed):
    """Bytes are not a signed note."""

    def __init__(self, reason: str) -> None:
        """Say which part is not as the format has it."""
        super().__init__(f"this is not a signed note: {reason}; fetch it again from its source")
        self.reason = reason


class NoteUnsigned(Corrupt):
    """No known key has signed the note."""

    def __init__(self, names: Iterable[str]) -> None:
        """Name the keys that the reader knows."""
        known = ", ".join(names)
        super().__init__(
            f"no known key has signed the note (known: {known or 'none'}); check that "
            "the verifier keys are those of the log, and trust nothing of the note until then",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line: the key's name, its id (4 bytes), and what it wrote."""

    name: str
    key_id: bytes
    payload: bytes

    def encode(self) -> bytes:
        """Write the line with its newline."""
        body = encode_base64(self.key_id + self.payload)
        return _DASH + self.name.encode() + b" " + body + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A signature that verified: whose, and when it says it was made.

    `time` is Unix seconds; None for a plain Ed25519 signature, which has no time.
    """

    verifier: Verifier
    time: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note that at least one known key has signed, and who else claims to have.

    `unknown` are lines of keys that the reader does not know: claims, no evidence.
    """

    text: bytes
    verified: tuple[Verified, ...]
    unknown: tuple[Signature, ...]


def sign_note(text: bytes, signers: Sequence[Signer], *, time: int | None = None) -> bytes:
    """Return the note: `text` with one line of each signer, in order.

    `time` (Unix seconds) is needed by the cosigning types. Raises
    `NoteMalformed` for a text that no reader would accept.
    """
    _require_text(text)
    return text + b"\n" + b"".join(sign_line(text, signer, time=time) for signer in signers)


def sign_line(text: bytes, signer: Signer, *, time: int | None = None) -> bytes:
    """Return the signature line of one signer over a note's text: a witness's answer."""
    payload = signer.sign(text, time=time)
    verifier = signer.verifier
    return Signature(name=verifier.name, key_id=verifier.key_id, payload=payload).encode()


def split_note(data: bytes) -> tuple[bytes, tuple[Signature, ...]]:
    """Return a note's text and signature lines, unverified; `NoteMalformed` if it is none."""
    if len(data) > MAX_NOTE_BYTES:
        reason = f"{len(data)} bytes are more than {MAX_NOTE_BYTES}"
        raise NoteMalformed(reason)
    at = data.rfind(b"\n\n")
    if at < 0:
        reason = "there is no empty line before the signatures"
        raise NoteMalformed(reason)
    text, block = data[: at + 1], data[at + 2 :]
    _require_text(text)
    lines = block.split(b"\n")
    if len(lines) < 2 or lines.pop() != b"" or len(lines) > MAX_SIGNATURES:  # noqa: PLR2004 - one line and what follows its newline
        reason = f"the signatures are not 1 to {MAX_SIGNATURES} whole lines"
        raise NoteMalformed(reason)
    return text, tuple(_decode_line(line) for line in lines)


def open_note(data: bytes, verifiers: Iterable[Verifier]) -> Note:
    """Return the note if a known key has signed it and no known key's signature is bad.

    Raises `NoteMalformed`, `NoteUnsigned`, or `SignatureRefuted` of `proofs.signing`.
    """
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    text, signatures = split_note(data)
    verified, unknown = [], []
    for signature in signatures:
        verifier = known.get((signature.name, signature.key_id))
        if verifier is None:
            unknown.append(signature)
        else:
            time = verifier.verify(text, signature.payload)
            verified.append(Verified(verifier=verifier, time=time))
    if not verified:
        raise NoteUnsigned(name for name, _ in known)
    return Note(text=text, verified=tuple(verified), unknown=tuple(unknown))


def _require_text(text: bytes) -> None:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
        raise NoteMalformed(reason) from None
    if not text.endswith(b"\n"):
        reason = "the text does not end in a newline"
        raise NoteMalformed(reason)
    if any(byte < 0x20 and byte != 0x0A for byte in text):  # noqa: PLR2004 - ASCII control characters
        reason = "the text holds a control character"
        raise NoteMalformed(reason)


def _decode_line(line: bytes) -> Signature:
    name, space, body = line.removeprefix(_DASH).partition(b" ")
    try:
        payload, key_name = decode_base64(body), name.decode("utf-8")
    except (TextMalformed, UnicodeDecodeError):
        payload, key_name = b"", ""
    well_formed = line.startswith(_DASH) and space and is_key_name(key_name)
    if not well_formed or len(payload) <= _KEY_ID_BYTES:
        reason = "a signature line is not “— name base64”"
        raise NoteMalformed(reason)
    return Signature(
        name=key_name,
        key_id=payload[:_KEY_ID_BYTES],
        payload=payload[_KEY_ID_BYTES:],
    )

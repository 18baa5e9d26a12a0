"""Strict base64 and decimals: one text for one value, or the input is refused.

A signed file that could be written in two ways has room that no signature
covers. So every decoder here re-encodes what it read and compares: stray bits
behind the last base64 character, missing padding, line breaks, ``+7`` and
``007`` are refused alike.
"""

import base64
import binascii

from domain.errors import Malformed

MAX_DECIMAL = 2**63 - 1
"""The largest size or index of a tree (tlog-tiles: 63 bits)."""

_BASE64, _BASE64URL, _DECIMAL = "base64", "base64url", "decimal"


class TextMalformed(Malformed):
    """A text is not the one spelling of a value that its format allows."""

    def __init__(self, kind: str, text: bytes) -> None:
        """Name the kind of text; show its length alone, for it may hold anything."""
        super().__init__(
            f"{len(text)} bytes are not canonical {kind}; "
            "ask the sender for the file as it was written",
        )
        self.text = text


def encode_base64(data: bytes) -> bytes:
    """Write standard base64 with padding (RFC 4648 §4), as C2SP formats do."""
    return base64.b64encode(data)


def decode_base64(text: bytes) -> bytes:
    """Read standard base64 with padding, raising `TextMalformed` for any other spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise TextMalformed(_BASE64, text) from None
    if base64.b64encode(data) != text:
        raise TextMalformed(_BASE64, text)
    return data


def encode_base64url(data: bytes) -> str:
    """Write base64url without padding (RFC 4648 §5), as JSON members do."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Read base64url without padding, raising `TextMalformed` for any other spelling."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise TextMalformed(_BASE64URL, text.encode("utf-8", "replace")) from None
    if encode_base64url(data) != text:
        raise TextMalformed(_BASE64URL, text.encode("utf-8", "replace"))
    return data


def decode_decimal(text: bytes) -> int:
    """Read a decimal of digits alone, without leading zeros, up to 2⁶³ - 1."""
    if not text.isdigit() or len(text) > len(str(MAX_DECIMAL)) or text != b"%d" % int(text):
        raise TextMalformed(_DECIMAL, text)
    value = int(text)
    if value > MAX_DECIMAL:
        raise TextMalformed(_DECIMAL, text)
    return value

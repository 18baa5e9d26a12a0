"""Canonical JSON: RFC 8785, restricted to what all languages write alike.

Objects with ASCII member names, arrays, strings, booleans, null, and integers
below 2⁵³ in magnitude; no floats. On such values the sorted output of msgspec is
RFC 8785 byte for byte, at a fiftieth of the cost; `tests/schemas` holds it
against the reference implementation.
"""

from __future__ import annotations

import binascii
from typing import Any, Final

import msgspec

_encoder: Final = msgspec.json.Encoder(order="sorted")
_INTEGERS_BELOW: Final = 1 << 53
_TO_URL: Final = bytes.maketrans(b"+/", b"-_")


def encode(value: Any) -> bytes:  # noqa: ANN401 (any JSON-able value)
    """Return the canonical bytes of a value: a struct, or plain JSON types."""
    return _encoder.encode(value)


def is_plain(value: object) -> bool:
    """Whether a decoded value holds only what every language writes alike: see the module."""
    match value:
        case None | bool() | str():
            return True
        case int():
            return abs(value) < _INTEGERS_BELOW
        case list():
            return all(map(is_plain, value))
        case dict():
            return all(str(name).isascii() and is_plain(inner) for name, inner in value.items())
        case _:
            return False


def b64(data: bytes) -> str:
    """Return base64url without padding (RFC 4648 section 5)."""
    return b64_bytes(data).decode("ascii")


def b64_bytes(data: bytes) -> bytes:
    """Return base64url without padding, as the bytes that are hashed."""
    text = binascii.b2a_base64(data, newline=False).rstrip(b"=")
    if b"+" in text or b"/" in text:  # JSON rarely leads to either, and looking is cheap
        return text.translate(_TO_URL)
    return text

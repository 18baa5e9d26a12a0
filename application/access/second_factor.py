"""The second factor: codes of a phone (TOTP, RFC 6238), and recovery codes for a lost one.

A code is of a *step* of 30 seconds. The present one is taken, and its neighbours, for clocks
differ. A step that was used is never taken again, nor any before it, in any process.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from pyotp import TOTP

if TYPE_CHECKING:
    from datetime import datetime

    from keys.key import Key

STEP: Final = timedelta(seconds=30)
RECOVERY_CODES: Final = 10
_SECRET_BYTES: Final = 20
_RECOVERY_BYTES: Final = 10
_GROUP: Final = 4
_PERSON: Final = b"second factor"


def derive_secret(key: Key, *parts: bytes) -> str:
    """Return the secret, 160 bits as Base32, that follows from a key and what it is shown for.

    So nothing is stored before its owner has shown a code of it.
    """
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    raw = blake2b(message, key=key.secret, digest_size=_SECRET_BYTES, person=_PERSON).digest()
    return base64.b32encode(raw).decode("ascii")


def address_of(secret: str, *, holder: str, issuer: str) -> str:
    """Return the `otpauth:` address that a phone reads out of a QR code."""
    return TOTP(secret).provisioning_uri(name=holder, issuer_name=issuer)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the step that a code is of, None when it is of none that is taken now."""
    present = int(now.timestamp() // STEP.total_seconds())
    totp = TOTP(secret)
    told = "".join(code.split()).encode("utf-8", "replace")
    taken = [
        step
        for step in (present - 1, present, present + 1)
        if hmac.compare_digest(totp.generate_otp(step).encode("ascii"), told)
    ]
    return max(taken, default=None)


def draw_recovery() -> tuple[str, ...]:
    """Draw recovery codes: 80 bits each, in groups of four letters and digits."""
    return tuple(_grouped(secrets.token_bytes(_RECOVERY_BYTES)) for _ in range(RECOVERY_CODES))


def recovery_digest(key: Key, code: str) -> bytes:
    """Return what is kept of a recovery code: it dies with its owner's key."""
    plain = "".join(code.split()).replace("-", "").upper()
    content = plain.encode("utf-8", "replace")
    return blake2b(content, key=key.secret, digest_size=16, person=b"recovery code").digest()


def _grouped(raw: bytes) -> str:
    text = base64.b32encode(raw).decode("ascii")
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))

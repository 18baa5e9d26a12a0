"""What an operator delivered, decrypted, parsed and validated to its end."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.values import Channel, Fluid
    from ledger.forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A delivery, validated: `rows` are the forms of its readings, in the sender's order.

    `digest` is the SHA-256 of the content as it came; `counts` what the file holds that
    is no reading (blank days). `attempt` rises when it is taken in again on purpose.
    """

    operator: str
    channel: Channel
    flow: str
    fluid: Fluid
    digest: bytes
    rows: Sequence[Form]
    counts: dict[str, int] = field(default_factory=dict)
    attempt: int = 0


def content_digest(content: bytes) -> bytes:
    """Return the digest by which a file's content is named."""
    return hashlib.sha256(content).digest()

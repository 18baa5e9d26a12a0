"""What is past its period, destroyed: one run over everybody's data of one kind. Public.

No run is about one person, and its events name nobody: the key ids are in the private zone.
"""

from __future__ import annotations

from typing import ClassVar

from domain.events.base import Event
from domain.values import Matter


class RetentionOrdered(Event, frozen=True, kw_only=True):
    """The keys of a matter's years up to `last_year`, included, were ordered destroyed.

    `keys` is their number and `root` the RFC 6962 root over their sorted 16-byte ids
    (base64url); the ids themselves are in the private zone. What they sealed becomes `Redacted`.
    """

    TOPIC: ClassVar[str] = "RetentionOrdered.v1"

    matter: Matter
    last_year: int
    keys: int
    root: str


class RetentionCarriedOut(Event, frozen=True, kw_only=True):
    """The order was carried out; the certificate, whose members are those of `AccountErased`.

    `epoch` is the first epoch under which no copy of the keys exists.
    """

    TOPIC: ClassVar[str] = "RetentionCarriedOut.v1"
    ENDS: ClassVar[bool] = True

    keys: int
    root: str
    fingerprints: str
    stores: int
    epoch: int
    tree_size_before: int
    tree_size_after: int
    legal_basis: str
    not_reached: tuple[str, ...]

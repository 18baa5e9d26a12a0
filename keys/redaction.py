"""What stands for a payload that cannot be read any more.

A missing key has two meanings that must never be confused: it was destroyed on
order, or evidence was lost. The log decides: *Redacted only where a leaf orders
the destruction of that key; otherwise Corrupt.* The key store is not asked, or a
store that lost its keys could pass its loss off as an erasure.
"""

from collections.abc import Container
from dataclasses import dataclass
from uuid import UUID

from domain.errors import Corrupt


class KeyMissing(Corrupt):
    """A key is not in the store, and no leaf of the log orders its destruction."""

    def __init__(self, key_id: UUID) -> None:
        """Name the key that is missing."""
        super().__init__(
            f"Key {key_id} is not in the key store, and no leaf orders its destruction: "
            "keys were lost. Restore the last backup of the key store before going on."
        )
        self.key_id = key_id


@dataclass(frozen=True, slots=True)
class Redacted:
    """An event whose payload is unreadable for ever, because its key was destroyed on order."""

    event_type: str
    key_id: UUID


def missing(event_type: str, key_id: UUID, ordered: Container[UUID]) -> Redacted:
    """Say what a missing key means; `ordered` are the ids that leaves order destroyed.

    Raises `KeyMissing` when no leaf orders it.
    """
    if key_id not in ordered:
        raise KeyMissing(key_id)
    return Redacted(event_type, key_id)

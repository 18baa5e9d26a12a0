"""The keys, as the write path and the readers use them: fetched for a batch, then gone.

Which destructions were *ordered* is asked of the log, never of the key store: a store
that lost its keys could pass its loss off as an erasure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.events.access import DataSeen
from domain.events.base import KeyPurpose
from domain.values import civil_day
from keys.names import KeyName, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from application.register import Register
    from domain.events import Change, Event
    from keys.key import Key
    from keys.store import KeyStore


class Vault:
    """The key store, and what the log orders destroyed."""

    def __init__(self, store: KeyStore, register: Register) -> None:
        """Take the key store, and the register of the orders of destruction."""
        self.store = store
        self._register = register

    def fetch(self, ids: Iterable[UUID]) -> dict[UUID, Key]:
        """Return the keys that are there; what is not is looked up in `ordered`."""
        return self.store.fetch(set(ids))

    def keys_for(self, changes: Iterable[Change]) -> dict[KeyName, Key]:
        """Return the key of each change's event, minting those that are not there."""
        return self.store.mint([name for name in map(key_name, changes) if name is not None])

    def ordered(self) -> frozenset[UUID]:
        """Return the ids of all keys whose destruction a leaf orders."""
        return self._register.read().ordered


def key_name(change: Change) -> KeyName | None:
    """Return the name of the key that seals a change's event, None for a public one."""
    purpose, subject = change.event.KEY, change.subject
    if purpose is None or subject is None:
        return None
    if purpose is KeyPurpose.PROFILE:
        return KeyName(owner=subject, purpose=Purpose.PROFILE)
    if isinstance(change.event, DataSeen):
        year = civil_day(change.event.seen_at).year
        return KeyName(owner=subject, purpose=Purpose.ACCESS, year=year)
    return KeyName(owner=subject, purpose=Purpose.EVIDENCE, consent=_consent(change.event))


def _consent(event: Event) -> UUID:
    consent: UUID = getattr(event, "consent")  # noqa: B009 (every event sealed as evidence has it)
    return consent

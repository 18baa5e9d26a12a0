"""The keys, as the write path and the readers use them: fetched for a batch, then gone.

Which destructions were *ordered* is asked of the log, never of the key store: a store
that lost its keys could pass its loss off as an erasure.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from uuid import UUID

from domain.events.base import KeyPurpose
from keys.names import KeyName, Purpose
from ledger.record import Record, decode
from schemas.leaf import decode_leaf
from schemas.private import decode_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from domain.events import Event
    from domain.values import Change
    from keys.key import Key
    from keys.store import KeyStore
    from ledger.fold import Folder

ORDER = "DestructionOrdered.v1"
"""The type whose leaf orders keys destroyed; their ids are in its private zone."""


class Vault:
    """The key store, and what the log orders destroyed."""

    def __init__(self, store: KeyStore, folder: Folder) -> None:
        """Take the key store and the folder whose log orders destructions."""
        self.store = store
        self._folder = folder
        self._ordered: set[UUID] = set()
        self._orders_read = 0
        self._lock = threading.Lock()

    def fetch(self, ids: Iterable[UUID]) -> dict[UUID, Key]:
        """Return the keys that are there; what is not is looked up in `ordered`."""
        return self.store.fetch(set(ids))

    def keys_for(self, changes: Iterable[Change]) -> dict[KeyName, Key]:
        """Return the key of each change's event, minting those that are not there."""
        return self.store.mint([name for name in map(key_name, changes) if name is not None])

    def ordered(self) -> set[UUID]:
        """Return the ids of all keys whose destruction a leaf orders."""
        with self._lock:
            orders = self._folder.store.destruction_orders(self._orders_read)
            for leaf in orders:
                self._ordered.update(self._ids_in(leaf))
                self._orders_read = leaf + 1
            return self._ordered

    def _ids_in(self, leaf: int) -> Iterator[UUID]:
        (commit,) = self._folder.store.commits_by_leaf(leaf, 1)
        record = decode(self._folder.log.read(commit.offset, limit=1)[0].record)
        yield from ordered_in(record)


def ordered_in(record: Record) -> Iterator[UUID]:
    """Yield the ids of the keys that a record orders destroyed."""
    for frame in record.frames:
        if decode_leaf(frame.leaf).type == ORDER:
            extra = decode_private(frame.private).extra
            for start in range(0, len(extra), 16):
                yield UUID(bytes=extra[start : start + 16])


def key_name(change: Change) -> KeyName | None:
    """Return the name of the key that seals a change's event, None for a public one."""
    purpose, subject = change.event.KEY, change.subject
    if purpose is None or subject is None:
        return None
    if purpose is KeyPurpose.PROFILE:
        return KeyName(owner=subject, purpose=Purpose.PROFILE)
    return KeyName(owner=subject, purpose=Purpose.EVIDENCE, consent=_consent(change.event))


def _consent(event: Event) -> UUID:
    consent: UUID = getattr(event, "consent")  # noqa: B009 (every event sealed as evidence has it)
    return consent

"""Epoch keys under the versions of one transit key (decision 0028).

An epoch key is 32 bytes that the ledger draws, wrapped by a version of the transit key that
no other epoch used; the wrapped forms lie in a small file of ours, which alone opens nothing.
To destroy an epoch key is to let the keeper forget its version, for ever (*trim*)::

    add       rotate → encrypt → decrypt again and compare → the file, in every place
    destroy   marked in the file → min_decryption_version → trim → out of the file

A mark that is found later is a destruction that was begun: it is finished before anything
else is answered. Nothing else trims. A version that the keeper does not open and that bears
no mark is somebody's doing there that can perhaps be undone, and is only told.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from adapters.openbao.bao import KeeperRefuses
from adapters.openbao.transit import KeeperMistaken
from domain.errors import Refused
from keys import files
from keys.key import SECRET_SIZE
from keys.keyring import Epoch, KeyringExists, KeyringUnreadable

if TYPE_CHECKING:
    from adapters.openbao.bao import Bao, Talk
    from adapters.openbao.transit import TransitKey

FORMAT: Final = "metroledger wrapped epochs v1"
_BINDING: Final = b"metroledger/epoch/v1\0"


class NotTheOldest(Refused):
    """An epoch key was to be destroyed while an older one stays."""

    def __init__(self, epoch: UUID) -> None:
        """Name the epoch."""
        super().__init__(
            f"Epoch {epoch} cannot be destroyed before the older ones: a key forgets its oldest "
            "versions first. Nothing was changed."
        )
        self.epoch = epoch


class Wrapped(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One epoch key as it lies in the file; `doomed` once its destruction was begun."""

    id: UUID
    since: datetime
    version: int
    wrapped: str
    doomed: bool = False


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: str
    epochs: tuple[Wrapped, ...]


class TransitKeyring:
    """A keyring whose keys only the keeper can open; usable by several processes at once.

    `path` is the file of wrapped forms; `copies` are written before it, and hold what it
    holds: whoever restores a copy of the key store needs the one that lies with it.
    """

    def __init__(
        self, bao: Bao, key: TransitKey, path: Path, copies: tuple[Path, ...] = ()
    ) -> None:
        """Use the file at `path`, which `create` made."""
        self.path = path
        self._bao = bao
        self._key = key
        self._copies = copies

    def create(self) -> TransitKeyring:
        """Make an empty file; raises `KeyringExists` rather than replace one."""
        if self.path.exists():
            raise KeyringExists(self.path)
        self._write(())
        return self

    def since(self) -> tuple[datetime, ...]:
        """Answer since when each epoch key is there, also one whose destruction was begun.

        The keeper is not asked.
        """
        return tuple(one.since for one in self._read())

    def epochs(self) -> tuple[Epoch, ...]:
        """Open the epoch keys, having finished a destruction that was begun.

        Raises `KeyringUnreadable`, and what `Bao.conversation` and `TransitKey.unwrap` raise.
        """
        if not (kept := self._read()):
            return ()
        with self._bao.conversation() as talk:
            if any(one.doomed for one in kept):
                with files.locked(self.path.parent, wait=True):
                    kept = self._forget_doomed(talk)
            return tuple(self._open(talk, one) for one in kept)

    def add(self, epoch: Epoch) -> None:
        """Wrap a new epoch key under a new version, in every place; once there, do nothing."""
        with files.locked(self.path.parent, wait=True), self._bao.conversation() as talk:
            kept = self._read()
            if epoch.id in [one.id for one in kept]:
                return
            _prolong(talk)
            version, wrapped = self._key.wrap(talk, epoch.secret, _binding(epoch.id))
            one = Wrapped(id=epoch.id, since=epoch.since, version=version, wrapped=wrapped)
            self._write((*kept, one))

    def destroy(self, epoch_id: UUID) -> None:
        """Let the keeper forget the version of an epoch key; raises `NotTheOldest`."""
        with files.locked(self.path.parent, wait=True):
            kept = self._read()
            ids = [one.id for one in kept]
            if epoch_id not in ids:
                return
            place = ids.index(epoch_id)
            if not all(one.doomed for one in kept[:place]):
                raise NotTheOldest(epoch_id)
            marked = msgspec.structs.replace(kept[place], doomed=True)
            self._write((*kept[:place], marked, *kept[place + 1 :]))
            with self._bao.conversation() as talk:
                self._forget_doomed(talk)

    def _forget_doomed(self, talk: Talk) -> tuple[Wrapped, ...]:
        kept = tuple(one for one in self._read() if not one.doomed)
        self._key.forget(talk, kept[0].version if kept else None)
        self._write(kept)
        return kept

    def _open(self, talk: Talk, one: Wrapped) -> Epoch:
        secret = self._key.unwrap(talk, one.version, one.wrapped, _binding(one.id))
        if len(secret) != SECRET_SIZE:
            raise KeeperMistaken
        return Epoch(id=one.id, since=one.since, secret=secret)

    def _read(self) -> tuple[Wrapped, ...]:
        try:
            document = msgspec.json.decode(self.path.read_bytes(), type=_Document)
        except (OSError, msgspec.DecodeError):
            raise KeyringUnreadable(self.path) from None
        if document.format != FORMAT:
            raise KeyringUnreadable(self.path)
        return document.epochs

    def _write(self, epochs: tuple[Wrapped, ...]) -> None:
        content = msgspec.json.encode(_Document(format=FORMAT, epochs=epochs))
        for place in (*self._copies, self.path):
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write_durably(place, msgspec.json.format(content))


def _binding(epoch: UUID) -> bytes:
    return _BINDING + epoch.bytes


def _prolong(talk: Talk) -> None:
    """Prolong a token that can be: a periodic one lives on for as long as epochs begin."""
    try:
        talk.order("auth/token/renew-self")
    except KeeperRefuses:
        return

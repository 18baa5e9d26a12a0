"""The keeper of the epoch keys: a port, and a file for the embedded default.

All that the key store holds is wrapped under one epoch key. The keeper lives
elsewhere and never shares a backup with the store: either alone opens nothing.
When an epoch ends its key is destroyed here, and every older copy of the store,
wherever it lies, opens nothing from then on. So the keeper's own copies must not
outlive an epoch: no snapshots of its disk that live longer than that.

**What the file gives, and what it does not.** The content that a new file
replaces is overwritten before it is let go, as is what a crash left beside it.
On a journalling file system on a disk that writes in place this removes the old
key; on copy-on-write file systems, flash with wear levelling, and snapshots of
either it does not, and nothing a program does will. Where that matters, use a
keeper that destroys keys in hardware or in a service (OpenBao or Vault transit),
or put the file on a memory file system that a key service fills at boot.
"""

import json
import os
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from domain.errors import Corrupt, Refused
from keys import files
from keys.key import SECRET_SIZE, new_id, new_secret

FORMAT = "metroledger keyring v1"


class KeyringUnreadable(Corrupt):
    """The keyring file is absent, or is not what its format says."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        super().__init__(
            f"{path} is not a readable keyring. Without it the key store opens nothing: put the "
            "keyring file of this store back, or correct its path; if the epoch key is kept "
            "elsewhere, name that keeper in the settings (manual: key store)."
        )
        self.path = path


class KeyringExposed(Refused):
    """Others than its owner may read or write a file with a secret of the keeper's."""

    def __init__(self, path: Path, mode: int) -> None:
        """Name the file and its mode."""
        super().__init__(f"{path} has mode {mode:o}: make it 600, then start again.")
        self.path = path


class KeyringExists(Refused):
    """A keyring is there already; creating one would destroy its keys."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        super().__init__(f"{path} exists: open it, or choose another path for a new keyring.")
        self.path = path


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """An epoch key: its random id, since when it is there, and 32 bytes that no `repr` shows."""

    id: UUID
    since: datetime
    secret: bytes = field(repr=False)


def new_epoch(now: datetime) -> Epoch:
    """Draw a new epoch key; it exists only once a keyring has it."""
    return Epoch(id=new_id(), since=now, secret=new_secret())


class Keyring(Protocol):
    """Where epoch keys are kept; usable by several processes at once.

    Two keys are there only while an epoch ends, and then *finish forward* is
    what they mean. Raises `Unavailable` when the keeper does not answer, and the
    store then fails closed.
    """

    def since(self) -> tuple[datetime, ...]:
        """Answer since when each epoch key is there, oldest first, opening none of them."""

    def epochs(self) -> tuple[Epoch, ...]:
        """Answer the epoch keys that are there, oldest first, as they stand now."""

    def add(self, epoch: Epoch) -> None:
        """Keep a new epoch key as the youngest; it is durable in every place on return."""

    def destroy(self, epoch_id: UUID) -> None:
        """Destroy an epoch key in every place; destroying it again does nothing.

        Oldest first: a keeper may be unable to destroy one and keep an older one.
        """


class FileKeyring:
    """A keyring in one file of mode 0600."""

    def __init__(self, path: Path) -> None:
        """Use the keyring at `path`, which `create` made."""
        self.path = path

    @classmethod
    def create(cls, path: Path) -> "FileKeyring":
        """Make an empty keyring; raises `KeyringExists` rather than replace one."""
        if path.exists():
            raise KeyringExists(path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write_durably(path, _encode(()))
        return cls(path)

    def since(self) -> tuple[datetime, ...]:
        """Answer since when each epoch key is there, as `epochs` does."""
        return tuple(one.since for one in self.epochs())

    def epochs(self) -> tuple[Epoch, ...]:
        """Answer the epoch keys in the file; raises `KeyringUnreadable`, `KeyringExposed`."""
        try:
            with self.path.open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                content = file.read()
        except OSError as error:
            raise KeyringUnreadable(self.path) from error
        if mode & 0o077:
            raise KeyringExposed(self.path, mode)
        return self._decode(content)

    def add(self, epoch: Epoch) -> None:
        """Keep a new epoch key, durably; adding one that is there does nothing."""
        with files.locked(self.path.parent, wait=True):
            epochs = self.epochs()
            if epoch.id not in [one.id for one in epochs]:
                self._replace((*epochs, epoch))

    def destroy(self, epoch_id: UUID) -> None:
        """Destroy an epoch key, and the file content that held it as far as can be."""
        with files.locked(self.path.parent, wait=True):
            epochs = self.epochs()
            kept = tuple(one for one in epochs if one.id != epoch_id)
            files.erase(files.beside(self.path))
            if kept != epochs:
                self._replace(kept)

    def _replace(self, epochs: tuple[Epoch, ...]) -> None:
        # The old content is held open across the rename and overwritten only when
        # the new content is durable under its name: no crash loses both.
        former = os.open(self.path, os.O_RDWR)
        try:
            files.write_durably(self.path, _encode(epochs))
            files.overwrite(former)
        finally:
            os.close(former)

    def _decode(self, content: bytes) -> tuple[Epoch, ...]:
        try:
            document = json.loads(content)
            epochs = tuple(_decode_epoch(one) for one in document["epochs"])
            sound = document["format"] == FORMAT
        except (KeyError, TypeError, ValueError):
            raise KeyringUnreadable(self.path) from None
        if not sound or any(len(one.secret) != SECRET_SIZE for one in epochs):
            raise KeyringUnreadable(self.path)
        return epochs


def _encode(epochs: tuple[Epoch, ...]) -> bytes:
    rows = [
        {
            "id": str(one.id),
            "since": one.since.isoformat(),
            "key": urlsafe_b64encode(one.secret).decode(),
        }
        for one in epochs
    ]
    return json.dumps({"format": FORMAT, "epochs": rows}, indent=1).encode()


def _decode_epoch(row: dict[str, str]) -> Epoch:
    return Epoch(
        id=UUID(row["id"]),
        since=datetime.fromisoformat(row["since"]),
        secret=urlsafe_b64decode(row["key"]),
    )

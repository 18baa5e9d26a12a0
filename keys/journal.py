"""The journal of destroyed key ids, kept apart from the store and from the keyring.

A key store restored from a backup holds keys that were destroyed since. The
journal is what still knows: it is written *before* the store, so whatever is
destroyed is in it, and an opening store first catches up with it. It only grows,
one line per key, synced before the destruction goes on::

    metroledger journal of destroyed keys v1 6f0c…          ← its own random id
    key 1b9d… 5f3a… 2026-11-25T03:00:00+00:00 8c41d2aa      ← key, tag of its name, when, CRC-32
    owner 77e0… 90cc… 2026-11-25T03:00:00+00:00 02be91f5    ← a person's key, tag of the owner

It holds random ids and digests of random ids, so that the names of keys stay
barred too; no key material, nothing of a person. The store remembers the
journal's id and how many bytes of it are done, so catching up costs what is new.

A crash can tear the last line. It was never synced whole, so nothing was
destroyed on its word: it is cut off before the next line is written. A line in
the middle that does not verify is another matter, and stops everything.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID
from zlib import crc32

from domain.errors import Corrupt
from keys import files
from keys.key import new_id

FORMAT = "metroledger journal of destroyed keys v1"

Kind = Literal["key", "owner"]

_KINDS: dict[str, Kind] = {"key": "key", "owner": "owner"}


class JournalBroken(Corrupt):
    """The journal of destroyed keys is absent, altered, cut, or another store's."""

    def __init__(self, path: Path, problem: str) -> None:
        """Name the file and what is wrong with it."""
        super().__init__(
            f"The journal of destroyed keys at {path} {problem}. Without it a restored store "
            "could bring destroyed keys back: put the journal of this store back."
        )
        self.path = path


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroyed:
    """One line: a key is destroyed for ever, and the name or owner of that tag is barred."""

    kind: Kind
    key_id: UUID
    tag: bytes | None
    at: datetime


class Journal:
    """An append-only file of `Destroyed` lines.

    One process appends at a time: the store's write lock is held around it.
    """

    def __init__(self, path: Path) -> None:
        """Open the journal at `path`; raises `JournalBroken` when there is none."""
        self.path = path
        try:
            with path.open("rb") as file:
                header = file.readline(len(FORMAT) + 64)
            name, _, identity = header.decode("ascii").rstrip("\n").rpartition(" ")
            self.id = UUID(identity)
        except OSError:
            raise JournalBroken(path, "cannot be read") from None
        except ValueError:
            raise JournalBroken(path, "does not begin as one") from None
        if name != FORMAT:
            raise JournalBroken(path, "does not begin as one")
        self.start = len(header)

    @classmethod
    def create(cls, path: Path) -> "Journal":
        """Make an empty journal, or open the one that is there: it must never be lost."""
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write_durably(path, f"{FORMAT} {new_id()}\n".encode())
        return cls(path)

    def size(self) -> int:
        """Answer how many bytes it has; more than a store has done means it must catch up."""
        try:
            return self.path.stat().st_size
        except OSError:
            raise JournalBroken(self.path, "cannot be read") from None

    def append(
        self, entries: tuple[Destroyed, ...], written: Callable[[], None] = lambda: None
    ) -> None:
        """Add lines, durably on return; a failed write is taken back as far as it got.

        `written` is told when they are written and not yet durable.
        """
        lines = "".join(map(_encode, entries)).encode()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            end = os.fstat(descriptor).st_size
            try:
                _write_all(descriptor, lines)
                written()
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, end)
                raise
        finally:
            os.close(descriptor)

    def since(self, done: int) -> tuple[tuple[Destroyed, ...], int]:
        """Read the whole lines after byte `done`, and answer where they end.

        Raises `JournalBroken` when a whole line does not verify, or when the
        journal is shorter than what was done.
        """
        if done > self.size():
            raise JournalBroken(self.path, "is shorter than what this store has done of it")
        with self.path.open("rb") as file:
            file.seek(done)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        return tuple(map(self._decode, whole.splitlines())), done + len(whole)

    def cut(self, end: int) -> None:
        """Cut off a torn last line, which begins at byte `end`."""
        if self.size() > end:
            os.truncate(self.path, end)

    def _decode(self, line: bytes) -> Destroyed:
        try:
            text, _, checksum = line.decode("ascii").rpartition(" ")
            kind, key_id, tag, at = text.split(" ")
            entry = Destroyed(
                kind=_KINDS[kind],
                key_id=UUID(key_id),
                tag=None if tag == "-" else bytes.fromhex(tag),
                at=datetime.fromisoformat(at),
            )
        except (KeyError, ValueError):
            raise JournalBroken(self.path, "has a line that does not verify") from None
        if checksum != f"{crc32(text.encode()):08x}":
            raise JournalBroken(self.path, "has a line that does not verify")
        return entry


def _encode(entry: Destroyed) -> str:
    name = "-" if entry.tag is None else entry.tag.hex()
    text = f"{entry.kind} {entry.key_id} {name} {entry.at.isoformat()}"
    return f"{text} {crc32(text.encode()):08x}\n"


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]

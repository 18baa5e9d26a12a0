"""The kept journal: every checkpoint that was ever signed, one after another.

A signed checkpoint cannot be taken back, so each is written here, durably,
*before* anyone can read it. After a crash the last whole record is the newest
promise made, whatever the checkpoint file says. An auditor reads the journal to
see that all promises were of one history.

A record is ``length || note || length``, the length in 4 bytes, big-endian. The
second length lets the last record be found from the end, and tells a torn tail,
the part of a record that a crash left behind, from a whole one.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from domain.errors import Corrupt
from proofs.durable import sync_directory, write_all

_LENGTH_BYTES = 4


class JournalDamaged(Corrupt):
    """The journal is not a sequence of whole records, or lacks one it must have."""

    def __init__(self, path: Path, reason: str) -> None:
        """Name the file and say what is wrong."""
        super().__init__(
            f"journal of checkpoints {path.name}: {reason}; sign nothing, keep the file as it "
            "is, and bring it back from a copy: it is what shows that one history was told",
        )
        self.reason = reason


class Journal:
    """One file of checkpoints. The caller holds the publisher's lock where it writes."""

    def __init__(self, path: Path) -> None:
        """Name the file; it is made by the first `append`."""
        self._path = path

    def size(self) -> int:
        """Return the file's length in bytes; 0 if there is none."""
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def append(self, note: bytes) -> None:
        """Append a note and force it to the disk."""
        new = not self._path.exists()
        length = len(note).to_bytes(_LENGTH_BYTES, "big")
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            write_all(descriptor, length + note + length)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            sync_directory(self._path.parent)

    def notes(self) -> Iterator[bytes]:
        """Yield every note in order; `JournalDamaged` at the first part that is not whole."""
        data = self._data()
        whole = 0
        for note, end in _records(data):
            yield note
            whole = end
        if whole != len(data):
            self.refuse(f"{len(data) - whole} bytes at its end are no whole record")

    def last(self) -> bytes | None:
        """Return the last note, having cut off a torn tail; None if there is no record.

        A tail that is torn was never published: the checkpoint file is written
        after the record. The caller checks that, comparing the two.
        """
        note = self._last_from_end()
        if note is not None or not self.size():
            return note
        whole = 0
        for found, end in _records(self._data()):
            note, whole = found, end
        self._truncate(whole)
        return note

    def refuse(self, reason: str) -> NoReturn:
        """Raise `JournalDamaged` for this file."""
        raise JournalDamaged(self._path, reason)

    def _data(self) -> bytes:
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return b""

    def _last_from_end(self) -> bytes | None:
        """Return the last note if the file ends in a whole record, without reading all of it."""
        total, frame = self.size(), 2 * _LENGTH_BYTES
        if total < frame:
            return None
        with self._path.open("rb") as file:
            file.seek(total - _LENGTH_BYTES)
            length = int.from_bytes(file.read(), "big")
            if length + frame > total:
                return None
            file.seek(total - length - frame)
            record = file.read()
        note, end = next(_records(record), (None, 0))
        return note if end == len(record) else None

    def _truncate(self, size: int) -> None:
        with self._path.open("r+b") as file:
            file.truncate(size)
            os.fsync(file.fileno())


def _records(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield whole records from the beginning: the note, and where its record ends."""
    at = 0
    while at + 2 * _LENGTH_BYTES <= len(data):
        head = data[at : at + _LENGTH_BYTES]
        start = at + _LENGTH_BYTES
        stop = start + int.from_bytes(head, "big")
        at = stop + _LENGTH_BYTES
        # A file system may leave zeros where a crash cut a write off: no note is empty.
        if stop == start or data[stop:at] != head:
            return
        yield data[start:stop], at

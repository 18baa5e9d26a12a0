"""Watch `incoming/OPERATOR/` and yield the files that have come to rest.

Whoever writes there (our server, an OpenSSH, a copy by hand), a file is left alone while it
grows, bears a temporary name, or is locked by its writer; once its size, time and inode have
been the same for `quiet_s` seconds of this watcher's own clock, it has arrived. Sender's times
are not believed: `sftp -p` sets them.

Nothing is followed: every step goes through a directory's descriptor with O_NOFOLLOW. A link, a
pipe, a device, a directory, or a file with a second name elsewhere is counted as strange,
left where it lies, and never opened for reading.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from keys.files import sync_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

TEMPORARY: Final = (".part", ".filepart", ".tmp", ".partial", ".upload")
"""How pushing programs end the name of a file that is not whole yet."""

INCOMING: Final = "incoming"
KEPT: Final = "kept"

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_Seen = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file at rest; what it was when it was last seen."""

    box: Box
    operator: str
    name: str
    seen: _Seen

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.seen[0]

    def read(self) -> bytes | None:
        """Return its content, None when it is not what was seen, or is locked by its writer."""
        with self.box.folder(self.operator) as folder, _opened(self.name, folder) as file:
            if file is None or _seen(os.fstat(file)) != self.seen or not _unlocked(file):
                return None
            content = bytearray()
            while len(content) < self.size and (piece := os.read(file, self.size - len(content))):
                content += piece
            return bytes(content) if _seen(os.fstat(file)) == self.seen else None

    def keep(self, known_as: UUID) -> None:
        """Move it out of the incoming directory, under an id: sender's words stay nowhere."""
        target = self.box.root / KEPT / self.operator
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.box.folder(self.operator) as folder, contextlib.suppress(FileNotFoundError):
            if _seen(os.stat(self.name, dir_fd=folder, follow_symlinks=False)) == self.seen:
                os.rename(self.name, target / known_as.hex, src_dir_fd=folder)
                os.utime(target / known_as.hex)
                sync_directory(target)

    def remove(self) -> None:
        """Remove it, unless another has taken its name since."""
        with self.box.folder(self.operator) as folder, contextlib.suppress(FileNotFoundError):
            if _seen(os.stat(self.name, dir_fd=folder, follow_symlinks=False)) == self.seen:
                os.unlink(self.name, dir_fd=folder)


@dataclass(slots=True)
class Box:
    """The directories that operators deliver into, and what was seen there so far.

    Of the last look: `waiting` files are not still for long enough, `unfinished` bear a
    temporary name, `strange` entries are no plain files or are larger than any genuine one.
    """

    root: Path
    quiet_s: float
    largest_bytes: int
    now: Callable[[], float] = time.monotonic
    waiting: int = 0
    unfinished: int = 0
    strange: Counter[str] = field(default_factory=Counter)
    _known: dict[tuple[str, str], tuple[_Seen, float]] = field(default_factory=dict)

    def look(self) -> tuple[Arrived, ...]:
        """Return the files at rest, oldest first; note what still moves and what is strange."""
        self.waiting = self.unfinished = 0
        self.strange.clear()
        now, before, self._known = self.now(), self._known, {}
        arrived: list[tuple[int, Arrived]] = []
        for operator, name, status in self._entries():
            seen = _seen(status)
            former, since = before.get((operator, name), (None, now))
            self._known[operator, name] = (seen, since if former == seen else now)
            if former == seen and now - since >= self.quiet_s:
                arrived.append((status.st_mtime_ns, Arrived(self, operator, name, seen)))
            else:
                self.waiting += 1
        return tuple(one for _, one in sorted(arrived, key=lambda pair: (pair[0], pair[1].name)))

    @property
    def operators(self) -> set[str]:
        """Whose directories held files at the last look."""
        return {operator for operator, _ in self._known}

    def empty(self, before: datetime) -> int:
        """Remove what was kept, or cut off unfinished, before an instant; return how many."""
        removed = 0
        for path in (self.root / KEPT).glob("*/*"):
            with contextlib.suppress(FileNotFoundError):
                if path.lstat().st_mtime < before.timestamp():
                    path.unlink()
                    removed += 1
        return removed + sum(self._empty_of_halves(one, before) for one in self._operators())

    def _empty_of_halves(self, operator: str, before: datetime) -> int:
        """Remove what was never finished and has not grown since an instant."""
        removed = 0
        with contextlib.suppress(OSError), self.folder(operator) as folder:
            with os.scandir(folder) as entries:
                halves = [one for one in entries if _is_unfinished(one.name)]
            for half in halves:
                if half.stat(follow_symlinks=False).st_mtime < before.timestamp():
                    os.unlink(half.name, dir_fd=folder)
                    removed += 1
        return removed

    def _operators(self) -> list[str]:
        place = self.root / INCOMING
        return sorted(one.name for one in place.iterdir()) if place.is_dir() else []

    @contextlib.contextmanager
    def folder(self, operator: str) -> Iterator[int]:
        """Lend the descriptor of an operator's directory, itself never followed to elsewhere."""
        parent = os.open(self.root / INCOMING, _FOLDER)
        try:
            folder = os.open(operator, _FOLDER, dir_fd=parent)
        finally:
            os.close(parent)
        try:
            yield folder
        finally:
            os.close(folder)

    def _entries(self) -> Iterator[tuple[str, str, os.stat_result]]:
        """Yield the plain files with a final name: operator, name, status."""
        for operator in self._operators():
            try:
                with self.folder(operator) as folder, os.scandir(folder) as entries:
                    listed = [(one.name, one.stat(follow_symlinks=False)) for one in entries]
            except OSError:
                self.strange[operator] += 1
                continue
            for name, status in listed:
                if _is_unfinished(name):
                    self.unfinished += 1
                elif not _is_plain(status) or status.st_size > self.largest_bytes:
                    self.strange[operator] += 1
                else:
                    yield operator, name, status


def _seen(status: os.stat_result) -> _Seen:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") or name.lower().endswith(TEMPORARY)


def _is_plain(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


@contextlib.contextmanager
def _opened(name: str, folder: int) -> Iterator[int | None]:
    try:
        file = os.open(name, _FILE, dir_fd=folder)
    except OSError:
        yield None
        return
    try:
        yield file if _is_plain(os.fstat(file)) else None
    finally:
        os.close(file)


def _unlocked(file: int) -> bool:
    """Whether no writer of ours holds the file; our server locks what it has open."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

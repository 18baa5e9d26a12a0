"""Files that are there after a power cut, whole or not at all.

A file is written under a name that nobody reads, forced to the disk, renamed to
its own name, and then its directory is forced too: a rename is atomic, but it is
not durable before that. The forcing is done for many files together, for it is
what publishing costs (about 0.1 ms each on a fast disk). What can be written again is not
forced (`put`).
"""

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

_MAX_OPEN = 64
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY


def sync_directory(path: Path) -> None:
    """Force a directory's names to the disk."""
    descriptor = os.open(path, _DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put(place: Path, data: bytes, *, aside: Path) -> None:
    """Write a file and rename it to its place: readers see it whole, and at once.

    Not forced: after a power cut it may be the one before, or a part of this one.
    """
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        write_all(descriptor, data)
    finally:
        os.close(descriptor)
    aside.rename(place)


class Staging:
    """Files on their way: written aside with `add`, all put in their places by `commit`.

    `aside` is a directory on the same file system as the places. Left without
    `commit`, nothing has become visible; what lies aside is swept by `sweep`.
    """

    def __init__(self, root: Path, aside: Path) -> None:
        """Stage files for places below `root`."""
        self._root = root
        self._aside = aside
        self._open: list[int] = []
        self._staged: list[tuple[str, Path]] = []

    def __enter__(self) -> Self:
        """Make the place aside."""
        self._aside.mkdir(exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what is open; files that were not committed stay aside."""
        while self._open:
            os.close(self._open.pop())

    def sweep(self) -> None:
        """Remove what an interrupted publication has left aside."""
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside.mkdir(exist_ok=True)

    def add(self, place: str, data: bytes) -> None:
        """Write a file aside, to be put at `place` (below the root, with slashes)."""
        staged = self._aside / str(len(self._staged))
        descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        self._open.append(descriptor)
        self._staged.append((place, staged))
        write_all(descriptor, data)
        if len(self._open) == _MAX_OPEN:
            self._sync_files()

    def commit(self) -> None:
        """Force all files to the disk, put them in their places, force the names."""
        self._sync_files()
        changed: set[Path] = set()
        for place, staged in self._staged:
            target = self._root / place
            changed |= self._make_directories(target.parent)
            changed.add(target.parent)
            staged.rename(target)
        self._staged = []
        # Deepest first: a directory's name is worth forcing once its content is.
        for directory in sorted(changed, key=lambda path: -len(path.parts)):
            sync_directory(directory)

    def _sync_files(self) -> None:
        while self._open:
            descriptor = self._open.pop()
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _make_directories(self, directory: Path) -> set[Path]:
        """Make a directory and those above it; return the ones whose names changed."""
        try:
            directory.mkdir()
        except FileExistsError:
            return set()
        except FileNotFoundError:
            above = self._make_directories(directory.parent)
            directory.mkdir()
            return above | {directory.parent}
        return {directory.parent}


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes, however few the kernel takes at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]

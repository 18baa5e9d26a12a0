"""Put bytes on disk so that a crash leaves the old content or the new, never half.

Write beside, sync, rename, sync the directory: the order that POSIX makes safe.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE = 0o600


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file's content in one step that survives a power cut; mode 0600."""
    fresh = beside(path)
    erase(fresh)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    adopt(fresh, path)


def adopt(fresh: Path, path: Path) -> None:
    """Give a synced file its final name, durably."""
    fresh.replace(path)
    sync_directory(path.parent)


def beside(path: Path) -> Path:
    """Name the file in which the next content is prepared: fixed, so a crash leaves at most one."""
    return path.with_name(path.name + ".new")


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def overwrite(descriptor: int) -> None:
    """Write zeros over an open file and sync it, as far as the file system honours that."""
    os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
    os.fsync(descriptor)


def erase(path: Path) -> None:
    """Overwrite and unlink a file that may be there."""
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDWR)
        try:
            overwrite(descriptor)
        finally:
            os.close(descriptor)
        path.unlink()


@contextmanager
def announced(path: Path) -> Iterator[None]:
    """Hold a share of the kernel's lock on a directory, for `is_announced` to see."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def is_announced(path: Path) -> bool:
    """Say whether anybody, of whatever process, holds a share of the lock on a directory."""
    with locked(path, wait=False) as alone:
        return not alone


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the kernel's lock on a file or directory; yields whether it was got.

    The lock goes with the process, so a kill leaves nothing stale.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)

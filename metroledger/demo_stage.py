"""Where the demo plays: a directory of its own, emptied at each run, and nobody else's.

A marker in the directory says that it is the demo's. Without it nothing there is touched:
it may be somebody's ledger. A kernel lock on the marker lets one demo play at a time, and
vanishes with its holder; the server's own lock tells whether a command still uses the
database of the last run.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from domain.errors import Refused, Unavailable
from metroledger.bootstrap import database_directory
from metroledger.kept import Topic
from metroledger.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STAGE: Final = Path("var/demo")
"""Below the directory in which the demo is started."""

MARKER: Final = "DEMO.txt"
_NOTICE: Final = "This directory is the demo's: each `make demo` deletes what is in it.\n"
_PATIENCE_S: Final = 10.0


class NotADemo(Refused):
    """The directory holds something that no demo has put there."""

    def __init__(self, directory: Path) -> None:
        """Take the directory."""
        super().__init__(
            f"{directory} holds things that are not a demo's, and nothing was touched; move them "
            "away, or start the demo in another directory"
        )


class StageInUse(Unavailable):
    """Another demo plays there, or a command still uses the last one's database."""

    def __init__(self, directory: Path) -> None:
        """Take the directory."""
        super().__init__(
            f"another demo, or a command on its ledger, is at work in {directory}; let it end, "
            "then again"
        )


@contextlib.contextmanager
def clear_stage(directory: Path, log: Topic | None = None) -> Iterator[Settings]:
    """Lend the demo's directory, empty; return the settings of the ledger to open in it.

    Where the log asked for is Kafka's, it is one of the demo's own: an embedded broker.
    """
    directory.mkdir(parents=True, exist_ok=True)
    marker = directory / MARKER
    if not marker.exists() and any(directory.iterdir()):
        raise NotADemo(directory)
    with marker.open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StageInUse(directory) from None
        topic = Topic(replicas=1) if log else None
        settings = Settings(home=directory / "ledger", topic=topic)
        _empty(directory, settings)
        lock.truncate(0)
        lock.write(_NOTICE)
        lock.flush()
        yield settings


def _empty(directory: Path, settings: Settings) -> None:
    database = database_directory(settings)
    held = [database / "users.lock", database / "server.lock", settings.kafka / "users.lock"]
    _wait_until_unused(directory, held)
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != MARKER:
            entry.unlink()
    if database.exists():  # where root's server could not reach the demo's own directory
        shutil.rmtree(database)


def _wait_until_unused(directory: Path, held: Sequence[Path]) -> None:
    """Wait for the servers of an interrupted run, which are stopping by themselves."""
    deadline = time.monotonic() + _PATIENCE_S
    for lock in held:
        while not _is_free(lock):
            if time.monotonic() > deadline:
                raise StageInUse(directory)
            time.sleep(0.05)


def _is_free(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True

"""A key store, its keyring, its journal and its backup in places of their own."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from keys.key import new_id
from keys.keyring import FileKeyring
from keys.names import KeyName, Purpose
from keys.store import FILE_NAME, KeyStore, Options

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Home:
    """The four places of one key store under one directory."""

    root: Path

    @property
    def directory(self) -> Path:
        return self.root / "store"

    @property
    def file(self) -> Path:
        return self.directory / FILE_NAME

    @property
    def keyring(self) -> Path:
        return self.root / "keyring" / "keyring.json"

    @property
    def journal(self) -> Path:
        return self.root / "journal" / "destroyed"

    @property
    def backup(self) -> Path:
        return self.root / "backup" / FILE_NAME

    def create(self) -> KeyStore:
        keyring = FileKeyring.create(self.keyring)
        return KeyStore.create(
            self.directory, keyring=keyring, journal=self.journal, now=NOW, options=self.options()
        )

    def open(self, step: Callable[[str], None] = lambda _: None) -> KeyStore:
        return KeyStore.open(
            self.directory,
            keyring=FileKeyring(self.keyring),
            journal=self.journal,
            options=self.options(step),
        )

    def options(self, step: Callable[[str], None] = lambda _: None) -> Options:
        return Options(backup=self.backup, step=step)

    def copy(self, name: str) -> "Home":
        """Copy everything as it stands, as a backup of the whole machine would."""
        return Home(Path(shutil.copytree(self.root, self.root.parent / name)))

    def restore(self, other: "Home", *parts: str) -> None:
        """Put parts of another copy in the place of ours."""
        for part in parts:
            shutil.rmtree(self.root / part)
            shutil.copytree(other.root / part, self.root / part)

    @contextmanager
    def rows(self) -> Iterator[sqlite3.Connection]:
        """Reach the rows past the store, as an attacker or a bad disk would."""
        with closing(sqlite3.connect(self.file)) as connection, connection:
            yield connection

    def bytes_at_rest(self) -> bytes:
        """All that lies in the store's directory: the file, and whatever is beside it."""
        return b"".join(path.read_bytes() for path in sorted(self.directory.iterdir()))


def profile(owner: UUID) -> KeyName:
    return KeyName(owner=owner, purpose=Purpose.PROFILE)


def readings(owner: UUID, consent: UUID, year: int = 2026) -> KeyName:
    return KeyName(owner=owner, purpose=Purpose.READINGS, consent=consent, year=year)


def person(years: int = 3) -> tuple[UUID, UUID, list[KeyName]]:
    """Invent an owner with a consent, and the names of a profile and some years."""
    owner, consent = new_id(), new_id()
    names = [profile(owner), *[readings(owner, consent, 2024 + n) for n in range(years)]]
    return owner, consent, names


def start(home: Home, *arguments: str) -> subprocess.Popen[str]:
    """Start a real process on the store."""
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("worker.py")), str(home.root), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def killed_at(home: Home, step: str, *arguments: str) -> None:
    """Run a process that is killed at a named step, and see that it was."""
    with start(home, *arguments, "--die-at", step) as process:
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL

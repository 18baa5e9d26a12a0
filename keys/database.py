"""The SQLite file of the key store: its schema, and how it is opened.

Rollback journal, not WAL: a log that keeps old pages has no place here. Each
setting is there for a reason:

- ``secure_delete``: what is deleted or replaced is overwritten with zeros in the
  file. Not all of it: when SQLite moves a row between pages it may leave a copy in
  the gap of the old one (about one row in 10,000), so an epoch's end writes the
  whole file anew; a test looks for the old bytes;
- ``synchronous = EXTRA``: FULL does not sync the directory after the journal is
  unlinked, so a power cut could bring the journal back and with it roll back a
  key that was already answered, and used;
- ``cache_spill = OFF``: a transaction keeps its pages in memory and others read on
  until it commits;
- ``temp_store = MEMORY``: nothing of this store in a temporary file;
- ``mmap_size``: a file's 3,000 persons lie all over a store of some hundred MB, and
  are read from the system's own pages instead of being copied. Writing does not.

What the unlinked rollback journal leaves in free blocks of the disk is wrapped
under the epoch key, and opens nothing once the epoch has ended.

The store is one place. A second one (production) is the same schema attached to
the same connection: SQLite commits to attached files as one under the rollback
journal, so every write statement would be said once per place, and a mint is
still answered only when all have it. One place now: until hosts are two, a
second file on the same disk would be comfort, not durability.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.errors import Corrupt, Refused, Unavailable
from keys import files

FORMAT = "metroledger key store v2"
_WITHOUT_FORMER = "metroledger key store v1"

SCHEMA = """
CREATE TABLE meta (                      -- one row
    format TEXT NOT NULL,
    journal BLOB NOT NULL,               -- the id of the journal that belongs to it
    applied INTEGER NOT NULL,            -- bytes of the journal that are done
    epoch BLOB NOT NULL,                 -- the id of the epoch key that everything is under
    generation INTEGER NOT NULL,         -- epochs ended so far
    former BLOB                          -- while one ends: the epoch key that some is still under
) STRICT;
CREATE TABLE persons (
    number INTEGER PRIMARY KEY,
    owner BLOB NOT NULL UNIQUE,
    key_id BLOB NOT NULL UNIQUE,
    wrapped BLOB NOT NULL                -- under the epoch key
) STRICT;
CREATE TABLE keys (                      -- a person's lie together: one look for all of them
    person INTEGER NOT NULL REFERENCES persons,
    id BLOB NOT NULL UNIQUE,
    tag BLOB NOT NULL UNIQUE,            -- digest of the name: at most one key per name
    purpose INTEGER NOT NULL,
    consent BLOB,
    year INTEGER,
    wrapped BLOB NOT NULL,               -- under the person's key
    PRIMARY KEY (person, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE tombstones (                -- what stays behind of a destroyed key
    id BLOB PRIMARY KEY,
    tag BLOB,                            -- absent: destroyed on order, never seen here
    fingerprint BLOB,
    destroyed TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_by_tag ON tombstones (tag);
CREATE TABLE closed (                    -- consents and owners that get no new key
    tag BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE entries (                   -- the lookup index
    number INTEGER PRIMARY KEY,
    tag BLOB NOT NULL,                   -- keyed digest of kind and value
    owner BLOB NOT NULL,
    command BLOB NOT NULL,
    confirmed INTEGER NOT NULL,
    sealed BLOB NOT NULL                 -- kind, value and subject, under the epoch key
) STRICT;
CREATE INDEX entries_by_tag ON entries (tag);
CREATE INDEX entries_by_owner ON entries (owner);
CREATE INDEX entries_reserved ON entries (command) WHERE confirmed = 0;
"""

_SETTINGS = """
PRAGMA secure_delete = ON;
PRAGMA synchronous = EXTRA;
PRAGMA cache_spill = OFF;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -16384;
PRAGMA mmap_size = 1073741824;
"""

PATIENCE_S = 60
"""How long a transaction waits for another process, in seconds."""

_LARGEST_LIST = 4096


class KeyStoreMissing(Refused):
    """There is no key store where one should be opened."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        super().__init__(
            f"There is no key store at {path}: correct the path, restore its backup, "
            "or create one by name if this ledger is new."
        )
        self.path = path


class KeyStoreExists(Refused):
    """A key store is there already; creating one would lose its keys."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        super().__init__(f"{path} exists: open it, or choose another directory for a new store.")
        self.path = path


class KeyStoreUnavailable(Unavailable):
    """The store does not answer now: it is busy, or its disk is full or read-only."""

    def __init__(self, problem: str) -> None:
        """Say what SQLite said."""
        super().__init__(
            f"The key store does not answer ({problem}). Nothing was changed: try again, and if "
            "it stays so look at the disk, and for a process that holds the store."
        )
        self.problem = problem


class NotOurs(Corrupt):
    """The file is a key store of another format, or another journal's."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        super().__init__(
            f"{path} is of another format, or the journal given with it is another store's: "
            "correct the paths, so that a store meets the journal it was created with."
        )
        self.path = path


class KeyStoreDamaged(Corrupt):
    """The file is not a whole key store."""

    def __init__(self, problem: str) -> None:
        """Say what is wrong."""
        super().__init__(
            f"The key store is damaged ({problem}). Restore its last backup; the journal of "
            "destroyed keys will see to it that what was destroyed stays so."
        )
        self.problem = problem


def create(path: Path, *, journal: UUID, applied: int, epoch: UUID) -> None:
    """Make an empty store in a directory of its own; it appears whole or not at all."""
    if path.exists():
        raise KeyStoreExists(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = files.beside(path)
    files.erase(fresh)
    os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, files.PRIVATE))
    connection = connect(fresh)
    try:
        connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
        connection.execute(
            "INSERT INTO meta VALUES (?, ?, ?, ?, 0, NULL)",
            (FORMAT, journal.bytes, applied, epoch.bytes),
        )
    finally:
        connection.close()
    files.adopt(fresh, path)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file with the settings above; raises `KeyStoreMissing`, `KeyStoreDamaged`."""
    if not path.exists():
        raise KeyStoreMissing(path)
    with _translated():
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=PATIENCE_S,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.executescript(_SETTINGS)
    return connection


def epoch_of(path: Path) -> UUID:
    """Read which epoch a store is under, opening nothing; raises as `connect` does."""
    connection = connect(path)
    try:
        with transaction(connection, "BEGIN"):
            (epoch,) = connection.execute("SELECT epoch FROM meta").fetchone()
    finally:
        connection.close()
    return UUID(bytes=epoch)


def bring_up(connection: sqlite3.Connection) -> None:
    """Give a store of version 1 the column by which an epoch ends piece by piece.

    Its name changes with it: a program that does not know of pieces would take an end that was
    cut short for a finished one, and destroy a key that is still needed.
    """
    query = "SELECT format FROM meta"
    with _translated():
        if connection.execute(query).fetchone() != (_WITHOUT_FORMER,):
            return
    with transaction(connection, "BEGIN IMMEDIATE"):
        if connection.execute(query).fetchone() == (_WITHOUT_FORMER,):
            connection.execute("ALTER TABLE meta ADD COLUMN former BLOB")
            connection.execute("UPDATE meta SET format = ?", (FORMAT,))


def compact(connection: sqlite3.Connection) -> None:
    """Write the whole file anew (VACUUM), atomically; no one else reads or writes meanwhile.

    Takes the store's size in memory: its temporary copy never touches a disk.
    """
    with _translated():
        connection.execute("PRAGMA cache_spill = ON")
        try:
            connection.execute("VACUUM")
        finally:
            connection.execute("PRAGMA cache_spill = OFF")


def back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the store as it stands to one file, durably; a former copy is replaced whole."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = files.beside(target)
    files.erase(fresh)
    descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, files.PRIVATE)
    try:
        with _translated():
            copy = sqlite3.connect(fresh)
            try:
                connection.backup(copy)
            finally:
                copy.close()
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    files.adopt(fresh, target)


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    """Run one transaction; SQLite's complaints become ours, and nothing is half done."""
    with _translated():
        connection.execute(begin)
        try:
            yield
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def select_in(
    connection: sqlite3.Connection, query: str, values: Sequence[bytes]
) -> list[tuple[Any, ...]]:
    """Run a query that ends in ``IN`` over many values, a few thousand at a time.

    The list is padded with NULL, which equals nothing, to a power of two: so
    SQLite compiles a dozen statements once instead of one for every length.
    """
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(values), _LARGEST_LIST):
        part = values[start : start + _LARGEST_LIST]
        length = 1 << (len(part) - 1).bit_length()
        marks = ",".join("?" * length)
        padded = (*part, *[None] * (length - len(part)))
        rows += connection.execute(f"{query} ({marks})", padded).fetchall()
    return rows


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise KeyStoreUnavailable(str(error)) from error
    except sqlite3.DatabaseError as error:
        raise KeyStoreDamaged(str(error)) from error

"""The one publisher: what the database has beyond the checkpoint file becomes public.

Theory of operation
-------------------

A signed checkpoint is a promise that cannot be taken back. So nothing is signed
but a tree that extends the last promise, and no crash may leave a promise that
the next start does not know of. The order of one publication::

    (the caller has committed the tree to the database)
    1 lock      the directory, against every other publisher on this host
    2 read      the last promise: the checkpoint file and the end of the journal
    3 extend    the open tiles by the new entries; the root must be the database's
    4 files     bundles and tiles, forced to the disk, then put in their places
    5 journal   the signed checkpoint, forced: from here on it is a promise
    6 file      the checkpoint file, renamed: from here on it is public
    7 tidy      partial tiles that a full one has overtaken

A crash before 5 leaves files that no checkpoint covers; the next publication
writes them again. A crash between 5 and 6 leaves a promise that is not public:
whoever comes next *finishes forward*, for its tiles are on the disk. A tail of
the journal torn in 5 was never public and is cut off. The file of 6 copies what is
on the disk already and is not forced: a power cut may leave an older promise there,
or a part of one, and then it is written again from the journal.

The lock is the kernel's (flock on the directory itself), taken for each
publication: several processes of one ledger take turns, and one that is killed
leaves nothing behind. It is a lock of one host; a network file system may not
keep it. Between publications the open tiles stay in memory; they are good as
long as the checkpoint file and the journal's length are what this process left.
"""

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

from domain.errors import Corrupt
from proofs.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint, sign_checkpoint
from proofs.durable import Staging, put, sync_directory
from proofs.edge import Edge
from proofs.journal import Journal
from proofs.note import NoteMalformed, split_note
from proofs.signing import Signer
from proofs.tiles import TILE_WIDTH, TileDamaged, changed_tiles

CHECKPOINT = "checkpoint"
JOURNAL = "checkpoints.journal"
STAGING = ".staging"


class Tree(Protocol):
    """A committed tree, as the ledger's database has it. A snapshot: it does not change."""

    @property
    def size(self) -> int:
        """The number of entries."""

    @property
    def root(self) -> bytes:
        """The root over all of them, 32 bytes."""

    def entries(self, start: int, stop: int, /) -> Iterable[bytes]:
        """Return the entries [start, stop) in order: the leaves' bytes, not their hashes."""


class TreeForked(Corrupt):
    """The database's tree is not an extension of what was published."""

    def __init__(self, published: int, size: int) -> None:
        """Tell the published size and the size of the tree that does not extend it."""
        super().__init__(
            f"the tree of size {size} does not extend the published checkpoint of size "
            f"{published}: the ledger's database holds another history. Nothing was signed. "
            "Stop every process, keep database, tiles and journal as they are, and find out "
            "which history is true; the published one is what others hold",
        )
        self.published = published
        self.size = size


class TreeBehind(Corrupt):
    """The database's tree is smaller than what was published."""

    def __init__(self, published: int, size: int) -> None:
        """Tell the published size and the smaller size of the tree."""
        super().__init__(
            f"the tree of size {size} is behind the published checkpoint of size {published}: "
            "the ledger's database was restored from a backup. Nothing was signed. With a log "
            "of its own (Kafka), fold it to its end and compare again; without, bring back a "
            "database that is not older than the checkpoint",
        )
        self.published = published
        self.size = size


@dataclass(frozen=True, slots=True, kw_only=True)
class _Promise:
    """The last promise made, the open tiles under it, and the journal's length behind it."""

    signed: SignedCheckpoint | None
    edge: Edge
    journal_bytes: int

    @property
    def note(self) -> bytes | None:
        return None if self.signed is None else self.signed.note


class Publisher:
    """The one who writes a directory of tiles and signs its checkpoints.

    Owns the directory's lock while it publishes. Usable from several threads and,
    with one publisher each, from several processes of one host.
    """

    def __init__(self, directory: Path, signer: Signer, *, journal: Path | None = None) -> None:
        """Publish into `directory`, made if it is not there.

        The checkpoint's origin is the signer's name. The journal lies beside the
        directory unless a path is given: it is kept, not served.
        """
        self._directory = directory
        self._signer = signer
        self._journal = Journal(journal or directory.parent / JOURNAL)
        self._threads = Lock()
        self._promise: _Promise | None = None
        directory.mkdir(parents=True, exist_ok=True)
        sync_directory(directory.parent)

    def published(self) -> SignedCheckpoint | None:
        """Return the last promise, having finished an interrupted publication; None if none."""
        with self._locked():
            return self._current().signed

    def publish(self, tree: Tree) -> SignedCheckpoint:
        """Publish what the tree has beyond the last promise, and return the newest one.

        If another publisher is ahead of this tree, or the tree is the published
        one, nothing is written. Raises `TreeForked`, having signed nothing, and
        `TileDamaged` or `JournalDamaged` where earlier evidence is not in order.
        """
        with self._locked():
            promise = self._current()
            if promise.signed is not None and tree.size <= promise.edge.size:
                _require_root(promise, tree)
                return promise.signed
            return self._extend(promise, tree)

    def check_extends(self, tree: Tree) -> None:
        """Check that the tree extends the last promise: at start, on each new connection.

        Raises `TreeBehind` or `TreeForked`. Reads every entry beyond the promise.
        """
        with self._locked():
            promise = self._current()
        if tree.size < promise.edge.size:
            raise TreeBehind(promise.edge.size, tree.size)
        if promise.signed is None:
            return
        edge = promise.edge.fork()
        for _ in edge.append(tree.entries(promise.edge.size, tree.size)):
            pass
        _require_extension(promise, tree, edge)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        # flock belongs to an open directory: threads of one process need their own lock.
        with self._threads:
            descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)

    def _current(self) -> _Promise:
        """Return the last promise, from memory if nobody else has published since."""
        note = self._read_checkpoint()
        known = self._promise
        if known and known.note == note and known.journal_bytes == self._journal.size():
            return known
        self._promise = self._recover(note)
        return self._promise

    def _recover(self, note: bytes | None) -> _Promise:
        """Read the last promise from the disk, finishing what a crash has interrupted."""
        with self._staging() as staging:
            staging.sweep()
        last = self._journal.last()
        if last is None:
            if note is not None:
                self._journal.refuse("it lacks the published checkpoint")
            return _Promise(signed=None, edge=Edge(), journal_bytes=0)
        signed = open_checkpoint(last, [self._signer.verifier])
        if note != last:
            self._finish_forward(note, signed)
        edge = Edge.read(self._directory, signed.checkpoint.size)
        if edge.root() != signed.checkpoint.root:
            reason = "the open tiles do not lead to its root"
            raise TileDamaged(CHECKPOINT, reason)
        return _Promise(signed=signed, edge=edge, journal_bytes=self._journal.size())

    def _finish_forward(self, note: bytes | None, signed: SignedCheckpoint) -> None:
        """Make the journal's last checkpoint public, if it is newer than the public one."""
        if note is not None and not _is_torn(note):
            public = open_checkpoint(note, [self._signer.verifier]).checkpoint
            if public.size >= signed.checkpoint.size:
                self._journal.refuse("its last record is not the published checkpoint")
        self._write_checkpoint(signed.note)

    def _extend(self, promise: _Promise, tree: Tree) -> SignedCheckpoint:
        edge = promise.edge.fork()
        with self._staging() as staging:
            for tile, data in edge.append(tree.entries(promise.edge.size, tree.size)):
                staging.add(tile.path, data)
            _require_extension(promise, tree, edge)
            for tile, data in edge.partial_files(promise.edge.size):
                staging.add(tile.path, data)
            staging.commit()
        checkpoint = Checkpoint(origin=self._signer.name, size=edge.size, root=tree.root)
        signed = sign_checkpoint(checkpoint, self._signer)
        self._journal.append(signed.note)
        self._write_checkpoint(signed.note)
        self._tidy(promise.edge.size, edge.size)
        size = self._journal.size()
        self._promise = _Promise(signed=signed, edge=edge, journal_bytes=size)
        return signed

    def _tidy(self, old: int, new: int) -> None:
        """Remove the partial tiles and bundles that a full one has overtaken."""
        for tile in changed_tiles(old, new):
            if tile.width == TILE_WIDTH:
                shutil.rmtree(self._directory / f"{tile.path}.p", ignore_errors=True)

    def _staging(self) -> Staging:
        return Staging(self._directory, self._directory / STAGING)

    def _read_checkpoint(self) -> bytes | None:
        try:
            return (self._directory / CHECKPOINT).read_bytes()
        except FileNotFoundError:
            return None

    def _write_checkpoint(self, note: bytes) -> None:
        put(self._directory / CHECKPOINT, note, aside=self._directory / STAGING / CHECKPOINT)


def _is_torn(note: bytes) -> bool:
    """Whether a public checkpoint is not a note at all, as each part of one is not."""
    try:
        split_note(note)
    except NoteMalformed:
        return True
    return False


def _require_root(promise: _Promise, tree: Tree) -> None:
    """Refuse a tree of the published size with another root."""
    if tree.size == promise.edge.size and tree.root != promise.edge.root():
        raise TreeForked(promise.edge.size, tree.size)


def _require_extension(promise: _Promise, tree: Tree, edge: Edge) -> None:
    """Refuse a tree whose root is not that of the published entries and the new ones."""
    if edge.size != tree.size or edge.root() != tree.root:
        raise TreeForked(promise.edge.size, tree.size)

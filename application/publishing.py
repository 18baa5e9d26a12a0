"""Publish what the database has beyond the checkpoint, and never anything else.

Another process may have published further than this one has read; then the database
must be there too by the time it is asked again. Where it is not, it is another
database than the published one: a backup put in its place under a running process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proofs.publication import TreeBehind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.store import Cursor, FoldStore
    from proofs.publication import Publisher


@dataclass(frozen=True, slots=True)
class StoreTree:
    """The main tree as the fold wrote it, at one moment."""

    cursor: Cursor
    store: FoldStore

    @property
    def size(self) -> int:
        """Return the number of leaves."""
        return self.cursor.size

    @property
    def root(self) -> bytes:
        """Return the RFC 6962 root."""
        return self.cursor.frontier.root()

    def entries(self, start: int, stop: int, /) -> Iterable[bytes]:
        """Return leaves in order."""
        return self.store.entries(start, stop)


def publish_all(publisher: Publisher, store: FoldStore, at: Cursor | None = None) -> None:
    """Make the published checkpoint cover all that was folded before this call.

    `at` is where the store is known to stand, or to have passed; it is asked unless told.
    Raises `TreeForked`, and `TreeBehind` where the published tree is larger than the
    database's and the database does not catch up.
    """
    while True:
        tree = StoreTree(at or store.cursor(), store)
        published = publisher.publish(tree).checkpoint.size
        if published <= tree.size:
            return
        if (size := store.cursor().size) < published:
            raise TreeBehind(published, size)
        at = None


def check_published(publisher: Publisher, store: FoldStore) -> Cursor:
    """Check that the database's tree extends what was published; return what was checked.

    Raises `TreeForked`, and `TreeBehind` where the database does not catch up: another
    process may have published between the two looks.
    """
    while True:
        cursor = store.cursor()
        try:
            publisher.check_extends(StoreTree(cursor, store))
        except TreeBehind as behind:
            if store.cursor().size < behind.published:
                raise
        else:
            return cursor

"""Is the log what was written and published? Headers, private zones, readings, leaves.

Needs no key and opens nothing. A record altered after it was written breaks the digest
in its leaf; a leaf altered, dropped, swapped or repeated breaks the published tree,
and comparing with the published entries says where.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from domain.errors import MetroledgerError
from proofs.merkle import Frontier, leaf_hash, root
from replay.findings import Breach, Finding
from schemas import canonical
from schemas.leaf import LeafBroken, decode_leaf, rest_of
from schemas.private import PrivateBroken, decode_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ledger.record import Frame, Readings, Record
    from proofs.checkpoint import Checkpoint
    from replay.refold import Replayed
    from schemas.leaf import Leaf


class Integrity:
    """Checks the frames of one pass; fed every accepted commit in order."""

    def __init__(self, published: Checkpoint, entry: Callable[[int], bytes]) -> None:
        """Take the published checkpoint, and how to read a published entry by its index."""
        self._published = published
        self._entry = entry
        self._frontier = Frontier()
        self._events: set[bytes] = set()
        self._differs: Finding | None = None

    def take(self, replayed: Replayed) -> Iterator[Finding]:
        """Yield what is wrong with a commit's frames."""
        record = replayed.record
        digest = hashlib.sha256(record.header_bytes).digest()
        for place in misplaced(record):
            yield Finding(breach=Breach.OTHER_STREAM, leaf=replayed.commit.leaf + place)
        for index, frame in enumerate(record.frames, replayed.commit.leaf):
            yield from self._published_leaf(index, frame.leaf)
            try:
                leaf = decode_leaf(frame.leaf)
            except LeafBroken:
                yield Finding(breach=Breach.UNREADABLE, leaf=index)
                continue
            yield from self._frame(index, frame, leaf, digest)

    def _published_leaf(self, index: int, encoded: bytes) -> Iterator[Finding]:
        """Compare one leaf with the tree; look for the place only when the root will not do."""
        if index < self._published.size:
            self._frontier = self._frontier.append(leaf_hash(encoded))
            if self._differs is None and self._entry(index) != encoded:
                self._differs = Finding(breach=Breach.LEAF_DIFFERS, leaf=index)
                yield self._differs

    def _frame(self, index: int, frame: Frame, leaf: Leaf, digest: bytes) -> Iterator[Finding]:
        if leaf.event.bytes in self._events:
            yield Finding(breach=Breach.LEAF_REPEATED, leaf=index)
        self._events.add(leaf.event.bytes)
        if rest_of(digest, frame.private) != leaf.rest:
            yield Finding(breach=Breach.HEADER_ALTERED, leaf=index)
        if not readings_match(frame.readings, leaf):
            yield Finding(breach=Breach.READINGS_ALTERED, leaf=index)

    def close(self, size: int) -> Iterator[Finding]:
        """Yield what is wrong with the whole, `size` being the leaves the log led to."""
        if size < self._published.size:
            yield Finding(breach=Breach.LEAF_MISSING, leaf=size)
        elif self._differs is None and self._frontier.root() != self._published.root:
            yield Finding(breach=Breach.TREE_DIFFERS, leaf=self._published.size)


def misplaced(record: Record) -> Iterator[int]:
    """Yield the frames whose private zone is not of the next version of a stream written."""
    versions = {write.stream: write.version for write in record.header.writes}
    for place, frame in enumerate(record.frames):
        try:
            private = decode_private(frame.private)
        except PrivateBroken:
            yield place
            continue
        stream = private.stream.bytes
        if stream not in versions or private.version != versions[stream] + 1:
            yield place
        else:
            versions[stream] += frame.events


def readings_match(readings: Readings | None, leaf: Leaf) -> bool:
    """Whether a delivery's readings are those its leaf counts and has the root of."""
    payload = leaf.payload or {}
    if "root" not in payload or leaf.type != "DeliveryReceived.v1":
        return readings is None
    count = len(readings) if readings else 0
    hashes = [leaf_hash(readings.leaf(place)) for place in range(count)] if readings else []
    try:
        return bool(payload["readings"] == count and payload["root"] == canonical.b64(root(hashes)))
    except (KeyError, MetroledgerError):
        return False

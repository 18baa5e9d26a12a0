"""Is the log what was written and published? Headers, private zones, readings, leaves.

Needs no key and opens nothing. A record altered after it was written breaks the digest
in its leaf; a leaf altered, dropped, swapped or repeated breaks the published tree,
and comparing with the published entries says where. A header that its own events do
not fit would arbitrate other streams than it writes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from domain.events.delivery import DeliveryReceived
from ledger.record import Write
from proofs.merkle import Frontier, leaf_hash, root
from replay.findings import Breach, Finding
from replay.statement import Statement
from schemas.canonical import b64
from schemas.leaf import READING_LEAF_SIZE, each_reading_leaf, rest_of
from schemas.registry import ENDING_TOPICS, ORDERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ledger.record import Readings
    from proofs.checkpoint import Checkpoint
    from replay.refold import Replayed


class Integrity:
    """Checks the frames of one pass; fed every accepted commit in order."""

    def __init__(self, published: Checkpoint, entry: Callable[[int], bytes]) -> None:
        """Take the published checkpoint, and how to read a published entry by its index."""
        self._published = published
        self._entry = entry
        self._frontier = Frontier()
        self._events: set[bytes] = set()
        self._differs = False

    def take(
        self, replayed: Replayed, statements: Sequence[Statement | Finding]
    ) -> Iterator[Finding]:
        """Yield what is wrong with a commit's frames, `statements` being what they say."""
        digest = hashlib.sha256(replayed.record.header_bytes).digest()
        leaves = [frame.leaf for frame in replayed.record.frames]
        yield from self._published_leaves(replayed.commit.leaf, leaves)
        for statement in statements:
            if isinstance(statement, Finding):
                yield statement
            else:
                yield from self._statement(statement, digest)
        yield from misfits(replayed, statements)

    def _published_leaves(self, first: int, leaves: Sequence[bytes]) -> Iterator[Finding]:
        """Compare leaves with the published ones; name the first that differs."""
        covered = leaves[: max(self._published.size - first, 0)]
        self._frontier = self._frontier.extend(map(leaf_hash, covered))
        for index, encoded in enumerate(covered, first):
            if not self._differs and self._entry(index) != encoded:
                self._differs = True
                yield Finding(breach=Breach.LEAF_DIFFERS, leaf=index)

    def _statement(self, statement: Statement, digest: bytes) -> Iterator[Finding]:
        index, frame, leaf = statement.at, statement.frame, statement.leaf
        if leaf.event.bytes in self._events:
            yield Finding(breach=Breach.LEAF_REPEATED, leaf=index)
        self._events.add(leaf.event.bytes)
        if rest_of(digest, frame.private) != leaf.rest:
            yield Finding(breach=Breach.HEADER_ALTERED, leaf=index)
        if not readings_match(frame.readings, statement.said):
            yield Finding(breach=Breach.READINGS_ALTERED, leaf=index)
        if not order_matches(statement.private.extra, statement.said):
            yield Finding(breach=Breach.ORDER_DIFFERS, leaf=index)
        for place in repeated(frame.readings) if frame.readings else ():
            yield Finding(breach=Breach.LEAF_REPEATED, leaf=index, place=place)

    def close(self, size: int) -> Iterator[Finding]:
        """Yield what is wrong with the whole, `size` being the leaves the log led to."""
        if size < self._published.size:
            yield Finding(breach=Breach.LEAF_MISSING, leaf=size)
        elif not self._differs and self._frontier.root() != self._published.root:
            yield Finding(breach=Breach.TREE_DIFFERS, leaf=self._published.size)


def readings_match(readings: Readings | None, said: object) -> bool:
    """Whether a frame's readings are those its leaf counts and has the root of."""
    if not isinstance(said, DeliveryReceived):
        return readings is None
    leaves = readings.leaves if readings else b""
    hashes = [
        leaf_hash(leaves[at : at + READING_LEAF_SIZE])
        for at in range(0, len(leaves), READING_LEAF_SIZE)
    ]
    return said.readings == len(hashes) and said.root == b64(root(hashes))


def order_matches(extra: bytes, said: object) -> bool:
    """Whether an order of destruction has the key ids that its leaf counts and has the root of."""
    if not isinstance(said, ORDERS):
        return True
    ids = [extra[at : at + 16] for at in range(0, len(extra), 16)]
    return said.keys == len(set(ids)) and said.root == b64(root(map(leaf_hash, sorted(ids))))


def repeated(readings: Readings) -> list[int]:
    """Return the places of readings whose event was in the delivery already."""
    events = [event for _, event, _, _ in each_reading_leaf(readings.leaves)]
    if len(set(events)) == len(events):
        return []
    seen: set[bytes] = set()
    return [place for place, one in enumerate(events) if one in seen or seen.add(one)]  # type: ignore[func-returns-value]  # add returns None, on purpose


def misfits(replayed: Replayed, statements: Sequence[Statement | Finding]) -> Iterator[Finding]:
    """Yield the events that are not of what their commit's header writes, and ends.

    Of a commit with an unreadable event nothing more is said: that one was found.
    """
    writes = replayed.record.header.writes
    versions = {write.stream: write.version for write in writes}
    ended: set[bytes] = set()
    fits = True
    for one in statements:
        if isinstance(one, Finding):
            return
        stream = one.private.stream.bytes
        if versions.get(stream) != one.private.version - 1:
            fits = False
            yield Finding(breach=Breach.OTHER_STREAM, leaf=one.at)
            continue
        versions[stream] += one.frame.events
        if one.type in ENDING_TOPICS:
            ended.add(stream)
    after = [
        Write(w.stream, w.version, versions[w.stream] - w.version, w.stream in ended)
        for w in writes
    ]
    if fits and after != list(writes):
        yield Finding(breach=Breach.HEADER_MISFITS, leaf=replayed.commit.leaf)

"""The `FoldStore` port: what the fold has written, and what is looked up in it.

The fold writes heads, command ids, the tree, the positions of events and its cursor
in *one* transaction, with a compare-and-swap on the cursor. So a folder that was
paused and wakes up late (a zombie) changes nothing, and no ownership is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from proofs.merkle import Frontier

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ledger.rule import Fate, Head


REGISTER_MARKS: Final = (
    b'"type":"Agreement',
    b'"type":"TermsPublished',
    b'"type":"DestructionOrdered',
    b'"type":"PastErasureRequested',
    b'"type":"KeysDestroyed',
    b'"type":"Retention',
    b'"type":"Notice',
)
"""What marks the leaves of the public register: canonical JSON spells a type one way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far the fold has come, and what the accepted records add up to.

    `offset` is the next to fold; `last` the digest of the last record folded, wherever
    it lies at `offset_last`; `position` how many events were accepted; `accepted` a
    running digest over the accepted headers; `frontier` the tree over all leaves.
    """

    offset: int = 0
    offset_last: int = -1
    last: bytes = b""
    genesis: bytes = b""
    identity: str = ""
    rule: int = 0
    position: int = 0
    accepted: bytes = bytes(32)
    frontier: Frontier = field(default_factory=Frontier)

    @property
    def size(self) -> int:
        """Leaves of the main tree."""
        return self.frontier.size


class Accepted(NamedTuple):
    """An accepted commit: where it lies, and where its events and leaves begin.

    `position` is the notification id of its first event, from 1; `leaf` the index of
    its first leaf in the main tree, from 0.
    """

    command: bytes
    offset: int
    position: int
    events: int
    leaf: int
    leaves: int


class Segment(NamedTuple):
    """Events of one stream in one commit: versions `first` to `first + events - 1`."""

    stream: bytes
    first: int
    events: int
    offset: int


class ReadingRow(NamedTuple):
    """Where a reading lies: which frame of the record at `offset`, which place in it."""

    consent: bytes
    offset: int
    frame: int
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """All that one batch of `records` changes; applied whole or not at all."""

    cursor: Cursor
    records: int
    heads: Mapping[bytes, Head]
    fates: Mapping[bytes, Fate]
    accepted: Sequence[Accepted]
    segments: Sequence[Segment]
    leaves: Sequence[bytes]
    readings: Sequence[ReadingRow]


class FoldStore(Protocol):
    """What the fold writes and everyone reads. Methods may be called from several threads."""

    def cursor(self) -> Cursor:
        """Return how far the fold has come. Raises `Unavailable`."""

    def heads(self, streams: Collection[bytes]) -> Mapping[bytes, Head]:
        """Return the heads of the streams that exist."""

    def fates(self, commands: Collection[bytes]) -> Mapping[bytes, Fate]:
        """Return what became of the commands of which something has."""

    def commit(self, before: Cursor, folded: Folded) -> bool:
        """Apply a batch durably, unless the cursor is not `before` any more; say whether."""

    def accepted(self, command: bytes) -> Accepted | None:
        """Return the accepted commit of a command."""

    def accepted_of(self, commands: Collection[bytes]) -> Mapping[bytes, Accepted]:
        """Return the accepted commits of those commands that have one."""

    def segments(self, stream: bytes, after: int = 0) -> Sequence[Segment]:
        """Return where a stream's events above a version lie, in order."""

    def segments_of(self, streams: Collection[bytes]) -> Sequence[Segment]:
        """Return where all events of many streams lie, by stream and version."""

    def commit_at(self, offset: int) -> Accepted | None:
        """Return the accepted commit whose record lies at an offset of the log."""

    def commits(
        self, start: int, limit: int, *, readings: bool | None = None
    ) -> Sequence[Accepted]:
        """Return commits in order, from the one that holds position `start`.

        Only those with readings, or only those without, where `readings` says so.
        """

    def commits_by_leaf(self, start: int, limit: int) -> Sequence[Accepted]:
        """Return commits that have leaves, in order, from the one that holds leaf `start`."""

    def entries(self, start: int, stop: int) -> Iterable[bytes]:
        """Return the leaves of the main tree with indexes from `start` up to `stop`."""

    def readings(self, consent: bytes) -> Sequence[ReadingRow]:
        """Return where the readings taken in under a consent lie, in ledger order."""

    def register(self, start: int) -> Sequence[int]:
        """Return the indexes, from `start`, of the leaves of the public register.

        Agreements, published texts and orders of destruction: few, and needed often.
        """

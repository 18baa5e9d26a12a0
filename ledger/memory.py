"""A `FoldStore` in memory: for simulations, and for folding a log again to compare."""

from __future__ import annotations

import bisect
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.store import REGISTER_MARKS, Accepted, Cursor, Folded, ReadingRow, Segment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ledger.rule import Fate, Head


@dataclass(slots=True)
class MemoryFoldStore:
    """Keeps all it is given in dictionaries and lists; one lock makes a commit whole."""

    at: Cursor = field(default_factory=Cursor)
    all_heads: dict[bytes, Head] = field(default_factory=dict)
    all_fates: dict[bytes, Fate] = field(default_factory=dict)
    all_accepted: list[Accepted] = field(default_factory=list)
    by_command: dict[bytes, Accepted] = field(default_factory=dict)
    by_stream: dict[bytes, list[Segment]] = field(default_factory=dict)
    all_leaves: list[bytes] = field(default_factory=list)
    by_consent: dict[bytes, list[ReadingRow]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def cursor(self) -> Cursor:
        """Return how far the fold has come."""
        return self.at

    def heads(self, streams: Collection[bytes]) -> Mapping[bytes, Head]:
        """Return the heads of the streams that exist."""
        return {s: self.all_heads[s] for s in streams if s in self.all_heads}

    def fates(self, commands: Collection[bytes]) -> Mapping[bytes, Fate]:
        """Return what became of the commands of which something has."""
        return {c: self.all_fates[c] for c in commands if c in self.all_fates}

    def commit(self, before: Cursor, folded: Folded) -> bool:
        """Apply a batch, unless the cursor is not `before` any more; say whether."""
        with self.lock:
            if not self.may_commit(before):
                return False
            self.apply(folded)
            return True

    def may_commit(self, before: Cursor) -> bool:
        """Whether the cursor still stands where the folder found it."""
        return self.at.offset == before.offset

    def apply(self, folded: Folded) -> None:
        """Write everything a batch changes."""
        self.all_heads.update(folded.heads)
        self.all_fates.update(folded.fates)
        self.all_accepted.extend(folded.accepted)
        self.by_command.update((commit.command, commit) for commit in folded.accepted)
        for segment in folded.segments:
            self.by_stream.setdefault(segment.stream, []).append(segment)
        self.all_leaves.extend(folded.leaves)
        for row in folded.readings:
            self.by_consent.setdefault(row.consent, []).append(row)
        self.at = folded.cursor

    def accepted(self, command: bytes) -> Accepted | None:
        """Return the accepted commit of a command."""
        return self.by_command.get(command)

    def accepted_of(self, commands: Collection[bytes]) -> Mapping[bytes, Accepted]:
        """Return the accepted commits of those commands that have one."""
        return {c: self.by_command[c] for c in commands if c in self.by_command}

    def segments(self, stream: bytes, after: int = 0) -> Sequence[Segment]:
        """Return where a stream's events above a version lie, in order."""
        found = self.by_stream.get(stream, [])
        return [s for s in found if s.first + s.events - 1 > after]

    def segments_of(self, streams: Collection[bytes]) -> Sequence[Segment]:
        """Return where all events of many streams lie, by stream and version."""
        return [segment for stream in sorted(streams) for segment in self.segments(stream)]

    def commit_at(self, offset: int) -> Accepted | None:
        """Return the accepted commit whose record lies at an offset of the log."""
        place = bisect.bisect_left(self.all_accepted, offset, key=lambda c: c.offset)
        found = self.all_accepted[place : place + 1]
        return found[0] if found and found[0].offset == offset else None

    def commits(
        self, start: int, limit: int, *, readings: bool | None = None
    ) -> Sequence[Accepted]:
        """Return commits in order, from the one that holds position `start`."""
        first = bisect.bisect_right(self.all_accepted, start, key=lambda c: c.position)
        found = self.all_accepted[max(first - 1, 0) :]
        return [c for c in found if readings in (None, c.events > c.leaves)][:limit]

    def commits_by_leaf(self, start: int, limit: int) -> Sequence[Accepted]:
        """Return commits in order, from the one that holds leaf `start`."""
        first = bisect.bisect_right(self.all_accepted, start, key=lambda c: c.leaf)
        return self.all_accepted[max(first - 1, 0) :][:limit]

    def entries(self, start: int, stop: int) -> Iterable[bytes]:
        """Return the leaves of the main tree with indexes from `start` up to `stop`."""
        return self.all_leaves[start:stop]

    def readings(self, consent: bytes) -> Sequence[ReadingRow]:
        """Return where the readings taken in under a consent lie, in ledger order."""
        return self.by_consent.get(consent, [])

    def register(self, start: int) -> Sequence[int]:
        """Return the indexes, from `start`, of the leaves of the public register."""
        later = enumerate(self.all_leaves[start:], start)
        return [index for index, leaf in later if any(mark in leaf for mark in REGISTER_MARKS)]

"""Read the log from its beginning and apply the rule again, keeping nothing but heads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ledger.fold import BATCH_BYTES, BATCH_RECORDS, fold_batch, needs, parse
from ledger.genesis import NoGenesis, read_genesis
from ledger.rule import Fate, Head, Rule, Void
from ledger.store import Accepted, Cursor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ledger.fold import Parsed
    from ledger.log import CommitLog
    from ledger.record import Frame, Record


class Replayed(NamedTuple):
    """An accepted commit, met again: where it lies and counts, and its record."""

    commit: Accepted
    record: Record

    def leaves(self) -> Iterator[tuple[int, Frame]]:
        """Yield each frame with the index of its leaf in the main tree."""
        return enumerate(self.record.frames, self.commit.leaf)


@dataclass(slots=True)
class Refold:
    """One pass over a log; `cursor` and `voids` are what the pass has come to so far.

    Memory grows with the number of streams and commands, not with the readings.
    """

    log: CommitLog
    origin: str
    rule: Rule = field(default_factory=Rule)
    cursor: Cursor = field(default_factory=Cursor)
    heads: dict[bytes, Head] = field(default_factory=dict)
    fates: dict[bytes, Fate] = field(default_factory=dict)
    voids: dict[int, Void] = field(default_factory=dict)

    def commits(self) -> Iterator[Replayed]:
        """Yield every accepted commit in order; raise `NoGenesis` for another ledger's log."""
        start = self.log.begin()
        while entries := self.log.read(start, limit=BATCH_RECORDS, bytes_max=BATCH_BYTES):
            parsed = [parse(entry) for entry in entries]
            if self.cursor.offset_last < 0:
                self._require_genesis(parsed[0])
            yield from self._fold(parsed)
            start = entries[-1].offset + 1

    def _require_genesis(self, first: Parsed) -> None:
        if first.record is None:
            raise NoGenesis(self.origin, "bytes that are no record")
        read_genesis(first.record, self.origin)

    def _fold(self, parsed: Sequence[Parsed]) -> Iterator[Replayed]:
        streams, commands = needs(parsed)
        heads = {stream: self.heads[stream] for stream in streams if stream in self.heads}
        fates = {command: self.fates[command] for command in commands if command in self.fates}
        folded, voids = fold_batch(self.rule, self.cursor, parsed, heads, fates)
        records = {entry.offset: entry.record for entry in parsed}
        self.heads.update(folded.heads)
        self.fates.update(folded.fates)
        self.voids.update(voids)
        self.cursor = folded.cursor
        for commit in folded.accepted:
            record = records[commit.offset]
            if record is not None:
                yield Replayed(commit, record)

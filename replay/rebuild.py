"""Fold the log again into an empty store, and compare with what the first fold wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from replay.refold import Refold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.log import CommitLog
    from ledger.store import Cursor, FoldStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """The two cursors, and how many heads of streams and fates of commands differ."""

    written: Cursor
    again: Cursor
    streams: int
    heads_differ: int
    fates_differ: int

    @property
    def same(self) -> bool:
        """Whether the log leads again to what was written."""
        differ = self.heads_differ + self.fates_differ
        return differ == 0 and _facts(self.written) == _facts(self.again)

    def lines(self) -> Iterator[str]:
        """Yield the result in plain words."""
        verdict = "the same" if self.same else "NOT THE SAME"
        yield f"folded again from the beginning: {verdict}"
        yield f"  {self.again.position} events, {self.again.size} leaves, {self.streams} streams"
        yield f"  tree root         {self.again.frontier.root().hex()}"
        yield f"  accepted headers  {self.again.accepted.hex()}"
        if not self.same:
            root = self.written.frontier.root().hex()
            yield f"  written down: {self.written.size} leaves, {root}"
            yield f"  {self.heads_differ} streams and {self.fates_differ} commands differ"


def _facts(cursor: Cursor) -> tuple[object, ...]:
    """Return all that folding a log adds up to; which log it is, is another matter."""
    counts = (cursor.offset, cursor.offset_last, cursor.position, cursor.size, cursor.rule)
    return (*counts, cursor.genesis, cursor.last, cursor.accepted, cursor.frontier.root())


def rebuild(log: CommitLog, store: FoldStore, origin: str) -> Rebuilt:
    """Fold a log again and compare cursor, tree, every head and every command's fate."""
    written = store.cursor()
    refold = Refold(log, origin)
    for _ in refold.commits():
        pass
    heads = store.heads(list(refold.heads))
    fates = store.fates(list(refold.fates))
    return Rebuilt(
        written=written,
        again=refold.cursor,
        streams=len(refold.heads),
        heads_differ=sum(heads.get(stream) != head for stream, head in refold.heads.items()),
        fates_differ=sum(fates.get(one) is not fate for one, fate in refold.fates.items()),
    )

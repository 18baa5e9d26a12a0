"""What one accepted event makes happen next, whoever died in between.

A reaction reads the accepted events in order and issues commands whose ids are derived
from what caused them, so each may be issued again. Its cursor moves only past events whose
commands were answered: a process that is killed leaves its work to the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from application.consenting import after_ending
from domain.aggregates.collection import StopReason
from domain.events.consent import ConsentExpired, ConsentWithdrawn
from ledger.retrieval import read_records
from schemas.leaf import LeafBroken, decode_leaf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from application.services import Services
    from ledger.record import Frame
    from schemas.leaf import Leaf

AT_ONCE: Final = 200
_ENDINGS: Final = "endings"
_REASONS: Final = {
    ConsentWithdrawn.TOPIC: StopReason.WITHDRAWN,
    ConsentExpired.TOPIC: StopReason.EXPIRED,
}


class Cursors(Protocol):
    """How far each reaction has come, durably."""

    def position(self, name: str) -> int:
        """Return the next position that a reaction looks at, from 1."""

    def advance(self, name: str, position: int) -> None:
        """Move a reaction's cursor forward, never back."""


def stop_what_ended(services: Services, cursors: Cursors) -> int:
    """Stop the collections of consents that ended; return how many endings were looked at.

    The command that ends a consent does the same at once; this is for when it was killed
    between the two. An ending is told by its leaf, so no key is needed to see it.
    """
    store, seen = services.ledger.folder.store, 0
    position = cursors.position(_ENDINGS)
    while True:
        found = store.commits(position, AT_ONCE, readings=False)
        commits = [commit for commit in found if commit.position >= position]
        if not commits:
            return seen
        for record in read_records(services.ledger.folder.log, [c.offset for c in commits]):
            for leaf in _endings(record.frames):
                if leaf.consent is not None:
                    after_ending(services, leaf.consent, _REASONS[leaf.type])
                    seen += 1
        position = commits[-1].position + commits[-1].events
        cursors.advance(_ENDINGS, position)


def _endings(frames: tuple[Frame, ...]) -> Iterator[Leaf]:
    for frame in frames:
        if b'"type":"Consent' in frame.leaf:
            try:
                leaf = decode_leaf(frame.leaf)
            except LeafBroken:
                continue  # a foreign record: the audit names it
            if leaf.type in _REASONS:
                yield leaf

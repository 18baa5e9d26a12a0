"""What one accepted event makes happen next, whoever died in between.

A reaction reads the accepted events in order and issues commands whose ids are derived
from what caused them, so each may be issued again. Its cursor moves only past events whose
commands were answered: a process that is killed leaves its work to the next one.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, Protocol

from application.consenting import after_ending, start_agreed
from application.services import collection_id
from domain.aggregates.collection import StopReason
from domain.errors import Refused
from domain.events.consent import ConsentExpired, ConsentGranted, ConsentWithdrawn
from ledger.retrieval import read_records
from schemas.leaf import LeafBroken, decode_leaf

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence
    from uuid import UUID

    from application.services import Services
    from ledger.record import Frame
    from schemas.leaf import Leaf

AT_ONCE: Final = 200
_ENDINGS: Final = "endings"
_GRANTS: Final = "grants"
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
    seen = 0
    for leaves in _following(services, cursors, _ENDINGS, _REASONS):
        for consent, topic in leaves:
            after_ending(services, consent, _REASONS[topic])
            seen += 1
    return seen


def start_what_was_granted(services: Services, cursors: Cursors) -> int:
    """Start the collections of consents that were granted; return for how many it was tried.

    Whoever grants one does the same at once; this is for when they were killed between the two.
    """
    started = 0
    for leaves in _following(services, cursors, _GRANTS, {ConsentGranted.TOPIC}):
        for consent in _not_started(services, [consent for consent, _ in leaves]):
            with contextlib.suppress(Refused):  # it has ended since, or cannot be collected
                start_agreed(services, consent)
                started += 1
    return started


def _not_started(services: Services, consents: Sequence[UUID]) -> Iterator[UUID]:
    """Yield the consents of which a collection over some channel was never started."""
    agreements = services.register.read().agreements.values()
    channels = {channel for one in agreements if one.signed for channel in one.signed.channels}
    streams = {
        consent: [collection_id(consent, channel).bytes for channel in channels]
        for consent in consents
    }
    heads = services.ledger.folder.store.heads([one for each in streams.values() for one in each])
    for consent, collections in streams.items():
        if any(one not in heads for one in collections):
            yield consent


def _following(
    services: Services, cursors: Cursors, name: str, topics: Container[str]
) -> Iterator[list[tuple[UUID, str]]]:
    """Yield the consents that events of some topics are about, with the topic, batch by batch.

    The cursor moves on when the next batch is asked for: the one before was then seen to.
    """
    store, position = services.ledger.folder.store, cursors.position(name)
    while True:
        found = store.commits(position, AT_ONCE, readings=False)
        commits = [commit for commit in found if commit.position >= position]
        if not commits:
            return
        records = read_records(services.ledger.folder.log, [c.offset for c in commits])
        leaves = (leaf for record in records for leaf in _leaves(record.frames))
        yield [
            (leaf.consent, leaf.type)
            for leaf in leaves
            if leaf.consent is not None and leaf.type in topics
        ]
        position = commits[-1].position + commits[-1].events
        cursors.advance(name, position)


def _leaves(frames: tuple[Frame, ...]) -> Iterator[Leaf]:
    for frame in frames:
        if b'"type":"Consent' in frame.leaf:
            try:
                yield decode_leaf(frame.leaf)
            except LeafBroken:
                continue  # a foreign record: the audit names it

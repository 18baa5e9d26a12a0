"""What one accepted event makes happen next, whoever died in between.

A reaction reads the accepted events in order and issues commands whose ids are derived
from what caused them, so each may be issued again. Its cursor moves only past events whose
commands were answered: a process that is killed leaves its work to the next one.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Final, Protocol

from application.consenting import after_ending, start_agreed
from application.letters import MARKS, LetterOwed, write_due
from application.services import collection_id
from application.telling import tell
from domain.aggregates.collection import StopReason
from domain.errors import Corrupt, Refused
from domain.events.consent import ConsentExpired, ConsentGranted, ConsentWithdrawn
from ledger.retrieval import read_records
from schemas.leaf import LeafBroken, decode_leaf
from schemas.private import PrivateBroken, decode_private

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence
    from uuid import UUID

    from application.services import Services
    from ledger.record import Frame, Record
    from schemas.leaf import Leaf

AT_ONCE: Final = 200
_ENDINGS: Final = "endings"
_GRANTS: Final = "grants"
_LETTERS: Final = "letters"
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


def write_letters(services: Services, cursors: Cursors) -> int:
    """Write the letters about erasure requests that are owed; return how many were written.

    One that the post does not take holds up the later ones and nothing else.
    """
    written = 0
    for records in _batches(services, cursors, _LETTERS):
        frames = (frame for record in records for frame in record.frames)
        asking = [frame for frame in frames if any(mark in frame.leaf for mark in MARKS)]
        for account in dict.fromkeys(_streams(asking)):
            try:
                written += write_due(services, account)
            except LetterOwed as error:
                tell("letter-owed", logging.ERROR, error=error)
                return written
            except Corrupt as error:  # a foreign record, or one altered: the audit names it
                tell("letter-unwritten", logging.ERROR, error=error)
    return written


def _streams(frames: Iterable[Frame]) -> Iterator[UUID]:
    for frame in frames:
        with contextlib.suppress(PrivateBroken):  # a foreign record: the audit names it
            yield decode_private(frame.private).stream


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
    for records in _batches(services, cursors, name):
        leaves = (leaf for record in records for leaf in _leaves(record.frames))
        yield [
            (leaf.consent, leaf.type)
            for leaf in leaves
            if leaf.consent is not None and leaf.type in topics
        ]


def _batches(services: Services, cursors: Cursors, name: str) -> Iterator[Iterable[Record]]:
    """Yield the accepted records that a reaction has not seen, batch by batch; see `_following`."""
    store, position = services.ledger.folder.store, cursors.position(name)
    while True:
        found = store.commits(position, AT_ONCE, readings=False)
        commits = [commit for commit in found if commit.position >= position]
        if not commits:
            return
        yield read_records(services.ledger.folder.log, [c.offset for c in commits])
        position = commits[-1].position + commits[-1].events
        cursors.advance(name, position)


def _leaves(frames: tuple[Frame, ...]) -> Iterator[Leaf]:
    for frame in frames:
        if b'"type":"Consent' in frame.leaf:
            try:
                yield decode_leaf(frame.leaf)
            except LeafBroken:
                continue  # a foreign record: the audit names it

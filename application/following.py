"""An account's erasure requests as its stream tells them: each of them, and what happened to it.

Types, dates and random ids alone, which private zones hold: no key is needed, so a request can be
followed when nothing else of its account can be read. What the queue shows of an account is its
last request (`projections.requests`); this is for whoever follows one that was before it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from domain.errors import Corrupt
from domain.events.account import ErasureRequested
from ledger.retrieval import read_record
from projections.requests import TOPICS, Request, evolve
from schemas.leaf import decode_leaf, rest_of
from schemas.private import decode_private

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from uuid import UUID

    from application.services import Services
    from ledger.record import Frame
    from schemas.leaf import Leaf
    from schemas.private import Private


class Step(NamedTuple):
    """One event of a request: its parts as stored, and its commit's header's digest."""

    leaf: Leaf
    private: Private
    frame: Frame
    header: bytes


def steps_of(
    services: Services, account_id: UUID, topics: Container[str] = TOPICS
) -> Iterator[Step]:
    """Yield what happened to an account's requests, of some topics, the oldest first."""
    folder = services.ledger.folder
    for segment in folder.store.segments(account_id.bytes):
        record = read_record(folder.log, segment.offset)
        header = hashlib.sha256(record.header_bytes).digest()
        for frame in record.frames:
            try:
                private, leaf = decode_private(frame.private), decode_leaf(frame.leaf)
            except Corrupt:
                continue  # a foreign record: the audit names it
            ours = private.stream == account_id and leaf.rest == rest_of(header, frame.private)
            if ours and leaf.type in topics:
                yield Step(leaf, private, frame, header)


def requests_of(services: Services, account_id: UUID) -> dict[UUID, Request]:
    """Return an account's requests in their order, by the random id of the event that made each."""
    found: dict[UUID, Request] = {}
    for step in steps_of(services, account_id):
        made = next(reversed(found), None)
        before = found[made] if made else None
        after = evolve(before, account_id, step.leaf.type, step.private.at)
        begins = step.leaf.type == ErasureRequested.TOPIC and after is not before
        if after is not None:
            found[step.leaf.event if begins or made is None else made] = after
    return found

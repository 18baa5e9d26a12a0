"""Seal a whole delivery into one record: the bulk method of the write path.

The same header and the same seal for the delivery's own events; its readings were sealed
column by column (`ledger.readings`) and go into the frame of `DeliveryReceived`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from application.protocol import Proposal
from application.transact import header_of, proposal_of
from domain.events.delivery import DeliveryReceived
from ledger.frames import seal_event
from ledger.record import assemble, encode_frame, encode_header

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from application.transact import Context, Ledger, Loading
    from domain.events import Change
    from ledger.record import Read, Readings


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFrame:
    """What a delivery's commit is made of: its events, its readings, and their key ids.

    `expects` are the consents and collections that the readings are taken in under.
    """

    changes: list[Change]
    readings: Readings | None
    key_ids: bytes
    expects: Sequence[Read] = ()


def propose_delivery(
    ledger: Ledger, command: UUID, loading: Loading, frame: DeliveryFrame, context: Context
) -> Proposal:
    """Return the record of a delivery's part: its events, and its readings in their frame."""
    count = len(frame.readings) if frame.readings else 0
    header = header_of(command, loading.seen, frame.changes)
    (write,) = header.writes
    header = replace(
        header,
        reads=(*header.reads, *frame.expects),
        writes=(write._replace(events=write.events + count),),
    )
    context = replace(context, extra={**context.extra, DeliveryReceived.TOPIC: frame.key_ids})
    encoded = encode_header(header)
    frames = []
    shift = 0
    for draft in ledger.draft(encoded, loading, frame.changes, context):
        place = replace(draft, originator_version=draft.originator_version + shift)
        sealed = seal_event(place)
        if isinstance(draft.event, DeliveryReceived):
            sealed, shift = replace(sealed, readings=frame.readings), count
        frames.append(encode_frame(sealed))
    return proposal_of(assemble(encoded, frames), header)

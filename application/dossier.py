"""Everything the log says of a person, in their own words: for the right of access (article 15).

Whatever event an account's streams may hold is in it, with nothing chosen by hand: so what is
given and what an erasure makes unreadable are the same, by how they are found. Readings are not
in it: they lie in deliveries, and the export has them under their consents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from application.letters import letters_id
from application.seeing import accesses_id
from application.services import collection_id
from domain.values import Channel
from keys.names import Purpose
from keys.redaction import Redacted
from ledger.frames import Opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from application.services import Services
    from domain.events import Event

NOT_GIVEN: Final = frozenset({"checked_by"})
"""Members that are somebody else's: which member of the staff, by a random id (15(4))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event: its type, when and in what role it was done, what it says.

    `said` is None where its key was destroyed on order.
    """

    type: str
    at: datetime
    role: str
    said: dict[str, Any] | None


def history(services: Services, account_id: UUID) -> Sequence[Told]:
    """Return every event of an account's own streams, the oldest first."""
    streams = list(streams_of(services, account_id))
    stored = services.ledger.recorder.select_many(streams)
    every = [event for events in stored.values() for event in events]
    opened = (one for one in services.ledger.mapper.open_all(every) if isinstance(one, Opened))
    return sorted(map(_told, opened), key=lambda one: one.at)


def streams_of(services: Services, account_id: UUID) -> Iterator[UUID]:
    """Yield the streams that may hold something of an account; some of them may be empty."""
    yield account_id
    yield letters_id(account_id)
    yield from (one for one in services.keys.ids_of(account_id) if one != account_id)
    for name in services.keys.keys_of(account_id):
        if name.purpose is Purpose.EVIDENCE and name.consent is not None:
            yield from (collection_id(name.consent, channel) for channel in Channel)
        elif name.purpose is Purpose.ACCESS and name.year is not None:
            yield accesses_id(account_id, name.year)


def _told(opened: Opened) -> Told:
    erased = isinstance(opened.event, Redacted)
    return Told(
        type=opened.leaf.type,
        at=opened.private.at,
        role=opened.private.role.value,
        said=None if erased else _members(opened.event),  # type: ignore[arg-type]  # told apart
    )


def _members(event: Event) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(event)
    return {name: value for name, value in said.items() if name not in NOT_GIVEN}

"""What a stored frame says openly, read strictly: its leaf, its private zone.

A forger writes leaves that only look like ours. So a leaf must show exactly what its
type shows, and a public payload must have exactly its members; anything else is a
finding at that leaf, and never an exception in whoever reads on.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from domain.errors import Corrupt
from domain.values import civil_day
from ledger.frames import event_from
from replay.findings import Breach, Finding
from schemas.leaf import decode_leaf
from schemas.private import decode_private
from schemas.registry import EVENT_TYPES, KIND_OF, zones_of

if TYPE_CHECKING:
    from domain.events import Event
    from ledger.record import Frame
    from schemas.leaf import Leaf
    from schemas.private import Private

_SHOWABLE: Final = ("consent", "cites", "category", "last_day")


class Statement(NamedTuple):
    """One leaf of the main tree, at index `at`, with its frame.

    `said` has the members that everyone may read, typed: the event itself where it has
    no data subject, else what its leaf shows of it. `day` is the Europe/Paris day in
    which the leaf's hour begins.
    """

    at: int
    frame: Frame
    leaf: Leaf
    private: Private
    said: Any
    day: date

    @property
    def type(self) -> str:
        """The stored type."""
        return self.leaf.type


def read(index: int, frame: Frame) -> Statement | Finding:
    """Return what a frame says, or the finding that it is not readable."""
    try:
        leaf, private = decode_leaf(frame.leaf), decode_private(frame.private)
        if leaf.type not in EVENT_TYPES:
            return Finding(breach=Breach.UNKNOWN_TYPE, leaf=index)
        said, day = _said(leaf), day_of_hour(leaf.hour)
    except (Corrupt, ValueError, OverflowError):  # the last: an hour at the calendar's end
        return Finding(breach=Breach.UNREADABLE, leaf=index)
    return Statement(index, frame, leaf, private, said, day)


@lru_cache(maxsize=1024)
def day_of_hour(hour: str) -> date:
    """Return the Europe/Paris day in which a leaf's hour begins; ValueError if it is none."""
    return civil_day(datetime.strptime(hour, "%Y-%m-%dT%HZ").replace(tzinfo=UTC))


def _said(leaf: Leaf) -> Any:  # noqa: ANN401 (an event, or what a leaf shows of one)
    """Return what a leaf says; ValueError or `Corrupt` unless it is all that its type says."""
    event = EVENT_TYPES[leaf.type]
    shown = {name: getattr(leaf, name) for name in event.LEAF}
    public = event.KEY is None
    strange = any(getattr(leaf, n) is not None for n in _SHOWABLE if n not in shown)
    misplaced = (leaf.payload is not None) != public or (leaf.commitment is None) != public
    if strange or misplaced or event in KIND_OF:
        raise ValueError
    if leaf.payload is None:
        return msgspec.convert(shown, _shown_type(event))
    if leaf.payload.keys() != set(zones_of(event).payload):
        raise ValueError
    return event_from(leaf, leaf.payload)


@cache
def _shown_type(event: type[Event]) -> type[msgspec.Struct]:
    members = [
        (member.name, member.type)
        for member in msgspec.structs.fields(event)
        if member.name in event.LEAF
    ]
    return msgspec.defstruct(f"{event.__name__}Shown", members, frozen=True, kw_only=True)

"""A notice of an erasure: queued, sent until it is acknowledged, and never kept for ever.

Days are enough to go by: a notice is sent again after a week, then after two, four and so on;
after two weeks without an acknowledgement a person is told, and the letters go on. Data that
arrives all the same is told again, at most once a week.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from domain.aggregates.machine import Happened, Table, move
from domain.errors import Refused
from domain.events.notice import (
    Cause,
    NoticeAcknowledged,
    NoticeDisregarded,
    NoticeEscalated,
    NoticeExpired,
    NoticeQueued,
    NoticeSent,
    Occasion,
)

WEEK: Final = timedelta(days=7)
ESCALATED_AFTER: Final = timedelta(days=14)
"""How long an acknowledgement is waited for before a person is told."""

_DOUBLINGS_MAX: Final = 5


class NoticeStatus(StrEnum):
    """Where a notice is in its life."""

    UNQUEUED = "unqueued"
    QUEUED = "queued"
    SENT = "sent"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    EXPIRED = "expired"


TRANSITIONS: Final[Table[NoticeStatus]] = {
    NoticeStatus.UNQUEUED: {NoticeQueued: NoticeStatus.QUEUED},
    NoticeStatus.QUEUED: {
        NoticeSent: NoticeStatus.SENT,
        NoticeDisregarded: NoticeStatus.QUEUED,
        NoticeEscalated: NoticeStatus.ESCALATED,
        NoticeAcknowledged: NoticeStatus.ACKNOWLEDGED,
        NoticeExpired: NoticeStatus.EXPIRED,
    },
    NoticeStatus.SENT: {
        NoticeSent: NoticeStatus.SENT,
        NoticeDisregarded: NoticeStatus.SENT,
        NoticeEscalated: NoticeStatus.ESCALATED,
        NoticeAcknowledged: NoticeStatus.ACKNOWLEDGED,
        NoticeExpired: NoticeStatus.EXPIRED,
    },
    NoticeStatus.ESCALATED: {
        NoticeSent: NoticeStatus.ESCALATED,
        NoticeDisregarded: NoticeStatus.ESCALATED,
        NoticeAcknowledged: NoticeStatus.ACKNOWLEDGED,
        NoticeExpired: NoticeStatus.EXPIRED,
    },
    NoticeStatus.ACKNOWLEDGED: {},
    NoticeStatus.EXPIRED: {},
}

LIVING: Final = (NoticeStatus.QUEUED, NoticeStatus.SENT, NoticeStatus.ESCALATED)
"""The states of a notice that waits for its acknowledgement."""

_OVER: Final = frozenset({NoticeStatus.ACKNOWLEDGED, NoticeStatus.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The notice as its events left it; what was not yet is None.

    `untold`: data came all the same since it was sent last.
    """

    status: NoticeStatus = NoticeStatus.UNQUEUED
    queued: NoticeQueued | None = None
    sent: NoticeSent | None = None
    escalated: NoticeEscalated | None = None
    disregarded: NoticeDisregarded | None = None
    untold: bool = False

    @property
    def times(self) -> int:
        """How often it was sent."""
        return self.sent.times if self.sent else 0


INITIAL: Final = Notice()


class NoSuchNotice(Refused):
    """There is no notice of that reference."""

    status = 404

    def __init__(self) -> None:
        super().__init__(
            "There is no notice of this reference. Compare it with the letter, or look at "
            "'metroledger erase status'."
        )


def evolve(state: Notice, event: Happened) -> Notice:
    """Return the notice after an event.

    Raises `ImpossibleEvent` when it cannot happen to it.
    """
    moved = replace(state, status=move(TRANSITIONS, state.status, event))
    match event:
        case NoticeQueued():
            return replace(moved, queued=event)
        case NoticeSent():
            return replace(moved, sent=event, untold=False)
        case NoticeEscalated():
            return replace(moved, escalated=event)
        case NoticeDisregarded():
            return replace(moved, disregarded=event, untold=True)
        case _:
            return moved


def queue(state: Notice, wanted: NoticeQueued) -> tuple[NoticeQueued, ...]:
    """Decide that a notice waits to be sent; the first one stands."""
    return (wanted,) if state.queued is None else ()


def send(state: Notice, wanted: NoticeSent) -> tuple[NoticeSent, ...]:
    """Decide that a mail server took it, for the `times`-th time."""
    return (wanted,) if _is_living(state) and wanted.times > state.times else ()


def escalate(state: Notice, wanted: NoticeEscalated) -> tuple[NoticeEscalated, ...]:
    """Decide that a person must see to it; the first cause stands."""
    return (wanted,) if _is_living(state) and state.escalated is None else ()


def disregard(state: Notice, wanted: NoticeDisregarded) -> tuple[NoticeDisregarded, ...]:
    """Decide that data arrived all the same; once a week is enough."""
    before = state.disregarded
    lately = before is not None and wanted.came_on - before.came_on < WEEK
    return (wanted,) if _is_living(state) and not lately else ()


def acknowledge(state: Notice, *, on: date) -> tuple[NoticeAcknowledged, ...]:
    """Decide that whoever was told acknowledged; one that is over stays as it ended."""
    return (NoticeAcknowledged(acknowledged_on=on),) if _is_living(state) else ()


def expire(state: Notice, *, on: date) -> tuple[NoticeExpired, ...]:
    """Decide that the notice's days are over."""
    return (NoticeExpired(expired_on=on),) if _is_living(state) else ()


def is_over(state: Notice) -> bool:
    """Tell whether nothing of it is to be kept any more."""
    return state.status in _OVER


def is_past(state: Notice, today: date) -> bool:
    """Tell whether the days of a notice that lives have passed."""
    return state.queued is not None and (
        (today - state.queued.queued_on).days > state.queued.kept_days
    )


def occasion(state: Notice, today: date) -> Occasion | None:
    """Return why a notice that lives is to be sent now, None where it is not."""
    if state.sent is None:
        return Occasion.FIRST
    if state.untold:
        return Occasion.DATA_CAME if today - state.sent.sent_on >= WEEK else None
    waits = WEEK * (1 << min(max(state.times - 1, 0), _DOUBLINGS_MAX))
    return Occasion.REMINDER if today - state.sent.sent_on >= waits else None


def cause(state: Notice, today: date) -> Cause | None:
    """Return why a person must be told of a notice that lives, None where they need not."""
    if state.queued is None or state.escalated is not None:
        return None
    late = today - state.queued.queued_on >= ESCALATED_AFTER
    return Cause.UNANSWERED if late else None


def _is_living(state: Notice) -> bool:
    """Tell whether anything can happen to a notice yet. Raises `NoSuchNotice`."""
    if state.queued is None:
        raise NoSuchNotice
    return state.status not in _OVER

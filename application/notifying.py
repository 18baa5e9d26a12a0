"""Notices on their way: sent, sent again, told to a person, and over; one round of upkeep.

Which are due is read from the register, day by day; what a letter says is opened only for the
letter. Nothing of it is kept by the post: where no mail server takes a notice it stays sealed, and
is tried again, ever more rarely. A kill between a letter and its event sends that one twice.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from application.notice_letters import letter_of
from application.notices import forget, forget_ended, note, told_of
from application.telling import tell
from domain.aggregates import notice
from domain.errors import Unavailable
from domain.events.notice import Cause, NoticeEscalated, NoticeSent
from domain.values import civil_day

if TYPE_CHECKING:
    from uuid import UUID

    from application.services import Services
    from domain.aggregates.notice import Notice
    from domain.events.notice import Occasion

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_PAUSE: Final = timedelta(minutes=1)
_DOUBLINGS_MAX: Final = 10
"""So at most once in some seventeen hours."""


def see_to_notices(services: Services, failed: dict[UUID, datetime]) -> int:
    """Do with each notice what its day asks for; return how many things that were.

    A letter that is not taken ends the round's letters: the others have the next. `failed` is
    when which was last not taken, and is kept between rounds.
    """
    done, today = forget_ended(services), civil_day(services.clock())
    taken = True
    for notice_id, state in services.register.read().notices.items():
        if notice.is_past(state, today):
            done += _end(services, notice_id)
            continue
        if (cause := notice.cause(state, today)) is not None:
            done += _escalate(services, notice_id, cause)
        occasion = notice.occasion(state, today)
        if occasion is None or not taken or _rests(services, notice_id, state, failed):
            continue
        try:
            done += _send(services, notice_id, state, occasion)
        except (Unavailable, OSError) as error:
            failed[notice_id], taken = services.clock(), False
            tell("notice-not-taken", logging.WARNING, error=error, notice=notice_id)
    return done


def _send(services: Services, notice_id: UUID, state: Notice, occasion: Occasion) -> bool:
    """Send one notice, or tell a person why it cannot be; say whether anything was written."""
    known = state.queued is not None and state.queued.recipient in services.correspondents.addresses
    told = told_of(services, notice_id) if known else None
    if told is None:
        return state.escalated is None and _escalate(
            services, notice_id, Cause.LOST if known else Cause.NO_ADDRESS
        )
    services.post.hand_over(letter_of(notice_id, told, occasion, services.correspondents))
    wanted = NoticeSent(
        times=state.times + 1, occasion=occasion, sent_on=civil_day(services.clock())
    )
    return note(services, notice_id, lambda now: notice.send(now, wanted))


def _escalate(services: Services, notice_id: UUID, cause: Cause) -> bool:
    wanted = NoticeEscalated(cause=cause, escalated_on=civil_day(services.clock()))
    return note(services, notice_id, lambda now: notice.escalate(now, wanted))


def _end(services: Services, notice_id: UUID) -> bool:
    """End a notice whose days are over, and destroy what it says."""
    today = civil_day(services.clock())
    ended = note(services, notice_id, lambda now: notice.expire(now, on=today))
    forget(services, notice_id)
    return ended


def _rests(
    services: Services, notice_id: UUID, state: Notice, failed: dict[UUID, datetime]
) -> bool:
    """Tell whether it is too early to try again: the pause doubles with each day it waits."""
    now = services.clock()
    since = state.sent.sent_on if state.sent else state.queued.queued_on if state.queued else None
    days = (civil_day(now) - since).days if since else 0
    pause = _FIRST_PAUSE * (1 << min(max(days, 0), _DOUBLINGS_MAX))
    return now - failed.get(notice_id, _LONG_AGO) < pause

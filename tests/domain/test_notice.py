"""When a notice is sent, again, and when a person is told: by days alone."""

from datetime import date, timedelta

from domain.aggregates import notice
from domain.aggregates.notice import Notice
from domain.events import Event
from domain.events.notice import (
    Addressee,
    Cause,
    NoticeDisregarded,
    NoticeEscalated,
    NoticeQueued,
    NoticeSent,
    Occasion,
)
from tests.domain import world

DAY = date(2026, 3, 1)
QUEUED = NoticeQueued(
    request=world.REQUEST,
    recipient="enedis",
    addressee=Addressee.OPERATOR,
    queued_on=DAY,
    kept_days=90,
)


def after(*events: Event) -> Notice:
    state = notice.INITIAL
    for event in (QUEUED, *events):
        state = notice.evolve(state, event)
    return state


def sent(times: int, day: int) -> NoticeSent:
    occasion = Occasion.REMINDER if times > 1 else Occasion.FIRST
    return NoticeSent(times=times, occasion=occasion, sent_on=DAY + timedelta(days=day))


def came(day: int) -> NoticeDisregarded:
    return NoticeDisregarded(rows=2, came_on=DAY + timedelta(days=day))


def occasions(state: Notice, days: int = 40) -> list[int]:
    """The days on which it would be sent, were it not sent on any."""
    return [n for n in range(days) if notice.occasion(state, DAY + timedelta(days=n))]


def test_it_is_sent_at_once_and_again_after_one_two_and_four_weeks() -> None:
    assert occasions(after())[0] == 0
    assert occasions(after(sent(1, 0)))[0] == 7
    assert occasions(after(sent(1, 0), sent(2, 7)))[0] == 7 + 14
    assert occasions(after(sent(1, 0), sent(2, 7), sent(3, 21)), 60)[0] == 21 + 28


def test_data_that_comes_all_the_same_is_told_once_a_week_at_most() -> None:
    told = after(sent(1, 0), sent(2, 7))
    again = notice.evolve(told, came(9))
    assert notice.occasion(again, DAY + timedelta(days=13)) is None
    assert notice.occasion(again, DAY + timedelta(days=14)) is Occasion.DATA_CAME
    assert occasions(notice.evolve(again, sent(3, 14)))[:1] == [], "until more of it comes"
    assert notice.disregard(again, came(15)) == ()
    assert notice.disregard(again, came(16)) == (came(16),)


def test_a_person_is_told_after_two_weeks_and_once() -> None:
    late = DAY + timedelta(days=14)
    assert notice.cause(after(sent(1, 0)), late - timedelta(days=1)) is None
    assert notice.cause(after(sent(1, 0)), late) is Cause.UNANSWERED
    told = after(sent(1, 0), NoticeEscalated(cause=Cause.UNANSWERED, escalated_on=late))
    assert notice.cause(told, late) is None
    assert occasions(told)[0] == 7, "and the letters go on"


def test_its_days_are_over_after_the_last_of_them() -> None:
    assert not notice.is_past(after(), DAY + timedelta(days=90))
    assert notice.is_past(after(), DAY + timedelta(days=91))

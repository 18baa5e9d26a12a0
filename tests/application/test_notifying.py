"""Notices leave over a real socket, again and ever more rarely, and end with their last day."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from adapters.dso.enedis.series import town
from adapters.mail.outbox import Outbox
from adapters.mail.relay import Relay
from application import disregarding
from application.mail import Correspondents
from application.notice_letters import text_of
from application.notices import KEPT_DAYS, Told, acknowledge, note, told_of
from application.notifying import see_to_notices
from application.services import new_id
from application.upkeep import look_after
from domain.aggregates import notice
from domain.aggregates.notice import NoticeStatus
from domain.errors import Corrupt, Unavailable
from domain.events.notice import Addressee, Cause, Occasion
from domain.values import civil_day
from metroledger.bootstrap import administrator
from metroledger.cli.noticing import progress
from metroledger.correspondents import NotCorrespondents
from metroledger.settings import read_settings
from tests.adapters.mail.test_mail import SENDER, mail_server
from tests.adapters.mail.test_mail import text_of as parts_of
from tests.application.test_notices import NUMBER, OTHER, erase, home, living, named
from tests.application.world import settle, take, write_nights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from uuid import UUID

    from adapters.mail.smtp import Smtp
    from application.services import Services
    from domain.aggregates.notice import Notice
    from domain.events import Event
    from metroledger.bootstrap import Installation
    from tests.application.world import Household

__all__ = ["home"]

ADDRESS = "rgpd@enedis.example"
DPO = "dpo@metropole.example"


@dataclass
class Post:
    """A ledger whose letters go to a real server, and what that has taken."""

    ledger: Installation
    server: Smtp
    taken: list[bytes]

    def services(self, days: int = 0, *, minutes: int = 0) -> Services:
        """The services as they are some days later."""
        services = self.ledger.services
        relay = Relay(server=self.server, outbox=Outbox(self.ledger.settings.outbox, SENDER))
        at = services.clock() + timedelta(days=days, minutes=minutes)
        to = Correspondents(addresses={"enedis": ADDRESS}, answers_to=DPO)
        return replace(services, post=relay, correspondents=to, clock=lambda: at)

    def see_to(self, days: int = 0, failed: dict[UUID, Any] | None = None) -> int:
        return see_to_notices(self.services(days), {} if failed is None else failed)

    @property
    def subjects(self) -> list[str]:
        return [parts_of(one)[1] for one in self.taken]


@pytest.fixture
def post(ledger: Installation) -> Iterator[Post]:
    with mail_server() as (server, taken):
        yield Post(ledger, server, taken)


def state_of(ledger: Installation, one: UUID) -> notice.Notice:
    return ledger.ledger.load(notice, one).state


def test_a_notice_says_what_is_asked_and_names_the_meter_in_its_text_alone(
    post: Post, home: Household, caplog: pytest.LogCaptureFixture
) -> None:
    erase(post.ledger, home)
    reference = living(post.ledger)
    assert post.see_to() == 1
    (raw,) = post.taken
    to, subject, text = parts_of(raw)
    assert (to, str(reference) in subject) == (ADDRESS, True)
    for said in (NUMBER, str(reference), DPO, "ne plus nous transmettre", "accuser réception"):
        assert said in text
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert not [value for value in message.values() if NUMBER in value]
    assert NUMBER not in caplog.text
    assert not list(post.ledger.settings.outbox.glob("*.eml"))
    assert state_of(post.ledger, reference).status is NoticeStatus.SENT
    assert post.see_to() == 0


def test_it_is_sent_again_then_told_to_a_person_and_its_last_day_destroys_it(
    post: Post, home: Household
) -> None:
    erase(post.ledger, home)
    one = living(post.ledger)
    for day in range(KEPT_DAYS + 1):
        post.see_to(day)
    assert len(post.taken) == 1 + 3, "after 1, 2 and 4 weeks more"
    assert [subject.startswith("Rappel") for subject in post.subjects] == [False] + [True] * 3
    escalated = state_of(post.ledger, one).escalated
    assert escalated is not None
    assert escalated.cause is Cause.UNANSWERED
    assert (escalated.escalated_on - civil_day(post.ledger.clock())).days == 14
    assert told_of(post.ledger.services, one) is not None
    post.see_to(KEPT_DAYS + 1)
    assert state_of(post.ledger, one).status is NoticeStatus.EXPIRED
    assert told_of(post.ledger.services, one) is None
    assert post.ledger.keys.keys_of(one) == {}
    assert post.see_to(KEPT_DAYS + 2) == 0


def test_one_that_is_acknowledged_is_not_sent_again(post: Post, home: Household) -> None:
    erase(post.ledger, home)
    post.see_to()
    acknowledge(post.services(), living(post.ledger), administrator(post.ledger))
    assert post.see_to(30) == 0
    assert len(post.taken) == 1


def test_a_server_that_takes_nothing_is_asked_ever_more_rarely_and_nothing_lies_in_clear(
    ledger: Installation, home: Household, caplog: pytest.LogCaptureFixture
) -> None:
    erase(ledger, home)
    with mail_server() as (gone, _):
        pass
    away, failed = Post(ledger, gone, []), dict[Any, Any]()
    tried = [0, 0]
    for day in (0, 5):
        for minute in range(60):
            caplog.clear()
            see_to_notices(away.services(day, minutes=minute), failed)
            tried[day > 0] += "notice-not-taken" in caplog.text
    assert tried[0] > 20
    assert 1 <= tried[1] <= 2
    assert not list(ledger.settings.outbox.glob("*.eml"))
    with mail_server() as (server, taken):
        assert Post(ledger, server, taken).see_to(6, failed) == 1
    assert len(taken) == 1


def test_a_server_that_refuses_one_keeps_no_other_waiting_for_long(
    ledger: Installation, home: Household
) -> None:
    other = settle(ledger, OTHER)
    for one in (home, other):
        erase(ledger, one)
    failed: dict[Any, Any] = {}
    first, second = ledger.register.read().notices
    failed[first] = ledger.clock() + timedelta(seconds=30)
    with mail_server() as (server, taken):
        assert Post(ledger, server, taken).see_to(0, failed) == 1
    assert str(second) in taken[0].decode()


def test_of_whom_no_address_is_known_a_person_is_told_at_once(
    ledger: Installation, home: Household
) -> None:
    erase(ledger, home)
    assert look_after(ledger.services, ledger.cursors).notices == 1
    escalated = state_of(ledger, living(ledger)).escalated
    assert escalated is not None
    assert escalated.cause is Cause.NO_ADDRESS
    assert look_after(ledger.services, ledger.cursors).idle
    with mail_server() as (server, taken):
        assert Post(ledger, server, taken).see_to() == 1
    assert len(taken) == 1, "an address that is set later is written to"


def test_one_whose_file_is_gone_is_told_to_a_person(post: Post, home: Household) -> None:
    erase(post.ledger, home)
    one = living(post.ledger)
    (post.ledger.settings.notices / str(one)).unlink()
    assert post.see_to() == 1
    escalated = state_of(post.ledger, one).escalated
    assert escalated is not None
    assert escalated.cause is Cause.LOST
    assert post.taken == []


def test_without_a_mail_server_a_notice_stays_sealed(ledger: Installation, home: Household) -> None:
    erase(ledger, home)
    to = Correspondents(addresses={"enedis": ADDRESS})
    assert see_to_notices(replace(ledger.services, correspondents=to), {}) == 0
    assert not list(ledger.settings.outbox.glob("*.eml"))
    assert state_of(ledger, living(ledger)).status is NoticeStatus.QUEUED


def test_a_notice_about_a_shared_meter_does_not_ask_for_the_others_consent() -> None:
    told = Told(
        recipient="enedis",
        addressee=Addressee.OPERATOR,
        points=(named(NUMBER, shared=True), named(OTHER)),
    )
    text = text_of(new_id(), told, Occasion.FIRST, DPO)
    (shared,) = [line for line in text.splitlines() if NUMBER in line]
    (alone,) = [line for line in text.splitlines() if OTHER in line]
    assert "autre personne" in shared
    assert re.fullmatch(rf"- PRM {OTHER}", alone)


@pytest.mark.parametrize("said", ["enedis", "enedis=", "=a@b", "enedis=a@b c=d@e", "enedis=a@b@c"])
def test_a_setting_that_names_no_address_is_refused(said: str) -> None:
    with pytest.raises(NotCorrespondents):
        read_settings({"METROLEDGER_NOTICES": said})


def test_the_setting_names_an_address_each() -> None:
    settings = read_settings({"METROLEDGER_NOTICES": f" enedis={ADDRESS}, alec=dpo@alec.example,"})
    assert settings.correspondents == {"enedis": ADDRESS, "alec": "dpo@alec.example"}
    assert read_settings({}).correspondents == {}


def test_data_that_comes_after_the_erasure_is_refused_counted_and_told_again_once_a_week(
    post: Post, tmp_path: Path
) -> None:
    ledger, (gone, other) = post.ledger, town(1107, 2)
    home = settle(ledger, gone.number)
    settle(ledger, other.number, name="Somebody ELSE")
    days = [civil_day(ledger.clock()) - timedelta(days=n) for n in range(5, 0, -1)]
    nights = write_nights(tmp_path / "nights", [gone, other], days)
    take(ledger, nights[0])
    erase(ledger, home)
    one = living(ledger)
    post.see_to()
    counts = take(ledger, nights[1]).counts
    assert counts["unknown_point"] > 0 < counts["accepted"]
    came = state_of(ledger, one).disregarded
    assert came is not None
    assert came.rows == counts["unknown_point"]
    take(ledger, nights[2])
    assert state_of(ledger, one).disregarded == came, "once a week is enough"
    assert [post.see_to(day) for day in (1, 7, 8)] == [0, 1, 0]
    assert [subject.startswith("Données reçues") for subject in post.subjects] == [False, True]
    assert f"{came.rows} rows, refused" in progress(state_of(ledger, one))
    acknowledge(post.services(9), one, administrator(ledger))
    version = ledger.ledger.load(notice, one).version
    assert take(ledger, nights[3]).counts["unknown_point"] > 0
    assert ledger.ledger.load(notice, one).version == version


@pytest.mark.parametrize("name", ["note", "leads"])
def test_a_delivery_is_taken_in_where_what_came_afterwards_cannot_be_noted(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def silent(*_: object, **__: object) -> None:
        raise Unavailable

    ledger, (gone,) = post.ledger, town(1107, 1)
    home = settle(ledger, gone.number)
    erase(ledger, home)
    yesterday = civil_day(ledger.clock()) - timedelta(days=1)
    (night,) = write_nights(tmp_path / "nights", [gone], [yesterday])
    one = living(ledger)
    with monkeypatch.context() as patch:
        patch.setattr(disregarding, name, silent)
        assert take(ledger, night).counts["unknown_point"] > 0
    assert state_of(ledger, one).disregarded is None


def test_one_notice_that_cannot_be_written_to_hides_no_other(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ledger, gone = post.ledger, town(1107, 2)
    for meter in gone:
        erase(ledger, settle(ledger, meter.number))
    yesterday = civil_day(ledger.clock()) - timedelta(days=1)
    (night,) = write_nights(tmp_path / "nights", gone, [yesterday])
    spoilt: list[UUID] = []

    def spoil_first(
        services: Services, notice_id: UUID, decide_on: Callable[[Notice], Iterable[Event]]
    ) -> bool:
        if not spoilt:
            spoilt.append(notice_id)
            raise Corrupt
        return note(services, notice_id, decide_on)

    with monkeypatch.context() as patch:
        patch.setattr(disregarding, "note", spoil_first)
        take(ledger, night)
    (other,) = ledger.register.read().notices.keys() - spoilt
    assert state_of(ledger, other).disregarded is not None
    assert state_of(ledger, spoilt[0]).disregarded is None
    assert [one.message for one in caplog.records].count("data-after-erasure-not-noted") == 1

"""An erasure request on its way through people: dates, reasons, letters, and who looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
import pytest

from adapters.dso.enedis.series import town
from application import answering, erasure, seeing
from application.access.roles import StaffRole, actor
from application.access.tickets import TicketWorthless
from application.answering import ReasonUnfit
from application.upkeep import look_after
from application.viewing import NothingHere
from domain.aggregates import account
from domain.aggregates.account import AccountStatus
from domain.aggregates.leaving import (
    HeldNow,
    IdentityNotChecked,
    NoErasureRequested,
    OtherEyesNeeded,
)
from domain.errors import Refused
from domain.events.access import Reason, Seen
from domain.values import civil_day, month_after
from keys.key import new_id
from keys.names import Purpose
from ledger.record import Write
from ledger.retrieval import read_record
from metroledger.bootstrap import open_ledger
from metroledger.portal import site_of
from projections.gathering import Gathered, gather
from projections.requests import Outcome, Request
from tests.application.test_door import in_database
from tests.application.test_letters import written
from tests.application.world import SEED, settle, settle_all

if TYPE_CHECKING:
    from application.desk import Desk
    from domain.values import Actor
    from ledger.record import Record
    from ledger.store import Accepted
    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

NUMBER = "09111642617347"
REASON = "a court has asked for the readings"


@pytest.fixture
def desk(ledger: Installation) -> Desk:
    return site_of(ledger).desk


@pytest.fixture
def home(ledger: Installation) -> Household:
    return settle(ledger, NUMBER, name="Marge Bouvier")


def member(number: int, role: StaffRole = StaffRole.ADMINISTRATOR) -> Actor:
    return actor(role, UUID(int=number))


def ask(desk: Desk, home: Household) -> None:
    desk.request(home.account)


def check(desk: Desk, home: Household, who: Actor | None = None) -> None:
    erasure.check_identity(desk.services, home.account, who or member(1), means="called back")


def found(desk: Desk, account_id: UUID) -> Request:
    request = answering.request_of(desk.services, account_id)
    assert request is not None
    return request


def test_a_request_goes_through_its_stages_and_each_has_its_date(
    ledger: Installation, desk: Desk, home: Household
) -> None:
    ask(desk, home)
    assert found(desk, home.account)[2:] == (None,) * 6
    check(desk, home)
    assert found(desk, home.account).identified_at is not None
    desk.hold(home.account, member(2, StaffRole.DATA_PROTECTION_OFFICER), reason=REASON)
    assert found(desk, home.account).held_at is not None
    assert answering.hold_on(ledger.services, home.account) == REASON
    with pytest.raises(HeldNow):
        desk.validate(home.account, member(1))
    desk.lift(home.account, member(1))
    assert found(desk, home.account).held_at is None
    desk.validate(home.account, member(1))
    assert [one.account for one in answering.waiting(ledger.services)] == [home.account]
    assert look_after(ledger.services, ledger.cursors).erased == 1
    done = found(desk, home.account)
    assert done.outcome is Outcome.ERASED
    assert done.ordered_at is not None
    assert done.closed_at is not None
    assert answering.waiting(ledger.services) == []
    assert answering.closed(ledger.services) == [done]
    assert look_after(ledger.services, ledger.cursors).erased == 0


def test_nobody_is_erased_unchecked_and_nothing_is_answered_that_was_not_asked(
    desk: Desk, home: Household
) -> None:
    with pytest.raises(NoErasureRequested):
        desk.validate(home.account, member(1))
    with pytest.raises(NoErasureRequested):
        desk.refuse(home.account, member(1), reason=REASON)
    with pytest.raises(NoErasureRequested):
        desk.hold(home.account, member(1), reason=REASON)
    with pytest.raises(NoErasureRequested):
        desk.lift(home.account, member(1))
    with pytest.raises(NoErasureRequested):
        check(desk, home)
    ask(desk, home)
    with pytest.raises(IdentityNotChecked):
        desk.validate(home.account, member(1))


def test_with_four_eyes_the_one_who_checked_does_not_validate(place: Place) -> None:
    with open_ledger(replace(place.settings, four_eyes=True)) as ledger:
        desk, home = site_of(ledger).desk, settle(ledger, NUMBER)
        ask(desk, home)
        check(desk, home, member(1))
        with pytest.raises(OtherEyesNeeded):
            desk.validate(home.account, member(1))
        desk.validate(home.account, member(2))


def test_with_four_eyes_the_command_line_is_nobodys_second_pair(place: Place) -> None:
    with open_ledger(replace(place.settings, four_eyes=True)) as ledger:
        desk, home = site_of(ledger).desk, settle(ledger, NUMBER)
        ask(desk, home)
        check(desk, home, member(1))
        with pytest.raises(OtherEyesNeeded):
            desk.validate(home.account, ledger.services.system)


def test_what_was_not_decided_is_told_to_nobody(
    ledger: Installation, desk: Desk, home: Household
) -> None:
    ask(desk, home)
    desk.take_back(home.account)
    told = len(written(ledger))
    desk.refuse(home.account, member(1), reason=REASON)
    assert len(written(ledger)) == told, "it was taken back before"
    ask(desk, home)
    desk.hold(home.account, member(1), reason=REASON)
    told = len(written(ledger))
    desk.hold(home.account, member(2), reason="another reason")
    assert len(written(ledger)) == told, "the first reason is the one on the ledger"
    desk.lift(home.account, member(1))
    check(desk, home)
    for number in (1, 2):
        desk.validate(home.account, member(number))
    assert sum("dernière lettre" in one for one in written(ledger)) == 1


@pytest.mark.parametrize("reason", ["", "x" * 501])
def test_a_refusal_and_a_hold_say_why(desk: Desk, home: Household, reason: str) -> None:
    ask(desk, home)
    with pytest.raises(ReasonUnfit):
        desk.refuse(home.account, member(1), reason=reason)
    with pytest.raises(ReasonUnfit):
        desk.hold(home.account, member(1), reason=reason)


def test_who_asks_is_told_of_each_answer_and_can_follow_it_without_an_account(
    ledger: Installation, desk: Desk, home: Household
) -> None:
    ask(desk, home)
    ask(desk, home)
    (confirmation,) = written(ledger)
    due = month_after(found(desk, home.account).requested_at)
    assert f"{due:%d/%m/%Y}" in confirmation
    ticket = confirmation.split("/effacement/suivi/")[1].split()[0]
    desk.hold(home.account, member(1), reason=REASON)
    assert REASON in written(ledger)[-1]
    desk.lift(home.account, member(1))
    assert desk.followed(ticket) == found(desk, home.account)
    check(desk, home)
    desk.validate(home.account, member(1))
    assert "dernière lettre" in written(ledger)[-1]
    look_after(ledger.services, ledger.cursors)
    assert desk.followed(ticket).outcome is Outcome.ERASED
    assert len(written(ledger)) == 1, "the last one alone"
    for wrong in ("", "nothing", ticket[:-9]):
        with pytest.raises(TicketWorthless):
            desk.followed(wrong)


def test_a_refusal_is_told_with_its_reason_and_the_person_may_ask_anew(
    ledger: Installation, desk: Desk, home: Household
) -> None:
    ask(desk, home)
    desk.refuse(home.account, member(1), reason=REASON)
    assert REASON in written(ledger)[-1]
    assert "CNIL" in written(ledger)[-1]
    refusal = answering.last_refusal(ledger.services, home.account)
    assert refusal is not None
    assert refusal.reason == REASON
    assert found(desk, home.account).outcome is Outcome.REFUSED
    ask(desk, home)
    assert found(desk, home.account).outcome is None
    assert answering.last_refusal(ledger.services, home.account) is None


def test_a_request_is_taken_back_while_it_waits_and_not_after(
    ledger: Installation, desk: Desk, home: Household
) -> None:
    desk.take_back(home.account)
    assert written(ledger) == []
    ask(desk, home)
    check(desk, home)
    desk.take_back(home.account)
    assert "rien n’est effacé" in written(ledger)[-1]
    assert found(desk, home.account).outcome is Outcome.TAKEN_BACK
    assert ledger.ledger.load(account, home.account).state.status is AccountStatus.ACTIVE
    with pytest.raises(NoErasureRequested):
        desk.validate(home.account, member(1))
    ask(desk, home)
    with pytest.raises(IdentityNotChecked):
        desk.validate(home.account, member(1))
    check(desk, home)
    desk.validate(home.account, member(1))
    with pytest.raises(Refused):
        desk.take_back(home.account)


def test_every_look_of_the_staff_is_written_down_before_and_the_person_sees_it(
    ledger: Installation, desk: Desk, home: Household
) -> None:
    services = ledger.services
    ask(desk, home)
    assert seeing.seen_by_staff(services, home.account) == []
    who = seeing.requester(services, home.account, member(1))
    assert (who.name, who.means) == ("Marge Bouvier", None)
    check(desk, home)
    officer = member(2, StaffRole.DATA_PROTECTION_OFFICER)
    assert seeing.requester(services, home.account, officer).means == "called back"
    latest, first = seeing.seen_by_staff(services, home.account)
    assert (first.role, latest.role) == ("administrator", "data_protection_officer")
    assert first.seen_at < latest.seen_at
    assert {(one.what, one.why) for one in (first, latest)} == {
        (Seen.NAME_AND_EMAIL, Reason.ERASURE_REQUEST)
    }
    year = civil_day(first.seen_at).year
    (key,) = [name for name in ledger.keys.keys_of(home.account) if name.purpose is Purpose.ACCESS]
    assert key.year == year


def test_nothing_is_shown_of_whom_no_request_waits(
    ledger: Installation, desk: Desk, home: Household
) -> None:
    end = ledger.log.end()
    with pytest.raises(NothingHere):
        seeing.requester(ledger.services, home.account, member(1))
    assert ledger.log.end() == end
    ask(desk, home)
    seeing.requester(ledger.services, home.account, member(1))
    check(desk, home)
    desk.validate(home.account, member(1))
    with pytest.raises(NothingHere):
        seeing.requester(ledger.services, home.account, member(1))


def test_an_erasure_takes_the_looks_with_it_and_those_at_a_neighbour_stay(
    ledger: Installation, desk: Desk
) -> None:
    gone, stays = settle_all(ledger, town(SEED, 2))
    for home in (gone, stays):
        ask(desk, home)
        seeing.requester(ledger.services, home.account, member(1))
    check(desk, gone)
    desk.validate(gone.account, member(1))
    look_after(ledger.services, ledger.cursors)
    assert seeing.seen_by_staff(ledger.services, gone.account) == []
    assert len(seeing.seen_by_staff(ledger.services, stays.account)) == 1
    assert ledger.keys.keys_of(gone.account) == {}


def test_reasons_means_and_looks_are_in_clear_nowhere(
    ledger: Installation, desk: Desk, home: Household
) -> None:
    ask(desk, home)
    check(desk, home)
    desk.hold(home.account, member(1), reason=REASON)
    seeing.requester(ledger.services, home.account, member(1))
    needles = [REASON, "called back", "name_and_email", "erasure_request", "Bouvier"]
    assert in_database(ledger, [one.encode() for one in needles]) == []


def test_the_queue_is_built_again_alike_when_nothing_can_be_opened_any_more(
    ledger: Installation, desk: Desk, home: Household
) -> None:
    ask(desk, home)
    check(desk, home)
    desk.validate(home.account, member(1))
    look_after(ledger.services, ledger.cursors)
    before, digest = found(desk, home.account), ledger.shown.digest()
    fresh = ledger.shown.rebuild()
    assert fresh.digest() == digest
    assert found(desk, home.account) == before


def test_a_record_that_wrote_another_stream_moves_nobodys_request(
    ledger: Installation, desk: Desk, home: Household
) -> None:
    ask(desk, home)
    folder = ledger.ledger.folder
    (commit,) = (
        one
        for one in folder.store.commits(1, 1_000, readings=False)
        if moved_by(one, read_record(folder.log, one.offset))
    )
    record = read_record(folder.log, commit.offset)
    assert moved_by(commit, record) == {home.account}
    other = replace(record.header, writes=(Write(new_id().bytes, 0, 1, False),))
    for forged in (replace(record, header=other), replace(record, header_bytes=b"another")):
        assert moved_by(commit, forged) == set()


def moved_by(commit: Accepted, record: Record) -> set[UUID]:
    """The accounts whose request a record moves."""
    gathered = Gathered()
    gather(gathered, commit, record)
    return gathered.leaving


def test_one_erasure_that_cannot_be_carried_out_keeps_no_other_waiting(
    ledger: Installation, desk: Desk, home: Household
) -> None:
    other = settle(ledger, "09111642617348")
    for one in (home, other):
        ask(desk, one)
    check(desk, other)
    desk.validate(other.account, member(1))
    answering.waiting(ledger.services)
    with psycopg.connect(ledger.settings.database_url or "") as connection:
        connection.execute(
            "update projection_1.requests set validated_at = now() where account = %s",
            (home.account,),
        )
    failed: dict[UUID, datetime] = {}
    assert look_after(ledger.services, ledger.cursors, failed).erased == 1
    assert set(failed) == {home.account}
    first = dict(failed)
    look_after(ledger.services, ledger.cursors, failed)
    assert failed == first, "it rests for a minute"
    (closed,) = answering.closed(ledger.services)
    assert (closed.account, closed.outcome) == (other.account, Outcome.ERASED)
    assert ledger.ledger.load(account, home.account).state.status is AccountStatus.ACTIVE_LEAVING


def test_a_month_ends_on_the_day_of_the_same_number_or_the_months_last() -> None:
    for asked, due in (
        (date(2026, 1, 15), date(2026, 2, 15)),
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2028, 1, 30), date(2028, 2, 29)),
        (date(2026, 12, 31), date(2027, 1, 31)),
        (date(2026, 3, 31), date(2026, 4, 30)),
    ):
        assert month_after(datetime(asked.year, asked.month, asked.day, 12, tzinfo=UTC)) == due
    late = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)  # the first of February in Paris
    assert month_after(late) == date(2026, 3, 1)

"""What a person ends is ended at once, and reaches the log once, whatever happened between."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import psycopg
import pytest

from application import answering, consenting, erasure, inbox, viewing
from application.acts import Act, Fortune, KindOfAct
from application.consenting import StillWithdrawing
from application.inbox import TakenDown, drain, insist
from application.residents import resident
from application.services import new_id
from application.viewing import ErasureAwaited, NoLongerShown, Use
from domain.aggregates import account, consent
from domain.aggregates.account import AccountStatus
from domain.aggregates.consent import ConsentStatus, Origin
from domain.errors import Refused, Unavailable
from domain.values import Category
from ledger.fold import LogNotOurs
from metroledger.bootstrap import administrator
from tests.application.world import settle, wish

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from application.services import Services
    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

NAME, EMAIL, NUMBER = "Hildegarde ZWEIBRÜCKEN", "hildegarde@example.org", "30001112223334"


def silent(*_: Act) -> None:
    """What a command comes to while the log does not answer."""
    raise Unavailable


def kept_withdrawal(services: Services, home: Household) -> Act:
    """A withdrawal that the log did not take."""
    act = Act(
        command=new_id(),
        kind=KindOfAct.WITHDRAWAL,
        account=home.account,
        about=home.consents[0],
        at=services.clock(),
    )
    with pytest.raises(TakenDown):
        insist(services, act, silent)
    return act


def request_of(services: Services, home: Household, command: UUID) -> Act:
    """A request for the erasure of a household's account, made now."""
    return Act(
        command=command,
        kind=KindOfAct.ERASURE_REQUEST,
        account=home.account,
        about=home.account,
        at=services.clock(),
    )


def waiting_of(services: Services, ids: Sequence[UUID]) -> frozenset[UUID]:
    return services.glances.glance([one.bytes for one in ids], services.register.next).waiting


def status_of(ledger: Installation, stream: UUID) -> ConsentStatus:
    return ledger.ledger.load(consent, stream).state.status


def test_a_withdrawal_that_waits_denies_at_once_and_leaves_the_right_of_access(
    ledger: Installation,
) -> None:
    home = settle(ledger, NUMBER)
    services = ledger.services
    kept_withdrawal(services, home)
    with pytest.raises(NoLongerShown):
        viewing.authorise(services, home.account, home.consents[0])
    with pytest.raises(NoLongerShown):
        viewing.admitted_to(services, home.account, home.consents[0])
    assert viewing.authorise(services, home.account, home.consents[0], Use.ACCESS).ended
    (seen,) = viewing.overview(services, home.account).consents
    assert seen.status is ConsentStatus.WITHDRAWN
    assert status_of(ledger, home.consents[0]) is ConsentStatus.GRANTED


def test_an_erasure_request_that_waits_denies_at_once(ledger: Installation) -> None:
    home = settle(ledger, NUMBER)
    services, command = ledger.services, new_id()
    with pytest.raises(TakenDown):
        insist(services, request_of(services, home, command), silent)
    with pytest.raises(ErasureAwaited):
        viewing.authorise(services, home.account, home.consents[0])
    assert viewing.overview(services, home.account).status is AccountStatus.ACTIVE_LEAVING
    assert drain(services) == 1
    holder = ledger.ledger.load(account, home.account).state
    assert holder.status is AccountStatus.ACTIVE_LEAVING
    with pytest.raises(ErasureAwaited):
        viewing.authorise(services, home.account, home.consents[0])


def test_what_waits_reaches_the_log_once_dated_when_it_was_done(ledger: Installation) -> None:
    home = settle(ledger, NUMBER)
    act = kept_withdrawal(ledger.services, home)
    later = replace(ledger.services, clock=lambda: act.at + timedelta(hours=5))
    assert drain(later) == 1
    end = ledger.log.end()
    assert (drain(later), ledger.log.end()) == (0, end)
    state = ledger.ledger.load(consent, home.consents[0]).state
    assert state.status is ConsentStatus.WITHDRAWN
    assert ledger.services.inbox.fortune(act.command) is Fortune.DONE
    assert not waiting_of(ledger.services, [act.about])


def test_a_grant_waits_for_the_withdrawal_before_it_and_is_not_barred(
    ledger: Installation,
) -> None:
    home, command = settle(ledger, NUMBER), new_id()
    kept_withdrawal(ledger.services, home)
    for _ in range(2):
        with pytest.raises(StillWithdrawing):
            grant_again(ledger, home, command)
    drain(ledger.services)
    assert status_of(ledger, grant_again(ledger, home, command)) is ConsentStatus.GRANTED


def test_a_grant_decided_while_the_withdrawal_before_it_comes_to_the_log_is_not_barred(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, command = settle(ledger, NUMBER), new_id()
    kept_withdrawal(ledger.services, home)
    is_ending: Callable[..., bool] = consenting._is_ending

    def just_now(services: Services, *more: object) -> bool:
        drain(services)
        return is_ending(services, *more)

    with monkeypatch.context() as patch:
        patch.setattr(consenting, "_is_ending", just_now)
        with pytest.raises(StillWithdrawing):
            grant_again(ledger, home, command)
    assert status_of(ledger, grant_again(ledger, home, command)) is ConsentStatus.GRANTED


def grant_again(ledger: Installation, home: Household, command: UUID) -> UUID:
    return consenting.grant_consent(
        ledger.services, home.account, home.meter, wish(), command=command
    )


def test_no_version_refuses_what_waits(ledger: Installation) -> None:
    home = settle(ledger, NUMBER)
    act = kept_withdrawal(ledger.services, home)
    consenting.withdraw_consent(ledger.services, home.consents[0], origin=Origin.RESIDENT)
    assert drain(ledger.services) == 1
    assert ledger.services.inbox.fortune(act.command) is Fortune.DONE


def test_what_waits_is_carried_in_the_order_it_came_and_stops_where_the_log_does(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = [settle(ledger, f"3000111222333{n}") for n in range(3)]
    acts = [kept_withdrawal(ledger.services, home) for home in homes]
    done: list[object] = []
    carry: Callable[..., None] = consenting.withdraw_consent

    def once(services: Services, stream: object, **more: object) -> None:
        if done:
            silent()
        done.append(stream)
        carry(services, stream, **more)

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "withdraw_consent", once)
        with pytest.raises(Unavailable):
            drain(ledger.services)
    assert done == [acts[0].about]
    waiting = ledger.services.inbox.oldest(10)
    assert [kept.command for kept in waiting] == [act.command for act in acts[1:]]
    assert drain(ledger.services) == 2
    assert {status_of(ledger, act.about) for act in acts} == {ConsentStatus.WITHDRAWN}


def test_an_act_that_alone_gets_no_answer_holds_up_no_other_and_is_not_passed_over_in_silence(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = [settle(ledger, f"3000111222333{n}") for n in range(4)]
    acts = [kept_withdrawal(ledger.services, home) for home in homes]
    stuck = {acts[0].about, acts[2].about}
    carry: Callable[..., None] = consenting.withdraw_consent

    def all_but_those(services: Services, stream: object, **more: object) -> None:
        if stream in stuck:
            silent()
        carry(services, stream, **more)

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "withdraw_consent", all_but_those)
        with pytest.raises(Unavailable):
            drain(ledger.services)
    waiting = ledger.services.inbox.oldest(10)
    assert [kept.command for kept in waiting] == [acts[0].command, acts[2].command]
    assert drain(ledger.services) == 2


def test_everything_that_a_person_ends_is_kept_before_any_of_it_is_carried(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = settle(ledger, NUMBER, categories=(Category.DAILY_INDEX, Category.MAXIMUM_POWER))
    services = ledger.services
    asked: list[object] = []

    def down(_: Services, stream: object, **_more: object) -> None:
        asked.append(stream)
        silent()

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "withdraw_consent", down)
        with pytest.raises(TakenDown):
            inbox.withdraw_all(services, home.account, {new_id(): one for one in home.consents})
    assert len(asked) == 1, "a log that does not answer is not asked again for each"
    assert waiting_of(services, home.consents) == frozenset(home.consents)
    for one in home.consents:
        with pytest.raises(NoLongerShown):
            viewing.authorise(services, home.account, one)
    assert drain(services) == 2
    assert {status_of(ledger, one) for one in home.consents} == {ConsentStatus.WITHDRAWN}


def test_an_act_that_does_not_open_holds_up_no_other(place: Place) -> None:
    with place.open() as ledger:
        homes = [settle(ledger, f"3000111222333{n}") for n in range(2)]
        damaged, whole = (kept_withdrawal(ledger.services, home) for home in homes)
        with psycopg.connect(place.database or "") as connection:
            connection.execute(
                "update inbox set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)"
                " where command = %s",
                (damaged.command,),
            )
        assert drain(ledger.services, at_once=1) == 1
        assert status_of(ledger, whole.about) is ConsentStatus.WITHDRAWN
        assert waiting_of(ledger.services, [damaged.about, whole.about]) == {damaged.about}


def test_any_number_of_acts_that_do_not_open_hide_no_later_one(place: Place) -> None:
    with place.open() as ledger:
        homes = [settle(ledger, f"3000111222333{n}") for n in range(2)]
        damaged, whole = (kept_withdrawal(ledger.services, home) for home in homes)
        with psycopg.connect(place.database or "") as connection:
            connection.execute(
                "update inbox set place = default, sealed = '\\x00' where command = %s",
                (damaged.command,),
            )
            connection.execute(
                "insert into inbox (command, about, at, key, sealed)"
                " select gen_random_uuid(), about, at, key, sealed from inbox,"
                " generate_series(1, %s) where command = %s",
                (inbox.AT_ONCE + 1, damaged.command),
            )
            connection.execute(
                "update inbox set place = default where command = %s", (whole.command,)
            )
        assert ledger.services.inbox.oldest(1)[0].command != whole.command
        assert drain(ledger.services) == 1
        assert status_of(ledger, whole.about) is ConsentStatus.WITHDRAWN
        assert drain(ledger.services) == 0


def test_the_month_of_a_request_that_waited_begins_when_it_was_made(ledger: Installation) -> None:
    home, asked_at = settle(ledger, NUMBER), ledger.clock()
    with pytest.raises(TakenDown):
        insist(ledger.services, request_of(ledger.services, home, new_id()), silent)
    later = replace(ledger.services, clock=lambda: asked_at + timedelta(days=3))
    assert drain(later) == 1
    (request,) = answering.waiting(later)
    state = ledger.ledger.load(account, home.account).state
    assert request.requested_at == state.requested_at
    assert request.requested_at - asked_at < timedelta(minutes=1)


def test_a_ledger_that_stopped_keeps_what_a_person_ends(
    ledger: Installation,
) -> None:
    home = settle(ledger, NUMBER)
    services = ledger.services

    def stopped(_: Act) -> None:
        raise LogNotOurs("it was cut")

    with pytest.raises(TakenDown):
        insist(services, replace_about(kept_withdrawal(services, home)), stopped)


def test_what_was_refused_waits_no_more(ledger: Installation) -> None:
    home = settle(ledger, NUMBER)
    act = replace_about(kept_withdrawal(ledger.services, home))
    with pytest.raises(Refused):
        insist(ledger.services, act, partial(inbox._carry, ledger.services))
    assert ledger.services.inbox.fortune(act.command) is Fortune.REFUSED
    assert not waiting_of(ledger.services, [act.about])


def replace_about(act: Act) -> Act:
    """The same act on a consent that nobody gave."""
    return Act(command=new_id(), kind=act.kind, account=act.account, about=new_id(), at=act.at)


def test_nothing_of_a_person_is_kept_in_clear(place: Place) -> None:
    with place.open() as ledger:
        home = settle(ledger, NUMBER, name=NAME, email=EMAIL)
        kept_withdrawal(ledger.services, home)
    with psycopg.connect(place.database or "") as connection:
        rows = connection.execute("select inbox::text from inbox").fetchall()
    assert len(rows) == 1
    for word in (NAME, EMAIL, NUMBER, str(home.account), home.account.hex, "withdrawal"):
        assert word not in rows[0][0]


def test_an_act_of_somebody_erased_since_waits_no_more(ledger: Installation) -> None:
    home = settle(ledger, NUMBER)
    act = kept_withdrawal(ledger.services, home)
    erased(ledger, home)
    assert drain(ledger.services) == 1
    assert ledger.services.inbox.fortune(act.command) is Fortune.DONE


def test_an_act_whose_key_is_gone_without_an_order_waits_for_the_right_key_store(
    ledger: Installation,
) -> None:
    home = settle(ledger, NUMBER)
    act = kept_withdrawal(ledger.services, home)
    ledger.keys.destroy_owner(home.account, ledger.clock())
    assert drain(ledger.services) == 0
    assert ledger.services.inbox.fortune(act.command) is Fortune.WAITING


def erased(ledger: Installation, home: Household) -> None:
    """Erase an account to its end."""
    services, actor = ledger.services, administrator(ledger)
    erasure.request(services, home.account, resident(home.account))
    erasure.check_identity(services, home.account, actor, means="a test")
    erasure.validate(services, home.account, actor)
    erasure.erase(services, home.account, actor)


def test_with_the_log_at_hand_it_is_done_before_the_answer(ledger: Installation) -> None:
    home = settle(ledger, NUMBER)
    command = new_id()
    inbox.withdraw(ledger.services, home.account, home.consents[0], command)
    assert ledger.services.inbox.fortune(command) is Fortune.DONE
    assert status_of(ledger, home.consents[0]) is ConsentStatus.WITHDRAWN


def test_upkeep_forgets_what_became_of_old_acts_and_keeps_those_that_wait(
    ledger: Installation,
) -> None:
    services = ledger.services
    settled = kept_withdrawal(services, settle(ledger, NUMBER))
    assert drain(services) == 1
    waiting = kept_withdrawal(services, settle(ledger, "30001112223335"))
    later = services.clock() + inbox.KEPT + timedelta(seconds=1)
    assert inbox.drop_over(services.inbox, later) == 1
    assert services.inbox.fortune(settled.command) is None
    assert services.inbox.fortune(waiting.command) is Fortune.WAITING

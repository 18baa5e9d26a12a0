"""Who is told of an erasure: worked out before it, sealed apart from it, queued once."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from application import consenting, erasure, notices, residents
from application.notices import Named, Told, acknowledge, told_of, whom_to_tell
from application.services import new_id
from domain.aggregates import notice
from domain.aggregates.notice import NoSuchNotice, NoticeStatus
from domain.events.notice import Addressee
from domain.values import Fluid, Point
from metroledger.bootstrap import administrator
from tests.application.test_door import in_database
from tests.application.world import ENTRY, grant, settle, wish

if TYPE_CHECKING:
    from uuid import UUID

    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

NUMBER, OTHER = "09111642617347", "09111642617348"


def named(number: str, *, shared: bool = False) -> Named:
    return Named(operator="enedis", fluid=Fluid.ELECTRICITY, number=number, shared=shared)


def operator(*points: Named) -> Told:
    return Told(recipient="enedis", addressee=Addressee.OPERATOR, points=points)


def erase(ledger: Installation, home: Household) -> None:
    services, actor = ledger.services, administrator(ledger)
    erasure.request(services, home.account, residents.resident(home.account))
    erasure.check_identity(services, home.account, actor, means="in person")
    erasure.validate(services, home.account, actor)
    erasure.erase(services, home.account, actor)


def living(ledger: Installation) -> UUID:
    ((found, _),) = ledger.register.read().notices.items()
    return found


@pytest.fixture
def home(ledger: Installation) -> Household:
    return settle(ledger, NUMBER)


def test_the_operator_of_each_meter_that_was_collected_is_told_of_all_in_one(
    ledger: Installation, home: Household
) -> None:
    services = ledger.services
    point = Point(operator="enedis", fluid=Fluid.ELECTRICITY, number=OTHER)
    second = residents.declare_meter(services, home.account, point, entry_day=ENTRY, power_kva=9)
    assert list(whom_to_tell(services, home.account)) == [operator(named(NUMBER))]
    grant(ledger, home.account, second)
    (told,) = whom_to_tell(services, home.account)
    assert set(told.points) == {named(NUMBER), named(OTHER)}


def test_whom_a_consent_let_read_is_told_and_asked_of_no_operator(
    ledger: Installation, home: Household
) -> None:
    services = ledger.services
    agency = replace(wish(), recipient="alec")
    consenting.grant_consent(services, home.account, home.meter, agency)
    assert list(whom_to_tell(services, home.account)) == [
        operator(named(NUMBER)),
        Told(recipient="alec", addressee=Addressee.RECIPIENT, points=(named(NUMBER),)),
    ]


def test_nobody_is_told_of_an_account_that_let_nobody_in(ledger: Installation) -> None:
    services = ledger.services
    account = residents.open_account(services, name="A", email="a@example.org", language="fr")
    assert list(whom_to_tell(services, account)) == []


def test_a_meter_that_somebody_else_consented_for_is_marked(
    ledger: Installation, home: Household
) -> None:
    settle(ledger, NUMBER, email="joint@example.org")
    (told,) = whom_to_tell(ledger.services, home.account)
    assert told == operator(named(NUMBER, shared=True))


def test_a_notice_outlives_the_account_sealed_and_leads_nowhere_once_acknowledged(
    ledger: Installation, home: Household, place: Place
) -> None:
    erase(ledger, home)
    one = living(ledger)
    assert ledger.keys.keys_of(home.account) == {}
    assert told_of(ledger.services, one) == operator(named(NUMBER))
    (path,) = ledger.settings.notices.iterdir()
    assert NUMBER.encode() not in path.read_bytes()
    assert in_database(ledger, [NUMBER.encode()]) == []
    copied = place.home / "copy"
    shutil.copy(path, copied)

    acknowledge(ledger.services, one, administrator(ledger))
    assert ledger.register.read().notices == {}
    assert ledger.keys.keys_of(one) == {}
    assert not ledger.keys.index.find(notices.lookup(named(NUMBER)))
    assert list(ledger.settings.notices.iterdir()) == []
    shutil.copy(copied, path)
    assert told_of(ledger.services, one) is None, "a copy of the file opens no more"
    acknowledge(ledger.services, one, administrator(ledger))
    state = ledger.ledger.load(notice, one).state
    assert state.status is NoticeStatus.ACKNOWLEDGED


def test_a_reference_that_is_none_is_refused(ledger: Installation) -> None:
    with pytest.raises(NoSuchNotice):
        acknowledge(ledger.services, new_id(), administrator(ledger))


def test_a_disk_without_room_for_the_notice_holds_no_erasure_up(
    ledger: Installation, home: Household, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.settings.notices.write_bytes(b"no directory: nothing can be put here")
    erase(ledger, home)
    ledger.settings.notices.unlink()
    assert told_of(ledger.services, living(ledger)) is None
    assert "notice-not-kept" in caplog.text


def test_what_a_dead_process_left_of_an_ended_notice_is_forgotten(
    ledger: Installation, home: Household
) -> None:
    erase(ledger, home)
    one = living(ledger)
    today = ledger.clock().date()
    notices.note(ledger.services, one, lambda state: notice.acknowledge(state, on=today))
    assert told_of(ledger.services, one) is not None, "and killed"
    (ledger.settings.notices / str(new_id())).write_bytes(b"of one that is about to be queued")
    assert notices.forget_ended(ledger.services) == 1
    assert told_of(ledger.services, one) is None
    assert len(list(ledger.settings.notices.iterdir())) == 1

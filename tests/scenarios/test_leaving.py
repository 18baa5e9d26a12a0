"""Who is erased beside whom: the people of one meter, the hurried, the undecided, the returning."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from adapters.dso.enedis.series import town
from application import erasure, residents
from application.consenting import consents_of
from application.deliveries import Result
from application.erasure import certificate_of
from application.services import new_id
from domain.aggregates import account, consent, meter
from domain.aggregates.account import AccountStatus
from domain.aggregates.consent import Origin
from domain.aggregates.meter import MeterStatus
from domain.events.account import AccountErased, DestructionOrdered
from domain.policies.meter import Departure, move_out
from domain.values import Actor, Role
from metroledger.bootstrap import administrator
from tests.application.world import (
    SEED,
    closed,
    opened,
    series_of,
    settle,
    take,
    write_nights,
)
from tests.scenarios.erasing import ask_for_erasure
from tests.scenarios.interrupting import count

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from application.transact import Loading
    from domain.events import Change
    from metroledger.bootstrap import Installation
    from tests.application.world import Household

(METER, OTHER) = town(SEED, 2)
FIRST: Final = date(2026, 3, 1)
DAY: Final = timedelta(days=1)


def erase(ledger: Installation, who: UUID) -> erasure.Erasure:
    return erasure.erase(ledger.services, who, administrator(ledger))


def deliver(ledger: Installation, directory: Path, day: date) -> Result:
    """Take in one night of both meters."""
    (night,) = write_nights(directory, (METER, OTHER), [day])
    return take(ledger, night).result


def instants_of(ledger: Installation, home: Household) -> list[datetime]:
    """The instants of which somebody's readings can be read, in order."""
    return sorted(key.start for key in series_of(ledger, home.consents[0]).rows)


def sound(ledger: Installation) -> bool:
    return closed(ledger).passed and opened(ledger).passed


def test_of_joint_holders_one_leaves_and_the_other_goes_on(
    ledger: Installation, tmp_path: Path
) -> None:
    leaving = settle(ledger, METER.number, email="one@example.org")
    staying = settle(ledger, METER.number, email="other@example.org")
    deliver(ledger, tmp_path / "1", FIRST)
    assert len(instants_of(ledger, leaving)) == len(instants_of(ledger, staying)) == 1, (
        "each has a copy"
    )
    ask_for_erasure(ledger, leaving)
    erase(ledger, leaving.account)
    deliver(ledger, tmp_path / "2", FIRST + DAY)
    assert instants_of(ledger, leaving) == []
    assert len(instants_of(ledger, staying)) == 2
    found = ledger.keys.index.find(residents.meter_lookup("enedis", "electricity", METER.number))
    assert {entry.owner for entry in found} == {staying.account}
    assert sound(ledger)


def move(ledger: Installation, home: Household, last_day: date) -> None:
    """Let somebody move out: their consents on the meter end, and then its stream."""
    services = ledger.services
    (given,) = home.consents
    gone = Departure(last_day=last_day, told_at=services.clock(), told_by=Origin.RESIDENT)

    def decide(load: Loading) -> list[Change]:
        return list(move_out(load(meter, home.meter), [load(consent, given)], gone))

    actor = residents.resident(home.account)
    services.ledger.transact(new_id(), decide, context=services.context(actor))
    assert services.ledger.load(meter, home.meter).state.status is MeterStatus.MOVED_OUT


@pytest.mark.parametrize("who", ["mover", "occupant"])
def test_a_mover_out_and_the_next_occupant_are_erased_apart(
    ledger: Installation, tmp_path: Path, who: str
) -> None:
    mover = settle(ledger, METER.number, email="before@example.org")
    deliver(ledger, tmp_path / "1", FIRST)
    move(ledger, mover, FIRST)
    occupant = settle(ledger, METER.number, email="after@example.org")
    deliver(ledger, tmp_path / "2", FIRST + DAY)
    held = {"mover": instants_of(ledger, mover), "occupant": instants_of(ledger, occupant)}
    assert [len(days) for days in held.values()] == [1, 1]
    assert held["mover"] != held["occupant"], "nobody is shown the other's days"
    leaving, staying = (mover, occupant) if who == "mover" else (occupant, mover)
    ask_for_erasure(ledger, leaving)
    erase(ledger, leaving.account)
    assert instants_of(ledger, leaving) == []
    assert instants_of(ledger, staying) == held["occupant" if who == "mover" else "mover"]
    assert sound(ledger)


def test_an_account_without_a_meter_is_erased_like_any_other(ledger: Installation) -> None:
    services = ledger.services
    who = residents.open_account(services, name="Seul", email="seul@example.org", language="fr")
    erasure.request(services, who, residents.resident(who))
    erasure.check_identity(services, who, administrator(ledger), means="in person")
    erasure.validate(services, who, administrator(ledger))
    done = erase(ledger, who)
    assert done.certificate.keys == 1
    assert services.ledger.load(account, who).state.opened is None
    assert not ledger.keys.index.find(residents.email_lookup("seul@example.org"))
    assert sound(ledger)


def test_an_erasure_during_collection_loses_and_keeps_nothing_of_the_wrong_one(
    ledger: Installation, tmp_path: Path
) -> None:
    """A night arrives at every point of the protocol; the neighbour gets each of them."""
    leaving, staying = settle(ledger, METER.number), settle(ledger, OTHER.number)
    deliver(ledger, tmp_path / "0", FIRST)
    ask_for_erasure(ledger, leaving)
    nights: list[date] = [FIRST]
    taken: list[Result] = []

    def arrive(_: str) -> None:
        nights.append(FIRST + len(nights) * DAY)
        taken.append(deliver(ledger, tmp_path / str(len(nights)), nights[-1]))

    erasure.erase(ledger.services, leaving.account, administrator(ledger), step=arrive)
    assert len(taken) > 5
    assert set(taken) == {Result.TAKEN_IN}
    assert instants_of(ledger, leaving) == []
    assert len(instants_of(ledger, staying)) == len(nights)
    assert len(ledger.store.readings(leaving.consents[0].bytes)) == 1, "none after its first step"
    assert sound(ledger)


def test_erased_twice_is_erased_once(ledger: Installation) -> None:
    home = settle(ledger, METER.number)
    ask_for_erasure(ledger, home)
    first = erase(ledger, home.account)
    epoch, end = ledger.keys.epoch(), ledger.log.end()
    ask_again = [erase(ledger, home.account) for _ in range(2)]
    assert ask_again == [first, first]
    assert (ledger.keys.epoch(), ledger.log.end()) == (epoch, end), "nothing was done"
    assert sound(ledger)


def test_two_administrators_at_once_erase_once_and_hold_one_certificate(
    ledger: Installation,
) -> None:
    home = settle(ledger, METER.number)
    services = ledger.services
    erasure.request(services, home.account, residents.resident(home.account))
    actors = [Actor(role=Role.ADMINISTRATOR, id=new_id()) for _ in range(2)]

    def go(actor: Actor) -> erasure.Erasure:
        erasure.check_identity(services, home.account, actor, means="in person")
        erasure.validate(services, home.account, actor)
        return erasure.erase(services, home.account, actor)

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(go, actors)
    assert first == second == certificate_of(services, home.account)
    assert count(ledger, AccountErased) == count(ledger, DestructionOrdered) == 1
    assert not ledger.keys.keys_of(home.account)
    assert sound(ledger)


def test_a_person_who_comes_back_is_somebody_new(ledger: Installation, tmp_path: Path) -> None:
    """The same e-mail, the same meter, and not one day of what was erased."""
    before = settle(ledger, METER.number, email="retour@example.org")
    deliver(ledger, tmp_path / "1", FIRST)
    ask_for_erasure(ledger, before)
    erase(ledger, before.account)
    again = settle(ledger, METER.number, email="retour@example.org")
    assert not {again.account, again.meter, *again.consents} & {
        before.account,
        before.meter,
        *before.consents,
    }
    deliver(ledger, tmp_path / "2", FIRST + DAY)
    (file,) = (tmp_path / "1").iterdir()
    shutil.copy(file, tmp_path / "again.zip")
    assert len(instants_of(ledger, again)) == 1
    assert instants_of(ledger, before) == []
    assert consents_of(ledger.services, before.account) == {}
    state = ledger.ledger.load(account, before.account).state
    assert state.status is AccountStatus.ERASED
    ask_for_erasure(ledger, again)
    assert erase(ledger, again.account).leaf > certificate_of(ledger.services, before.account).leaf
    assert instants_of(ledger, again) == []
    assert sound(ledger)

"""An erasure step by step: not before it was validated, and from wherever it was left."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from adapters.dso.enedis.series import town
from application import answering, consenting, erasure, residents
from application.deliveries import Result
from application.erasure import ErasureIncomplete, NoCertificate, certificate_of
from application.services import new_id
from domain.aggregates import account, consent
from domain.aggregates.account import AccountStatus
from domain.aggregates.consent import ConsentStatus
from domain.aggregates.leaving import ErasureNotValidated
from domain.errors import Refused
from domain.events.account import AccountErased, DestructionOrdered
from keys.index import OwnerGone
from keys.tree import KeyDestroyed, MintingClosed
from metroledger.bootstrap import administrator
from replay.refold import Refold
from schemas.leaf import decode_leaf
from tests.application.world import (
    ORIGIN,
    SEED,
    closed,
    grant,
    opened,
    settle,
    settle_all,
    take,
    write_nights,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from domain.events import Event
    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

NUMBER = "09111642617347"
STEPS = (
    "a consent ended",
    "owner closed",
    "a consent ended",
    "consents ended",
    "a notice kept",
    "a notice's points reserved",
    "a notice queued",
    "destruction ordered",
    "keys destroyed",
    "index forgotten",
    "epoch ended",
    "certified",
)


class Crash(BaseException):
    """Not an Exception: nothing may catch it and go on."""


def crash_at(wanted: str) -> Callable[[str], None]:
    def step(name: str) -> None:
        if name == wanted:
            raise Crash

    return step


def ask(ledger: Installation, home: Household) -> None:
    services, holder = ledger.services, residents.resident(home.account)
    erasure.request(services, home.account, holder)
    erasure.check_identity(services, home.account, administrator(ledger), means="in person")
    erasure.validate(services, home.account, administrator(ledger))


def count(ledger: Installation, event: type[Event]) -> int:
    frames = (f for one in Refold(ledger.log, ORIGIN).commits() for f in one.record.frames)
    return sum(decode_leaf(frame.leaf).type == event.TOPIC for frame in frames)


@pytest.mark.parametrize("asked", ["nothing", "requested", "of nobody"])
def test_without_a_validation_nothing_is_touched(ledger: Installation, asked: str) -> None:
    """Neither a consent nor a key: an erasure that nobody validated has not begun."""
    home = settle(ledger, NUMBER)
    victim = new_id() if asked == "of nobody" else home.account
    if asked == "requested":
        erasure.request(ledger.services, home.account, residents.resident(home.account))
    keys, end = ledger.keys.keys_of(home.account), ledger.log.end()
    with pytest.raises(ErasureNotValidated):
        erasure.erase(ledger.services, victim, administrator(ledger))
    assert ledger.keys.keys_of(home.account) == keys
    assert ledger.log.end() == end
    assert ledger.ledger.load(consent, home.consents[0]).state.status is ConsentStatus.GRANTED
    assert opened(ledger).passed


def test_the_steps_are_told_in_their_order(ledger: Installation) -> None:
    home = settle(ledger, NUMBER)
    ask(ledger, home)
    told: list[str] = []
    erasure.erase(ledger.services, home.account, administrator(ledger), step=told.append)
    assert tuple(told) == STEPS


@pytest.mark.parametrize("step", dict.fromkeys(STEPS))
def test_an_erasure_that_stops_after_a_step_is_no_success_and_goes_on_from_there(
    place: Place, step: str
) -> None:
    with place.open() as ledger:
        home, other = settle(ledger, NUMBER), settle(ledger, "09111642617348")
        ask(ledger, home)
        actor = administrator(ledger)
        with pytest.raises(Crash):
            erasure.erase(ledger.services, home.account, actor, step=crash_at(step))
        if step != "certified":
            with pytest.raises(NoCertificate):
                certificate_of(ledger.services, home.account)
            state = ledger.ledger.load(account, home.account).state
            assert state.status is not AccountStatus.ERASED
    with place.open() as ledger:
        done = erasure.erase(ledger.services, home.account, actor)
        again = erasure.erase(ledger.services, home.account, actor)
        assert done == again == certificate_of(ledger.services, home.account)
        assert (count(ledger, DestructionOrdered), count(ledger, AccountErased)) == (1, 1)
        assert done.certificate.keys > 0
        assert not ledger.keys.keys_of(home.account)
        assert closed(ledger).passed
        assert opened(ledger).passed
        assert ledger.ledger.load(consent, other.consents[0]).state.granted is not None


def test_an_erasure_that_stops_half_way_holds_up_no_delivery_of_the_others(
    ledger: Installation, tmp_path: Path
) -> None:
    meters = town(SEED, 2)
    leaving, stays = settle_all(ledger, meters)
    ask(ledger, leaving)
    with pytest.raises(Crash):
        erasure.erase(
            ledger.services,
            leaving.account,
            administrator(ledger),
            step=crash_at("owner closed"),
        )
    (night,) = write_nights(tmp_path / "night", meters, [date(2026, 1, 20)])
    assert take(ledger, night).result is Result.TAKEN_IN
    assert not ledger.store.readings(leaving.consents[0].bytes)
    assert ledger.store.readings(stays.consents[0].bytes)


def test_nothing_of_an_erased_account_is_taken_up_again(ledger: Installation) -> None:
    home = settle(ledger, NUMBER)
    ask(ledger, home)
    erasure.erase(ledger.services, home.account, administrator(ledger))
    with pytest.raises((Refused, KeyDestroyed, MintingClosed, OwnerGone)):
        grant(ledger, home.account, home.meter)
    lookup = residents.meter_lookup("enedis", "electricity", NUMBER)
    assert not ledger.keys.index.find(lookup)
    assert consenting.consents_of(ledger.services, home.account) == {}
    settle(ledger, NUMBER)
    assert len(ledger.keys.index.find(lookup)) == 1, "the next occupant declares the same meter"


def test_a_request_made_twice_is_one_and_a_validation_too(ledger: Installation) -> None:
    home = settle(ledger, NUMBER)
    version = ledger.ledger.load(account, home.account).version
    for _ in range(3):
        ask(ledger, home)
    assert ledger.ledger.load(account, home.account).version == version + 3


def test_a_validation_without_a_request_is_refused(ledger: Installation) -> None:
    home = settle(ledger, NUMBER)
    with pytest.raises(Refused):
        erasure.validate(ledger.services, home.account, administrator(ledger))


def test_a_destruction_that_leaves_an_ordered_key_alive_is_an_error_that_somebody_sees(
    ledger: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a key lay where its owner's destruction does not reach: no success, no certificate."""
    home = settle(ledger, NUMBER)
    ask(ledger, home)
    monkeypatch.setattr(ledger.keys, "destroy_owner", lambda *_: frozenset())
    with pytest.raises(ErasureIncomplete):
        erasure.erase(ledger.services, home.account, administrator(ledger))
    failed: dict[UUID, datetime] = {}
    ledger.shown.catch_up()
    assert answering.carry_out_validated(ledger.services, failed) == 0
    assert failed.keys() == {home.account}
    assert count(ledger, AccountErased) == 0
    with pytest.raises(NoCertificate):
        certificate_of(ledger.services, home.account)

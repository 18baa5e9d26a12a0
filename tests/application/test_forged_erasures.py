"""What somebody appends to the log of an erasure erases nobody, ends nothing, and is found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from application import answering, destruction, erasure, residents
from application.certifying import certificate
from application.erasure import ErasureNotOurs
from application.orders import root_of
from application.services import new_id
from application.upkeep import look_after
from domain.aggregates import account
from domain.aggregates.machine import ImpossibleEvent
from domain.events import Change
from domain.events.account import AccountErased, DestructionOrdered, ErasureValidated
from keys.names import KeyName, Purpose
from keys.tree import KeyDestroyed
from metroledger.bootstrap import administrator, open_ledger
from proofs.certificate import verify_certificate
from replay.findings import Breach
from tests.application.test_certifying import press
from tests.application.test_erasing import ask
from tests.application.world import closed, opened, settle

if TYPE_CHECKING:
    from uuid import UUID

    from application.transact import Loading
    from domain.events import Event
    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

NUMBER, OTHER = "30001112223334", "30001112223335"


@pytest.fixture
def home(ledger: Installation) -> Household:
    return settle(ledger, NUMBER)


def forge(ledger: Installation, home: Household, *events: Event, extra: bytes = b"") -> None:
    """Append events to an account's stream that no decision of ours made; no key is needed."""

    def decide(load: Loading) -> list[Change]:
        load(account, home.account)
        return [Change(stream=home.account, event=one) for one in events]

    context = ledger.services.context(None, **{DestructionOrdered.TOPIC: extra} if extra else {})
    ledger.ledger.transact(new_id(), decide, context=context)


def request_of(ledger: Installation, home: Household) -> UUID:
    found = ledger.ledger.load(account, home.account).state.request
    assert found is not None
    return found


def end_of(ledger: Installation, home: Household) -> AccountErased:
    """A certificate of nothing, as it would have to look."""
    nothing = root_of([])
    return AccountErased(
        request=request_of(ledger, home),
        keys=0,
        root=nothing,
        fingerprints=nothing,
        stores=1,
        epoch=1,
        tree_size_before=0,
        tree_size_after=1,
        legal_basis=erasure.GROUND.legal_basis,
        not_reached=(),
        asked_as="resident",
        checked_as="administrator",
        validated_as="administrator",
        carried_out_as="system",
    )


def rounds(ledger: Installation) -> None:
    for _ in range(2):
        look_after(ledger.services, ledger.cursors)


def lives(ledger: Installation, home: Household) -> bool:
    return bool(ledger.keys.keys_of(home.account))


def breaches(ledger: Installation) -> tuple[set[Breach], set[Breach]]:
    """What the audits find: the one that opens nothing, and the other."""
    return (
        {one.breach for one in closed(ledger).findings},
        {one.breach for one in opened(ledger).findings},
    )


def test_a_validation_that_nobody_checked_before_erases_nobody(
    ledger: Installation, home: Household
) -> None:
    services = ledger.services
    erasure.request(services, home.account, residents.resident(home.account))
    forge(ledger, home, ErasureValidated(request=request_of(ledger, home)))
    rounds(ledger)
    assert lives(ledger, home)
    assert [one.account for one in answering.waiting(services)] == [home.account]
    with pytest.raises(ErasureNotOurs, match="nobody checked"):
        erasure.erase(services, home.account, services.system)
    assert breaches(ledger)[0] == {Breach.NOT_CHECKED}
    erasure.erase(services, home.account, administrator(ledger))  # who decides it themselves
    assert not lives(ledger, home)


def test_with_four_eyes_no_single_one_carries_it_out_either(place: Place) -> None:
    with open_ledger(replace(place.settings, four_eyes=True)) as ledger:
        home = settle(ledger, NUMBER)
        erasure.request(ledger.services, home.account, residents.resident(home.account))
        forge(ledger, home, ErasureValidated(request=request_of(ledger, home)))
        with pytest.raises(ErasureNotOurs, match="nobody checked"):
            erasure.erase(ledger.services, home.account, administrator(ledger))
        assert lives(ledger, home)


@pytest.mark.parametrize("ordered", [True, False])
def test_a_certificate_of_nothing_ends_no_request_and_is_found(
    ledger: Installation, home: Household, *, ordered: bool
) -> None:
    ask(ledger, home)
    order = DestructionOrdered(request=request_of(ledger, home), keys=0, root=root_of([]))
    forge(ledger, home, *([order] if ordered else []), end_of(ledger, home))
    rounds(ledger)
    assert lives(ledger, home)
    waiting = answering.waiting(ledger.services)
    assert [(one.account, one.closed_at) for one in waiting] == [(home.account, None)]
    assert not answering.closed(ledger.services)
    with pytest.raises(ErasureNotOurs if ordered else ImpossibleEvent):
        erasure.erase(ledger.services, home.account, administrator(ledger))
    without, with_keys = breaches(ledger)
    assert without == (set() if ordered else {Breach.NOT_ORDERED})
    assert Breach.KEY_ALIVE in with_keys


def test_an_order_of_anothers_keys_destroys_none(ledger: Installation, home: Household) -> None:
    other = settle(ledger, OTHER)
    ask(ledger, home)
    ids = sorted(one.bytes for one in ledger.keys.keys_of(other.account).values())
    order = DestructionOrdered(request=request_of(ledger, home), keys=len(ids), root=root_of(ids))
    forge(ledger, home, order, extra=b"".join(ids))
    rounds(ledger)
    assert lives(ledger, home)
    assert lives(ledger, other)
    with pytest.raises(ErasureNotOurs, match="other keys"):
        erasure.erase(ledger.services, home.account, administrator(ledger))


def test_the_keys_of_a_spoilt_erasure_can_be_destroyed_by_themselves(
    ledger: Installation, home: Household
) -> None:
    services, other = ledger.services, settle(ledger, OTHER)
    ask(ledger, home)
    order = DestructionOrdered(request=request_of(ledger, home), keys=0, root=root_of([]))
    forge(ledger, home, order, end_of(ledger, home))
    stream = destruction.destroy_all(services, home.account, administrator(ledger))
    assert stream == destruction.destroy_all(services, home.account, administrator(ledger))
    assert not lives(ledger, home)
    assert lives(ledger, other)
    assert breaches(ledger) == (set(), set())
    data = certificate(services, press(ledger), stream)
    assert verify_certificate(data, [ledger.verifier]).says["keys_destroyed"]
    assert look_after(services, ledger.cursors).erased == 0
    with pytest.raises(KeyDestroyed):
        services.keys.mint([KeyName(owner=home.account, purpose=Purpose.PROFILE)])
    ledger.shown.rebuild()
    assert not answering.waiting(services)


def test_an_order_that_nobody_validated_is_found(ledger: Installation, home: Household) -> None:
    ids = sorted(one.bytes for one in ledger.keys.keys_of(home.account).values())
    order = DestructionOrdered(request=new_id(), keys=len(ids), root=root_of(ids))
    forge(ledger, home, order, extra=b"".join(ids))
    assert breaches(ledger)[0] == {Breach.NOT_VALIDATED}
    assert lives(ledger, home)


def test_an_erasure_of_ours_is_no_finding(ledger: Installation, home: Household) -> None:
    ask(ledger, home)
    rounds(ledger)
    assert not lives(ledger, home)
    assert breaches(ledger) == (set(), set())

"""An account: what its holder may do, and an erasure that is whole or is none."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.aggregates import account, collection, consent, leaving, terms
from domain.aggregates.account import AccountInactive, AccountOpenedOtherwise, AccountUnderErasure
from domain.aggregates.leaving import (
    AnotherDestructionOrdered,
    HeldNow,
    IdentityNotChecked,
    NoErasureRequested,
    OtherEyesNeeded,
    PartialErasure,
)
from domain.events import Change
from domain.events.account import (
    AccountErased,
    DestructionOrdered,
    ErasureHeld,
    ErasureHoldLifted,
    ErasureIdentityChecked,
    ErasureRefused,
    ErasureRequested,
    ErasureTakenBack,
    ErasureValidated,
    TermsAccepted,
)
from domain.events.collection import CollectionStarted, CollectionStopped
from domain.events.consent import ConsentGranted, ConsentWithdrawn
from domain.events.terms import TextKind
from domain.policies.account import (
    StillLiving,
    TermsNotCurrent,
    accept_terms,
    has_accepted_current,
    order_destruction,
)
from domain.policies.meter import declare
from tests.domain.samples import sample
from tests.domain.world import (
    ACCEPTED,
    ACCOUNT,
    ENTRY_DAY,
    MEMBER,
    METER,
    NEIGHBOUR,
    NOON,
    OPENED,
    OTHER_MEMBER,
    POINT,
    REQUEST,
    TERMS,
    TEXT,
    Streams,
    given,
)

ASKED = ErasureRequested(request=REQUEST, requested_at=NOON)
VALIDATED = ErasureValidated(request=REQUEST)
CHECKED = ErasureIdentityChecked(request=REQUEST, means="in person", checked_by=MEMBER)
ORDERED = DestructionOrdered(request=REQUEST, keys=3, root="cm9vdA")
AGAIN = UUID(int=0xE1)


def _published(*versions: str) -> Streams:
    streams = Streams()
    streams.happened(ACCOUNT, OPENED)
    for version in versions:
        state = streams.terms(TERMS).state
        text = TEXT if version == "1" else f"{TEXT} {version}"
        kind = TextKind.TERMS_OF_USE
        streams.happened(
            TERMS, *terms.publish(state, kind=kind, version=version, language="fr", text=text)
        )
    return streams


def _accept(streams: Streams, version: str) -> tuple[Change, ...]:
    return accept_terms(streams.account(), streams.terms(TERMS), version=version, language="fr")


def _declare(streams: Streams) -> tuple[Change, ...]:
    home: dict[str, Any] = {"point": POINT, "entry_day": ENTRY_DAY, "power_kva": None}
    return declare(streams.account(), streams.meter(METER), **home)


def test_an_account_is_opened_once() -> None:
    situation = given(account).when(lambda s: account.open_account(s, OPENED)).then(OPENED)
    other = type(OPENED)(name="Sacha", email=OPENED.email, language="fr")
    situation.refuses(AccountOpenedOtherwise, lambda s: account.open_account(s, other))


def test_an_account_does_nothing_before_it_accepted_the_terms_of_use() -> None:
    streams = _published("1")
    with pytest.raises(AccountInactive):
        _declare(streams)
    accepted = _accept(streams, "1")
    assert [change.event for change in accepted] == [ACCEPTED]
    streams.append(accepted)
    assert _accept(streams, "1") == ()
    assert len(_declare(streams)) == 1


def test_only_the_current_terms_of_use_are_accepted() -> None:
    streams = _published("1", "2")
    for version in ("1", "3"):
        with pytest.raises(TermsNotCurrent):
            _accept(streams, version)
    streams.append(_accept(streams, "2"))
    assert has_accepted_current(streams.account().state, streams.terms(TERMS))


def test_new_terms_ask_for_a_new_acceptance() -> None:
    streams = _published("1")
    streams.append(_accept(streams, "1"))
    kind = TextKind.TERMS_OF_USE
    known = streams.terms(TERMS).state
    streams.happened(TERMS, *terms.publish(known, kind=kind, version="2", language="fr", text="x"))
    assert not has_accepted_current(streams.account().state, streams.terms(TERMS))
    streams.append(_accept(streams, "2"))
    assert has_accepted_current(streams.account().state, streams.terms(TERMS))


def test_asking_twice_for_erasure_starts_one_clock() -> None:
    situation = given(account, OPENED).when(
        lambda s: leaving.request_erasure(s, request=REQUEST, requested_at=NOON)
    )
    later = NOON + timedelta(days=1)
    situation.then(ASKED).when(
        lambda s: leaving.request_erasure(s, request=AGAIN, requested_at=later)
    ).then_nothing()


def test_a_refused_erasure_leaves_the_account_as_it_was_and_can_be_asked_anew() -> None:
    refused = ErasureRefused(request=REQUEST, reason="not the holder")
    situation = given(account, OPENED, ACCEPTED, ASKED).when(
        lambda s: leaving.refuse_erasure(s, request=REQUEST, reason="not the holder")
    )
    situation.then(refused)
    assert account.is_active(situation.state)
    situation.when(
        lambda s: leaving.request_erasure(s, request=REQUEST, requested_at=NOON)
    ).then_nothing()
    situation.when(lambda s: leaving.request_erasure(s, request=AGAIN, requested_at=NOON)).then(
        ErasureRequested(request=AGAIN, requested_at=NOON)
    )
    situation.refuses(
        NoErasureRequested,
        lambda s: leaving.validate_erasure(s, request=AGAIN, validated_by=MEMBER),
    )


def test_asking_for_erasure_takes_nothing_away_and_its_validation_takes_all() -> None:
    streams = Streams()
    streams.happened(ACCOUNT, OPENED, ACCEPTED, ASKED)
    assert len(_declare(streams)) == 1
    streams.happened(ACCOUNT, VALIDATED)
    with pytest.raises(AccountUnderErasure):
        _declare(streams)
    with pytest.raises(AccountUnderErasure):
        account.accept_terms(
            streams.account().state, TermsAccepted(terms=TERMS, version="2", sha256="")
        )


def test_nobody_is_erased_before_somebody_made_sure_who_asks() -> None:
    def validate(state: account.Account) -> tuple[ErasureValidated, ...]:
        return leaving.validate_erasure(state, request=REQUEST, validated_by=MEMBER)

    asked = given(account, OPENED, ACCEPTED, ASKED)
    asked.refuses(IdentityNotChecked, validate)
    given(account, OPENED, ACCEPTED, ASKED, CHECKED).when(validate).then(VALIDATED)
    back = ErasureTakenBack(request=REQUEST)
    again = ErasureRequested(request=AGAIN, requested_at=NOON)
    given(account, OPENED, ACCEPTED, ASKED, CHECKED, back, again).refuses(
        IdentityNotChecked,
        lambda s: leaving.validate_erasure(s, request=AGAIN, validated_by=MEMBER),
    )


def test_with_four_eyes_the_one_who_checked_does_not_validate() -> None:
    checked = given(account, OPENED, ACCEPTED, ASKED, CHECKED)
    checked.refuses(
        OtherEyesNeeded,
        lambda s: leaving.validate_erasure(s, request=REQUEST, validated_by=MEMBER, four_eyes=True),
    )
    checked.when(
        lambda s: leaving.validate_erasure(
            s, request=REQUEST, validated_by=OTHER_MEMBER, four_eyes=True
        )
    ).then(VALIDATED)


def test_a_hold_keeps_an_erasure_waiting_until_it_is_lifted() -> None:
    held, lifted = ErasureHeld(request=REQUEST, reason="x"), ErasureHoldLifted(request=REQUEST)
    situation = given(account, OPENED, ACCEPTED, ASKED, CHECKED, held)
    assert account.is_active(situation.state)
    situation.refuses(
        HeldNow, lambda s: leaving.validate_erasure(s, request=REQUEST, validated_by=MEMBER)
    )
    situation.when(lambda s: leaving.lift_hold(s, request=REQUEST)).then(lifted).when(
        lambda s: leaving.validate_erasure(s, request=REQUEST, validated_by=MEMBER)
    ).then(VALIDATED)


def test_a_request_is_taken_back_while_it_waits_and_not_after() -> None:
    back = ErasureTakenBack(request=REQUEST)
    for waiting in ((), (CHECKED,), (ErasureHeld(request=REQUEST, reason="x"),)):
        situation = given(account, OPENED, ACCEPTED, ASKED, *waiting)
        taken = situation.when(lambda s: leaving.take_erasure_back(s, request=REQUEST)).then(back)
        assert account.is_active(taken.state)
    given(account, OPENED, ACCEPTED, ASKED, VALIDATED).refuses(
        AccountUnderErasure, lambda s: leaving.take_erasure_back(s, request=REQUEST)
    )


def test_keys_are_destroyed_only_when_nothing_lives_under_them() -> None:
    streams = Streams()
    streams.happened(ACCOUNT, OPENED, ACCEPTED, ASKED, VALIDATED)
    granted = given(consent, sample(ConsentGranted))
    started = given(collection, sample(CollectionStarted))
    for living in (granted, started):
        with pytest.raises(StillLiving):
            order_destruction(streams.account(), [living.state], keys=3, root="cm9vdA")
    ended = [
        given(consent, sample(ConsentGranted), sample(ConsentWithdrawn)).state,
        given(collection, sample(CollectionStarted), sample(CollectionStopped)).state,
    ]
    (change,) = order_destruction(streams.account(), ended, keys=3, root="cm9vdA")
    assert change == Change(stream=ACCOUNT, event=ORDERED, subject=None)
    streams.append([change])
    assert order_destruction(streams.account(), ended, keys=3, root="cm9vdA") == ()
    with pytest.raises(AnotherDestructionOrdered):
        order_destruction(streams.account(), ended, keys=2, root="cm9vdA")


def test_a_partial_erasure_is_no_erasure() -> None:
    certificate = sample(AccountErased)
    ordered = DestructionOrdered(request=REQUEST, keys=4, root="cm9vdA")
    history = (OPENED, ACCEPTED, ASKED, VALIDATED)
    given(account, *history, ordered).refuses(
        PartialErasure, lambda s: leaving.erase(s, certificate)
    )
    given(account, *history, ORDERED).when(lambda s: leaving.erase(s, certificate)).then(
        certificate
    )


def test_an_erasure_is_taken_up_again_when_nothing_of_the_person_can_be_read() -> None:
    certificate = sample(AccountErased)
    state = given(account, OPENED, ACCEPTED, ASKED, VALIDATED, ORDERED).state
    unreadable = replace(state, opened=None, accepted=None, requested_at=None)
    assert leaving.order_destruction(unreadable, keys=3, root="cm9vdA") == ()
    assert leaving.erase(unreadable, certificate) == (certificate,)


def test_a_neighbours_account_is_not_concerned() -> None:
    streams = Streams()
    streams.happened(ACCOUNT, OPENED, ACCEPTED, ASKED, VALIDATED)
    streams.happened(NEIGHBOUR, OPENED, ACCEPTED)
    account.require_active(streams.account(NEIGHBOUR).state)

"""A consent: what it rests on, what proves it, and how little it takes to be refused."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from domain.aggregates.account import AccountInactive, AccountUnderErasure
from domain.aggregates.consent import (
    ConsentAnsweredAlready,
    Origin,
    in_force,
)
from domain.errors import Refused
from domain.events import Change
from domain.events.account import ErasureRequested, ErasureValidated
from domain.events.agreement import AgreementEnded
from domain.events.consent import (
    ConsentGranted,
    ConsentRefused,
)
from domain.events.meter import ConsentAttached
from domain.events.terms import TextKind
from domain.policies.consent import (
    CategoryNotInAgreement,
    ConsentAlreadyLives,
    Extension,
    Grant,
    NoAgreementInForce,
    Refusal,
    ScopeMissing,
    expire,
    extend,
    grant,
    refuse,
    withdraw,
)
from domain.policies.evidence import EvidenceMissing, WordingDiffers, WordingNotPublished
from domain.policies.meter import MeterNotThisAccounts
from domain.policies.points import CategoryNotForFluid
from domain.values import Category, Fluid
from tests.domain.world import (
    ACCEPTED,
    ACCOUNT,
    AGREEMENT,
    CONSENT,
    DECLARED,
    ENTRY_DAY,
    EVIDENCE,
    GRANT,
    METER,
    NEIGHBOUR,
    NOON,
    OPENED,
    OTHER_CONSENT,
    REQUEST,
    Streams,
    granted,
    ready,
)

LAST_DAY = date(2025, 5, 14)
REFUSAL = Refusal(
    category=Category.DAILY_INDEX,
    recipient="agency",
    purpose="advice",
    refused_at=NOON,
    evidence=EVIDENCE,
)


def _grant_refused(refusal: type[Refused], streams: Streams, wanted: Grant = GRANT) -> None:
    with pytest.raises(refusal):
        grant(streams.consent(), streams.ground(), wanted)


def test_a_grant_is_written_on_the_consent_and_on_its_meter() -> None:
    streams = ready()
    on_consent, on_meter = grant(streams.consent(), streams.ground(), GRANT)
    assert isinstance(on_consent.event, ConsentGranted)
    assert (on_consent.stream, on_consent.subject) == (CONSENT, ACCOUNT)
    assert on_consent.event.last_day == LAST_DAY
    assert on_consent.event.number == DECLARED.number
    attached = ConsentAttached(
        consent=CONSENT,
        category=Category.DAILY_INDEX,
        recipient="metropolis",
        purpose="follow-up",
    )
    assert on_meter == Change(stream=METER, event=attached, subject=ACCOUNT)


def test_the_same_act_again_changes_nothing() -> None:
    streams = granted()
    assert grant(streams.consent(), streams.ground(), GRANT) == ()
    moved_horizon = replace(GRANT, horizon=date(2024, 5, 1))
    assert grant(streams.consent(), streams.ground(), moved_horizon) == ()


def test_a_consents_id_is_used_for_one_act() -> None:
    _grant_refused(ConsentAnsweredAlready, granted(), replace(GRANT, recipient="agency"))
    _grant_refused(
        ConsentAnsweredAlready, granted(), replace(GRANT, granted_at=NOON + timedelta(days=1))
    )


def test_at_most_one_consent_lives_for_a_meter_category_recipient_and_purpose() -> None:
    streams = granted()
    other = streams.consent(OTHER_CONSENT)
    with pytest.raises(ConsentAlreadyLives):
        grant(other, streams.ground(), GRANT)
    scopes: list[dict[str, Any]] = [{"recipient": "agency"}, {"purpose": "advice"}]
    for scope in scopes:
        assert len(grant(other, streams.ground(), replace(GRANT, **scope))) == 2
    streams.append(_withdraw(streams))
    assert len(grant(other, streams.ground(), GRANT)) == 2


def test_consenting_again_after_the_last_day_first_records_that_it_has_passed() -> None:
    streams = granted()
    again = replace(GRANT, granted_at=datetime(2025, 5, 20, 8, tzinfo=UTC))
    other = streams.consent(OTHER_CONSENT)
    with pytest.raises(ConsentAlreadyLives):
        grant(other, streams.ground(), again)
    streams.append(expire(streams.consent(), streams.meter(), on=date(2025, 5, 20)))
    streams.append(grant(other, streams.ground(), again))
    assert [known.consent for known in streams.meter().state.attached] == [OTHER_CONSENT]


@pytest.mark.parametrize("part", ["channel", "wording_version", "sha256", "language", "act"])
def test_a_consent_without_evidence_cannot_be_made(part: str) -> None:
    evidence = msgspec.structs.replace(EVIDENCE, **{part: " "})
    _grant_refused(EvidenceMissing, ready(), replace(GRANT, evidence=evidence))
    streams = granted()
    extension = Extension(extended_at=NOON + timedelta(days=9), evidence=evidence, years=1)
    with pytest.raises(EvidenceMissing):
        extend(streams.consent(), streams.ground(), extension)
    with pytest.raises(EvidenceMissing):
        _refuse(ready(), replace(REFUSAL, evidence=evidence))


@pytest.mark.parametrize(
    "part", [{"wording_version": "2"}, {"language": "en"}, {"wording": AGREEMENT}]
)
def test_the_evidence_names_a_published_wording(part: dict[str, Any]) -> None:
    evidence = msgspec.structs.replace(EVIDENCE, **part)
    _grant_refused(WordingNotPublished, ready(), replace(GRANT, evidence=evidence))


def test_the_wording_that_was_shown_is_the_one_that_was_published() -> None:
    evidence = msgspec.structs.replace(EVIDENCE, sha256="0" * 64)
    _grant_refused(WordingDiffers, ready(), replace(GRANT, evidence=evidence))


def test_terms_of_use_ask_for_no_consent() -> None:
    streams = ready()
    terms = replace(streams.terms().state, kind=TextKind.TERMS_OF_USE)
    streams.states[streams.terms().id] = terms
    _grant_refused(WordingNotPublished, streams)


def test_no_agreement_no_consent() -> None:
    before = datetime(2023, 12, 31, 22, 59, tzinfo=UTC)
    _grant_refused(NoAgreementInForce, ready(), replace(GRANT, granted_at=before))
    ended = ready()
    ended.happened(AGREEMENT, AgreementEnded(reason="terminated"))
    _grant_refused(NoAgreementInForce, ended)
    unsigned = ready()
    del unsigned.states[AGREEMENT]
    _grant_refused(NoAgreementInForce, unsigned)


def test_another_operators_agreement_is_none() -> None:
    streams = ready()
    theirs = msgspec.structs.replace(DECLARED, operator="greenalp")
    streams.states[METER] = replace(streams.meter().state, declared=theirs)
    _grant_refused(NoAgreementInForce, streams)


def test_a_category_outside_the_agreement_cannot_be_consented_to() -> None:
    _grant_refused(CategoryNotInAgreement, ready(), replace(GRANT, category=Category.LOAD_CURVE))


def test_there_is_no_maximum_power_of_gas() -> None:
    streams = ready()
    gas = msgspec.structs.replace(DECLARED, fluid=Fluid.GAS)
    streams.states[METER] = replace(streams.meter().state, declared=gas)
    _grant_refused(CategoryNotForFluid, streams, replace(GRANT, category=Category.MAXIMUM_POWER))


@pytest.mark.parametrize("part", ["recipient", "purpose", "holder"])
def test_a_consent_is_specific(part: str) -> None:
    _grant_refused(ScopeMissing, ready(), replace(GRANT, **dict[str, Any]({part: ""})))


def test_only_an_active_account_grants_and_only_on_its_own_meter() -> None:
    streams = ready()
    streams.happened(NEIGHBOUR, OPENED)
    theirs = streams.ground(account_id=NEIGHBOUR)
    with pytest.raises(MeterNotThisAccounts):
        grant(streams.consent(), theirs, GRANT)
    streams.states[ACCOUNT] = replace(streams.account(NEIGHBOUR).state)
    _grant_refused(AccountInactive, streams)
    streams.happened(ACCOUNT, ACCEPTED)
    streams.happened(ACCOUNT, ErasureRequested(request=REQUEST, requested_at=NOON))
    assert grant(streams.consent(), streams.ground(), GRANT)
    streams.happened(ACCOUNT, ErasureValidated(request=REQUEST))
    _grant_refused(AccountUnderErasure, streams)


@pytest.mark.parametrize(
    ("horizon", "first_day", "expected"),
    [
        (None, None, ENTRY_DAY),
        (date(2021, 5, 1), date(2022, 1, 1), ENTRY_DAY),
        (date(2023, 10, 1), None, date(2023, 10, 1)),
        (date(2023, 10, 1), date(2024, 1, 1), date(2024, 1, 1)),
    ],
)
def test_the_perimeter_begins_with_the_latest_of_entry_day_horizon_and_what_was_agreed(
    horizon: date | None, first_day: date | None, expected: date
) -> None:
    streams = ready()
    wanted = replace(GRANT, horizon=horizon, first_day=first_day)
    granted = grant(streams.consent(), streams.ground(), wanted)[0].event
    assert isinstance(granted, ConsentGranted)
    assert granted.first_data_day == expected


def test_a_consent_is_in_force_from_the_act_to_the_end_of_its_last_day() -> None:
    state = granted().consent().state
    second = timedelta(seconds=1)
    closing = datetime(2025, 5, 14, 22, tzinfo=UTC)
    assert not in_force(state, NOON - second)
    assert in_force(state, NOON)
    assert in_force(state, closing - second)
    assert not in_force(state, closing), "by its date: nobody recorded the expiry"


def test_a_refusal_is_kept_with_its_evidence_and_is_final() -> None:
    streams = ready()
    (change,) = _refuse(streams, REFUSAL)
    assert isinstance(change.event, ConsentRefused)
    assert change.event.evidence == EVIDENCE
    streams.append([change])
    assert _refuse(streams, REFUSAL) == ()
    assert streams.meter().state.attached == ()
    _grant_refused(ConsentAnsweredAlready, streams)


def _withdraw(streams: Streams) -> tuple[Change, ...]:
    return withdraw(streams.consent(), streams.meter(), withdrawn_at=NOON, origin=Origin.RESIDENT)


def _refuse(streams: Streams, wanted: Refusal) -> tuple[Change, ...]:
    return refuse(streams.consent(), streams.account(), streams.meter(), streams.terms(), wanted)

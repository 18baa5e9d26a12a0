"""A command that is sent again under its id makes the same thing, once, whatever it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from application import consenting, erasure, offices, residents
from application.protocol import RefusedBefore
from application.services import made_by, new_id
from domain.aggregates import account, consent, leaving
from domain.aggregates.consent import ConsentStatus, Origin
from domain.errors import Refused
from domain.events import Change
from domain.values import Fluid, Point
from keys.index import Kind
from metroledger.bootstrap import administrator
from tests.application.world import ENTRY, Household, Place, settle, wish

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from application.services import Services
    from application.transact import Loading
    from metroledger.bootstrap import Installation

NUMBER = "00324585900021"
POINT = Point(operator="enedis", fluid=Fluid.ELECTRICITY, number="09111642617347")


@pytest.fixture
def home(ledger: Installation) -> Household:
    return settle(ledger, NUMBER, categories=())


def declare(services: Services, home: Household, command: UUID) -> UUID:
    return residents.declare_meter(
        services, home.account, POINT, entry_day=ENTRY, power_kva=9, command=command
    )


def grant(services: Services, home: Household, command: UUID) -> UUID:
    return consenting.grant_consent(services, home.account, home.meter, wish(), command=command)


def refuse(services: Services, home: Household, command: UUID) -> UUID:
    return consenting.refuse_consent(services, home.account, home.meter, wish(), command=command)


def ask(services: Services, home: Household, command: UUID) -> UUID:
    actor = residents.resident(home.account)
    erasure.request(services, home.account, actor, command=command)
    asked = services.ledger.load(account, home.account).state.request
    assert asked is not None
    return asked


COMMANDS = pytest.mark.parametrize("command", [declare, grant, refuse, ask])


@COMMANDS
def test_a_command_sent_again_makes_the_same_thing_once(
    ledger: Installation, home: Household, command: Callable[[Services, Household, UUID], UUID]
) -> None:
    sent = new_id()
    first = command(ledger.services, home, sent)
    end = ledger.log.end()
    later = replace(ledger.services, clock=lambda: datetime.now(UTC) + timedelta(days=4_000))
    assert [command(one, home, sent) for one in (ledger.services, later)] == [first, first]
    assert first == made_by(sent)
    assert ledger.log.end() == end, "nothing was even appended"


@COMMANDS
def test_a_command_sent_by_two_processes_at_once_happens_once(
    place: Place, command: Callable[[Services, Household, UUID], UUID]
) -> None:
    with place.open() as one, place.open() as other, ThreadPoolExecutor(2) as threads:
        home, sent = settle(one, NUMBER, categories=()), new_id()
        made = list(threads.map(lambda each: command(each.services, home, sent), (one, other)))
        assert made[0] == made[1]
        written = home.account if command is ask else made[0]
        head = one.store.heads([written.bytes])[written.bytes]
        assert head.version == (3 if command is ask else 1)


def test_a_meter_declared_again_under_its_command_is_led_to_once(
    ledger: Installation, home: Household
) -> None:
    sent = new_id()
    stream = declare(ledger.services, home, sent)
    declare(ledger.services, home, sent)
    value = residents.meter_value(POINT.operator, POINT.fluid, POINT.number)
    led = ledger.keys.index.lead(Kind.METER, [value])
    assert led == {value: [(home.account.bytes, stream.bytes)]}


def test_a_withdrawal_sent_again_ends_the_consent_once(
    ledger: Installation, home: Household
) -> None:
    given, sent = grant(ledger.services, home, new_id()), new_id()
    for _ in range(3):
        consenting.withdraw_consent(ledger.services, given, origin=Origin.RESIDENT, command=sent)
    ended = ledger.ledger.load(consent, given)
    assert (ended.state.status, ended.version) == (ConsentStatus.WITHDRAWN, 2)


def test_terms_accepted_again_under_a_command_are_accepted_once(ledger: Installation) -> None:
    services, sent = ledger.services, new_id()
    someone = residents.open_account(services, name="A", email="a@example.org", language="fr")
    for _ in range(3):
        residents.accept(services, someone, version="1", language="fr", command=sent)
    assert services.ledger.load(account, someone).version == 2


def test_a_refused_command_stays_refused_though_it_could_be_granted_now(
    ledger: Installation, home: Household
) -> None:
    """The agreement had ended, and a new one was signed since: ask again as a new command."""
    services, sent = ledger.services, new_id()
    (agreed,) = services.register.read().agreements
    signed = services.register.read().agreements[agreed].signed
    assert signed is not None
    offices.end_agreement(services, administrator(ledger), agreed, "over")
    with pytest.raises(offices.NoAgreement):
        grant(services, home, sent)
    offices.sign_agreement(
        services, administrator(ledger), msgspec.structs.replace(signed, reference="the next one")
    )
    with pytest.raises(RefusedBefore):
        grant(services, home, sent)
    assert grant(services, home, new_id()) != made_by(sent)


def test_an_erasure_refused_once_may_be_asked_for_anew(
    ledger: Installation, home: Household
) -> None:
    """While a request is pending, asking again changes nothing; after a refusal it is a new one."""
    first, second = ask(ledger.services, home, new_id()), ask(ledger.services, home, new_id())
    assert first == second

    def decide(load: Loading) -> list[Change]:
        state = load(account, home.account).state
        events = leaving.refuse_erasure(state, request=first, reason="told")
        return [Change(stream=home.account, event=event) for event in events]

    context = ledger.services.context(administrator(ledger))
    ledger.ledger.transact(new_id(), decide, context=context)
    assert ask(ledger.services, home, new_id()) != first


def test_nobody_is_refused_for_a_reason_that_reached_no_log(
    ledger: Installation, home: Household
) -> None:
    """A refusal is told behind its barrier: the same command never comes to life later."""
    sent, end = new_id(), ledger.log.end()
    wanted = replace(wish(), wording_version="none such")
    with pytest.raises(Refused):
        consenting.grant_consent(ledger.services, home.account, home.meter, wanted, command=sent)
    assert ledger.log.end() == end + 1
    with pytest.raises(RefusedBefore):
        grant(ledger.services, home, sent)

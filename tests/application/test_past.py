"""The past of one meter is erased, from wherever it was left, and nothing else is."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from adapters.dso.enedis.series import town
from application import answering, consenting, erasure, past, residents, viewing
from application import destruction as destroying
from application.deliveries import Result
from application.past import NothingHeld, OrderNotOurs
from application.services import new_id
from application.upkeep import look_after
from application.viewing import NoLongerShown, Use
from domain.aggregates import consent, destruction
from domain.aggregates.consent import ConsentStatus, Origin
from domain.aggregates.leaving import PastHeld
from domain.errors import Refused
from domain.events.account import AccountErased, DestructionOrdered
from domain.events.destruction import KeysDestroyed, PastErasureRequested
from domain.policies.meter import MeterNotThisAccounts
from domain.values import Fluid, Point
from keys.names import KeyName, Purpose
from keys.tree import KeyDestroyed, MintingClosed
from metroledger.bootstrap import administrator
from tests.application.test_erasing import Crash, ask, count, crash_at
from tests.application.world import (
    ENTRY,
    SEED,
    closed,
    grant,
    opened,
    series_of,
    settle,
    take,
    write_nights,
)

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

METERS = town(SEED, 3)
STEPS = (
    "a consent ended",
    "consents ended",
    "destruction ordered",
    "keys destroyed",
    "pages deleted",
    "epoch ended",
    "certified",
)


def two_meters(ledger: Installation, tmp_path: Path) -> tuple[Household, UUID, UUID]:
    """One person with two meters, both read: the home, the other meter and its consent."""
    home = settle(ledger, METERS[0].number)
    point = Point(operator="enedis", fluid=Fluid.ELECTRICITY, number=METERS[1].number)
    other = residents.declare_meter(
        ledger.services, home.account, point, entry_day=ENTRY, power_kva=9
    )
    kept = grant(ledger, home.account, other)
    for night in write_nights(tmp_path / "n", METERS, [date(2025, 6, 2), date(2026, 1, 2)]):
        assert take(ledger, night).result is Result.TAKEN_IN
    return home, other, kept


def readings_keys(ledger: Installation, owner: UUID) -> dict[KeyName, UUID]:
    names = ledger.keys.keys_of(owner)
    return {name: key for name, key in names.items() if name.purpose is Purpose.READINGS}


def erase(ledger: Installation, home: Household) -> UUID:
    services = ledger.services
    request = past.request(services, home.account, home.meter)
    assert past.erase(services, home.account, request, services.system)
    return request


def certified(ledger: Installation, request: UUID) -> KeysDestroyed:
    certificate = ledger.ledger.load(destruction, request).state.certificate
    assert certificate is not None
    return certificate


def readable(ledger: Installation, owner: UUID, consent_id: UUID) -> int:
    ledger.services.shown.catch_up()
    access = viewing.authorise(ledger.services, owner, consent_id, Use.ACCESS)
    return len(list(viewing.readings(ledger.services, access)))


def test_what_was_measured_at_one_meter_goes_and_the_rest_of_the_account_stays(
    ledger: Installation, tmp_path: Path
) -> None:
    home, _, kept = two_meters(ledger, tmp_path)
    before = readable(ledger, home.account, kept)
    dead = {
        key for name, key in readings_keys(ledger, home.account).items() if name.consent != kept
    }
    assert len(dead) == 2, "one a civil year"
    request = erase(ledger, home)
    assert not ledger.keys.fetch(dead)
    assert readable(ledger, home.account, home.consents[0]) == 0
    assert readable(ledger, home.account, kept) == before > 0
    assert not series_of(ledger, home.consents[0]).rows
    with pytest.raises(NoLongerShown):
        viewing.authorise(ledger.services, home.account, home.consents[0])
    ended = ledger.ledger.load(consent, home.consents[0]).state
    assert ended.status is ConsentStatus.WITHDRAWN
    assert ended.granted is not None, "its evidence stays as long as the account"
    certificate = certified(ledger, request)
    assert (certificate.keys, certificate.asked_as) == (2, "resident")
    held = ledger.services.shown.store.held(home.consents[0])
    assert not any(held), "neither slips nor pages are left of it"
    assert closed(ledger).passed
    assert opened(ledger).passed


def test_nothing_of_the_past_is_ever_minted_again(ledger: Installation, tmp_path: Path) -> None:
    home, *_ = two_meters(ledger, tmp_path)
    names = [n for n in readings_keys(ledger, home.account) if n.consent == home.consents[0]]
    erase(ledger, home)
    for name in names:
        with pytest.raises((KeyDestroyed, MintingClosed)):
            ledger.keys.mint([name])


def test_the_meter_can_be_consented_to_again_and_is_read_under_new_keys(
    ledger: Installation, tmp_path: Path
) -> None:
    home, *_ = two_meters(ledger, tmp_path)
    erase(ledger, home)
    anew = grant(ledger, home.account, home.meter)
    (night,) = write_nights(tmp_path / "later", METERS, [date(2026, 1, 5)])
    take(ledger, night)
    assert readable(ledger, home.account, anew) > 0
    assert readable(ledger, home.account, home.consents[0]) == 0
    look_after(ledger.services, ledger.cursors)
    assert readable(ledger, home.account, anew) > 0, "a request is about what came before it"


def test_a_second_request_erases_what_came_since_the_first(
    ledger: Installation, tmp_path: Path
) -> None:
    home, *_ = two_meters(ledger, tmp_path)
    first = erase(ledger, home)
    with pytest.raises(NothingHeld):
        past.request(ledger.services, home.account, home.meter)
    anew = grant(ledger, home.account, home.meter)
    (night,) = write_nights(tmp_path / "later", METERS, [date(2026, 1, 5)])
    take(ledger, night)
    second = erase(ledger, home)
    assert readable(ledger, home.account, anew) == 0
    assert first != second
    assert count(ledger, KeysDestroyed) == 2
    assert opened(ledger).passed


def test_the_same_command_is_one_request(ledger: Installation, tmp_path: Path) -> None:
    home, *_ = two_meters(ledger, tmp_path)
    command = new_id()
    one = past.request(ledger.services, home.account, home.meter, command=command)
    past.erase(ledger.services, home.account, one, ledger.services.system)
    assert past.request(ledger.services, home.account, home.meter, command=command) == one
    assert count(ledger, PastErasureRequested) == 1


def test_nobody_erases_the_past_of_somebody_else(ledger: Installation, tmp_path: Path) -> None:
    home, *_ = two_meters(ledger, tmp_path)
    stranger = settle(ledger, METERS[2].number)
    with pytest.raises(MeterNotThisAccounts):
        past.request(ledger.services, stranger.account, home.meter)
    with pytest.raises(MeterNotThisAccounts):
        past.request(ledger.services, stranger.account, new_id())
    request = past.request(ledger.services, home.account, home.meter)
    with pytest.raises(Refused):
        past.erase(ledger.services, stranger.account, request, ledger.services.system)
    assert readable(ledger, home.account, home.consents[0]) > 0


def test_a_duty_to_keep_the_data_holds_the_past_too(ledger: Installation, tmp_path: Path) -> None:
    home, *_ = two_meters(ledger, tmp_path)
    services, by = ledger.services, administrator(ledger)
    early = past.request(services, home.account, home.meter)
    erasure.request(services, home.account, residents.resident(home.account))
    answering.hold(services, home.account, by, reason="a court asked for the data")
    with pytest.raises(PastHeld):
        past.request(services, home.account, home.meter)
    look_after(services, ledger.cursors)
    assert readable(ledger, home.account, home.consents[0]) > 0
    answering.lift(services, home.account, by)
    look_after(services, ledger.cursors)
    assert certified(ledger, early).keys == 2


def test_a_hold_that_comes_before_the_order_keeps_the_past(
    ledger: Installation, tmp_path: Path
) -> None:
    home, *_ = two_meters(ledger, tmp_path)
    services, by = ledger.services, administrator(ledger)
    request = past.request(services, home.account, home.meter)

    def hold(step: str) -> None:
        if step == "consents ended":
            erasure.request(services, home.account, residents.resident(home.account))
            answering.hold(services, home.account, by, reason="a court asked for the data")

    assert not past.erase(services, home.account, request, services.system, step=hold)
    assert readable(ledger, home.account, home.consents[0]) > 0
    answering.lift(services, home.account, by)
    look_after(services, ledger.cursors)
    assert certified(ledger, request).keys == 2


def test_a_hold_that_comes_after_the_order_keeps_what_is_not_destroyed_yet(
    ledger: Installation, tmp_path: Path
) -> None:
    home, *_ = two_meters(ledger, tmp_path)
    services, by = ledger.services, administrator(ledger)
    request = past.request(services, home.account, home.meter)
    with pytest.raises(Crash):
        past.erase(
            services, home.account, request, services.system, step=crash_at("destruction ordered")
        )
    erasure.request(services, home.account, residents.resident(home.account))
    answering.hold(services, home.account, by, reason="a court asked for the data")
    look_after(services, ledger.cursors)
    assert readable(ledger, home.account, home.consents[0]) > 0
    answering.lift(services, home.account, by)
    look_after(services, ledger.cursors)
    assert certified(ledger, request).keys == 2


def test_the_steps_are_told_in_their_order(ledger: Installation, tmp_path: Path) -> None:
    home, *_ = two_meters(ledger, tmp_path)
    told: list[str] = []
    request = past.request(ledger.services, home.account, home.meter)
    past.erase(ledger.services, home.account, request, ledger.services.system, step=told.append)
    assert tuple(told) == STEPS


@pytest.mark.parametrize("step", STEPS)
def test_one_that_stops_after_a_step_is_no_success_and_upkeep_ends_it(
    place: Place, tmp_path: Path, step: str
) -> None:
    with place.open() as ledger:
        home, _, kept = two_meters(ledger, tmp_path)
        request = past.request(ledger.services, home.account, home.meter)
        by = ledger.services.system
        with pytest.raises(Crash):
            past.erase(ledger.services, home.account, request, by, step=crash_at(step))
        if step != "certified":
            assert ledger.ledger.load(destruction, request).state.certificate is None
            assert [one.done for one in past.pasts_of(ledger.services, home.account)] == [False]
        assert opened(ledger).passed
    with place.open() as ledger:
        look_after(ledger.services, ledger.cursors)
        assert certified(ledger, request).keys == 2
        assert [one.done for one in past.pasts_of(ledger.services, home.account)] == [True]
        assert readable(ledger, home.account, home.consents[0]) == 0
        assert readable(ledger, home.account, kept) > 0
        assert (count(ledger, DestructionOrdered), count(ledger, KeysDestroyed)) == (1, 1)
        assert closed(ledger).passed
        assert opened(ledger).passed


@pytest.mark.parametrize("step", ["", "consents ended", "destruction ordered", "keys destroyed"])
def test_the_whole_account_may_be_erased_while_a_part_is(
    ledger: Installation, tmp_path: Path, step: str
) -> None:
    home, *_ = two_meters(ledger, tmp_path)
    services = ledger.services
    request = past.request(services, home.account, home.meter)
    if step:
        with pytest.raises(Crash):
            past.erase(services, home.account, request, services.system, step=crash_at(step))
    ask(ledger, home)
    erasure.erase(services, home.account, administrator(ledger))
    assert not ledger.keys.keys_of(home.account)
    look_after(services, ledger.cursors)
    ends = count(ledger, KeysDestroyed)
    assert ends == (step in {"destruction ordered", "keys destroyed"})
    if not ends:  # it went with the account, whose certificate it leads to however long after
        whose = services.register.read().pending[request]
        assert past.certified_by(services, whose, request) == home.account
    assert count(ledger, AccountErased) == 1
    assert closed(ledger).passed
    assert opened(ledger).passed


def test_a_part_and_then_the_whole_are_both_certified(ledger: Installation, tmp_path: Path) -> None:
    home, *_ = two_meters(ledger, tmp_path)
    erase(ledger, home)
    ask(ledger, home)
    erasure.erase(ledger.services, home.account, administrator(ledger))
    assert count(ledger, KeysDestroyed) == count(ledger, AccountErased) == 1
    assert closed(ledger).passed
    assert opened(ledger).passed


@pytest.mark.parametrize("step", ["a consent ended", "destruction ordered", "keys destroyed"])
def test_a_delivery_in_between_brings_nothing_back_and_is_not_held_up(
    ledger: Installation, tmp_path: Path, step: str
) -> None:
    home, _, kept = two_meters(ledger, tmp_path)
    (night,) = write_nights(tmp_path / "later", METERS, [date(2026, 1, 5)])
    before = readable(ledger, home.account, kept)

    def deliver(name: str) -> None:
        if name == step:
            counts = take(ledger, night).counts
            assert counts["accepted"] > 0
            assert counts["no_consent"] > 0, counts

    request = past.request(ledger.services, home.account, home.meter)
    past.erase(ledger.services, home.account, request, ledger.services.system, step=deliver)
    assert readable(ledger, home.account, home.consents[0]) == 0
    assert readable(ledger, home.account, kept) > before
    assert opened(ledger).passed


def test_a_withdrawn_consent_s_past_can_be_erased_too(ledger: Installation, tmp_path: Path) -> None:
    home, *_ = two_meters(ledger, tmp_path)
    consenting.withdraw_consent(ledger.services, home.consents[0], origin=Origin.RESIDENT)
    erase(ledger, home)
    assert readable(ledger, home.account, home.consents[0]) == 0


def test_a_key_that_is_gone_before_its_order_is_corrupt_and_not_redacted(
    ledger: Installation, tmp_path: Path
) -> None:
    home, *_ = two_meters(ledger, tmp_path)
    past.request(ledger.services, home.account, home.meter)
    keys = readings_keys(ledger, home.account)
    ledger.keys.destroy(keys.values(), ledger.services.clock())
    assert not opened(ledger).passed, "a request orders nothing"


def test_an_order_that_somebody_else_wrote_destroys_nothing_of_others(
    ledger: Installation, tmp_path: Path
) -> None:
    home, _, kept = two_meters(ledger, tmp_path)
    others = {
        name: key
        for name, key in ledger.keys.keys_of(home.account).items()
        if name.consent == kept or name.purpose is Purpose.PROFILE
    }
    request = past.request(ledger.services, home.account, home.meter)
    destroying.order(ledger.services, request, others)
    with pytest.raises(OrderNotOurs):
        past.erase(ledger.services, home.account, request, ledger.services.system)
    assert len(ledger.keys.fetch(others.values())) == len(others)
    assert readable(ledger, home.account, home.consents[0]) > 0

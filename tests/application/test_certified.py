"""Certificates of real destructions of each kind: whole, of nobody, and without a loose byte."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from adapters.dso.enedis.series import town
from adapters.http.pages import certificate as page
from application import erasure, past, retention
from application.certifying import certificate
from application.erasure import NoCertificate
from application.orders import ordered_ids
from domain.errors import Corrupt, Malformed
from domain.events.account import DestructionOrdered
from domain.events.retention import RetentionOrdered
from proofs.certificate import Certificate, verify_certificate
from proofs.merkle import ProofRefuted
from tests.application.test_certifying import press
from tests.application.test_erasing import Crash, ask, crash_at
from tests.application.world import SEED, settle, take, write_nights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from uuid import UUID

    from metroledger.bootstrap import Installation
    from tests.application.world import Household, Place

METERS = town(SEED, 2)
NAMES = ("Hildegarde ZWEIBRÜCKEN", "Selma LEAVER")
SCOPES = ("account", "past", "retention")
every_scope = pytest.mark.parametrize("scope", SCOPES)


def kept(place: Place, years: int) -> Place:
    return replace(place, also={"METROLEDGER_RETENTION": f"daily_index={years}"})


@pytest.fixture
def homes(place: Place, tmp_path: Path) -> list[Household]:
    """Two homes that were read in 2020 and in 2021, kept long enough to be taken in."""
    with kept(place, 20).open() as ledger:
        homes = [
            settle(ledger, meter.number, name=name)
            for meter, name in zip(METERS, NAMES, strict=True)
        ]
        days = [date(2020, 6, 2), date(2021, 6, 2)]
        for night in write_nights(tmp_path / "nights", METERS, days):
            take(ledger, night)
    return homes


def destroy(ledger: Installation, home: Household, scope: str) -> UUID:
    """Destroy one home's, to the end; the id under which that is certified."""
    services = ledger.services
    if scope == "account":
        ask(ledger, home)
        erasure.erase(services, home.account, services.system)
        return home.account
    request = past.request(services, home.account, home.meter)
    assert past.erase(services, home.account, request, services.system)
    return request


def run_of(place: Place, years: int) -> UUID:
    """Destroy what is past a period; the id of the run."""
    with kept(place, years).open() as ledger:
        assert retention.order(ledger.services) == retention.carry_out(ledger.services) == 1
        *_, run = retention.runs(ledger.services)
        return run.id


@pytest.fixture
def two(scope: str, place: Place, homes: list[Household]) -> Iterator[tuple[Installation, Any]]:
    """The ledger with two destructions of a kind, and the ids under which they are certified."""
    if scope == "retention":
        ids = [run_of(place, years) for years in (5, 4)]
    else:
        with kept(place, 20).open() as ledger:
            ids = [destroy(ledger, home, scope) for home in homes]
    with kept(place, 20).open() as ledger:
        yield ledger, ids


def files_of(two: tuple[Installation, list[UUID]]) -> list[bytes]:
    ledger, ids = two
    return [certificate(ledger.services, press(ledger), one) for one in ids]


@every_scope
def test_it_says_what_was_done_and_names_nobody(
    scope: str, two: tuple[Installation, list[UUID]], homes: list[Household]
) -> None:
    ledger, ids = two
    event = RetentionOrdered if scope == "retention" else DestructionOrdered
    for stream, data in zip(ids, files_of(two), strict=True):
        proven = verify_certificate(data, [ledger.verifier])
        keys = ordered_ids(ledger.services, stream, event)
        prints = ledger.keys.fingerprints(keys)
        assert proven.says["scope"] == scope
        assert proven.says["keys_destroyed"] == len(prints) == len(keys) > 0
        assert not ledger.keys.fetch(keys), "and they are gone"
        assert proven.certificate.fingerprints == tuple(prints[one] for one in sorted(prints))
        assert proven.says == json.loads(data)["says"]
        text = data.decode() + page.draw(data, proven).decode()
        hidden = [*keys, *(one for h in homes for one in (h.account, h.meter, *h.consents))]
        told = [*NAMES, *(home.number for home in homes), *map(str, hidden)]
        for personal in (*told, *(one.hex for one in hidden)):
            assert personal not in text


@every_scope
def test_no_bit_of_any_byte_may_be_flipped(
    scope: str, two: tuple[Installation, list[UUID]]
) -> None:
    ledger, _ = two
    data = files_of(two)[0]
    proven = verify_certificate(data, [ledger.verifier])
    drawn = page.draw(data, proven)
    assert page.verify_page(drawn, [ledger.verifier]).says == proven.says
    for place in range(len(data)):
        with pytest.raises((Malformed, Corrupt)):
            verify_certificate(flipped(data, place), [ledger.verifier])
    for place in range(0, len(drawn), 97):
        with pytest.raises((Malformed, Corrupt)):
            page.verify_page(flipped(drawn, place), [ledger.verifier])
    assert proven.says["scope"] == scope


def flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1 << place % 7
    return bytes(changed)


@every_scope
def test_an_entry_of_another_destruction_is_refused(
    scope: str, two: tuple[Installation, list[UUID]]
) -> None:
    ledger, _ = two
    one, other = (Certificate.decode(data) for data in files_of(two))
    assert one.note == other.note, "both under one checkpoint"
    for place in range(len(one.steps)):
        steps = (*one.steps[:place], other.steps[place], *one.steps[place + 1 :])
        mixed = replace(one, steps=steps).encode()
        with pytest.raises(ProofRefuted):
            verify_certificate(mixed, [ledger.verifier])
    with pytest.raises(ProofRefuted):
        verify_certificate(
            replace(one, fingerprints=other.fingerprints).encode(), [ledger.verifier]
        )
    assert one.scope.name == scope


@pytest.mark.parametrize("step", ["destruction ordered", "keys destroyed", "epoch ended"])
def test_a_past_has_no_certificate_before_its_end(
    place: Place, homes: list[Household], step: str
) -> None:
    with kept(place, 20).open() as ledger:
        home, services = homes[0], ledger.services
        request = past.request(services, home.account, home.meter)
        with pytest.raises(Crash):
            past.erase(services, home.account, request, services.system, step=crash_at(step))
        for one in (request, home.account, home.meter):
            with pytest.raises(NoCertificate):
                certificate(services, press(ledger), one)


def test_a_run_has_no_certificate_before_its_end(place: Place, homes: list[Household]) -> None:
    with kept(place, 5).open() as ledger:
        assert retention.order(ledger.services) == 1
        (run,) = retention.runs(ledger.services)
        assert run.ordered.keys == len(homes)
        with pytest.raises(NoCertificate):
            certificate(ledger.services, press(ledger), run.id)
        retention.carry_out(ledger.services)
        data = certificate(ledger.services, press(ledger), run.id)
        says = verify_certificate(data, [ledger.verifier]).says
        assert (says["matter"], says["last_year"]) == ("daily_index", 2020)

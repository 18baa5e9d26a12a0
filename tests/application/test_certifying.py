"""The certificate of a real erasure: whole, of nobody, and of a finished one alone."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from adapters.http.pages import certificate as page
from adapters.http.pages import certified
from application import erasure, past, residents, retention, seeing
from application.certifying import certificate
from application.erasure import GROUND, NoCertificate
from application.receipts import Press
from domain.errors import Corrupt, Malformed
from domain.values import Matter
from keys.names import Purpose
from keys.store import FILE_NAME
from metroledger.bootstrap import administrator
from proofs.certificate import SCOPES, verify_certificate
from tests.application.test_erasing import Crash, ask, crash_at
from tests.application.world import settle

if TYPE_CHECKING:
    from uuid import UUID

    from metroledger.bootstrap import Installation
    from tests.application.world import Household

NAME, EMAIL, NUMBER = "Hildegarde ZWEIBRÜCKEN", "hildegarde@example.org", "30001112223334"


@pytest.fixture
def home(ledger: Installation) -> Household:
    return settle(ledger, NUMBER, name=NAME, email=EMAIL)


def press(ledger: Installation) -> Press:
    return Press(publisher=ledger.publisher, tiles=ledger.settings.tiles)


def test_the_certificate_of_an_erasure_says_what_was_done_and_names_nobody(
    ledger: Installation, home: Household
) -> None:
    keys = set(ledger.keys.keys_of(home.account).values())
    prints = ledger.keys.fingerprints(keys)
    ask(ledger, home)
    finished = erasure.erase(ledger.services, home.account, ledger.services.system)
    data = certificate(ledger.services, press(ledger), home.account)
    proven = verify_certificate(data, [ledger.verifier])
    says: Any = proven.says
    assert set(proven.certificate.fingerprints) >= set(prints.values())
    assert len(proven.certificate.fingerprints) == says["keys_destroyed"]
    assert proven.certificate.steps[-1].index == finished.leaf
    assert says["roles"] == {
        "asked": "resident",
        "checked": "administrator",
        "validated": "administrator",
        "carried_out": "system",
    }
    assert says["epochs"]["without_them_from"] == ledger.keys.epoch().generation
    assert says["legal_basis"] == GROUND.legal_basis
    assert says["not_reached"] == list(GROUND.not_reached)
    ids = [home.account, home.meter, *home.consents, *keys, administrator(ledger).id]
    for personal in (NAME, "ZWEIBR", EMAIL, NUMBER, *map(str, ids), *(one.hex for one in ids)):
        assert personal not in data.decode()


def test_a_key_that_was_broken_before_has_no_fingerprint_and_the_certificate_shows_none(
    ledger: Installation, home: Household
) -> None:
    erasure.request(ledger.services, home.account, residents.resident(home.account))
    seeing.requester(ledger.services, home.account, administrator(ledger))
    names = ledger.keys.keys_of(home.account)
    (broken,) = (one for name, one in names.items() if name.purpose is Purpose.ACCESS)
    break_wrap(ledger, broken)
    ask(ledger, home)
    erasure.erase(ledger.services, home.account, ledger.services.system)
    data = certificate(ledger.services, press(ledger), home.account)
    proven = verify_certificate(data, [ledger.verifier])
    says: Any = proven.says
    assert (says["keys_destroyed"], proven.certificate.fingerprints) == (len(names), ())
    assert any("fingerprints one by one" in gap for gap in proven.not_proven)


def break_wrap(ledger: Installation, key: UUID) -> None:
    """Flip a bit of a key in the store, as a disk may."""
    with closing(sqlite3.connect(ledger.settings.keys / FILE_NAME)) as store, store:
        ((wrapped,),) = store.execute("SELECT wrapped FROM keys WHERE id = ?", (key.bytes,))
        broken = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
        store.execute("UPDATE keys SET wrapped = ? WHERE id = ?", (broken, key.bytes))


def test_a_certificate_stays_good_under_each_later_checkpoint(
    ledger: Installation, home: Household
) -> None:
    ask(ledger, home)
    erasure.erase(ledger.services, home.account, administrator(ledger))
    first = certificate(ledger.services, press(ledger), home.account)
    settle(ledger, "30001112223335")
    later = certificate(ledger.services, press(ledger), home.account)
    one, other = (verify_certificate(each, [ledger.verifier]) for each in (first, later))
    assert one.says == other.says
    assert one.signed.checkpoint.size < other.signed.checkpoint.size


@pytest.mark.parametrize("step", ["nothing", "destruction ordered", "keys destroyed"])
def test_there_is_no_certificate_before_the_end(
    ledger: Installation, home: Household, step: str
) -> None:
    if step != "nothing":
        ask(ledger, home)
        with pytest.raises(Crash):
            erasure.erase(ledger.services, home.account, administrator(ledger), step=crash_at(step))
    with pytest.raises(NoCertificate):
        certificate(ledger.services, press(ledger), home.account)


def test_an_erasure_at_the_counter_says_who_acted(ledger: Installation, home: Household) -> None:
    services, actor = ledger.services, administrator(ledger)
    erasure.request(services, home.account, residents.resident(home.account))
    erasure.check_identity(services, home.account, services.system, means="in person")
    erasure.validate(services, home.account, actor)
    says = erasure.erase(services, home.account, actor).certificate
    acted = (says.asked_as, says.checked_as, says.validated_as, says.carried_out_as)
    assert acted == ("resident", "system", "administrator", "administrator")


def test_the_page_is_drawn_of_its_file_alone_and_no_byte_of_it_is_loose(
    ledger: Installation, home: Household
) -> None:
    ask(ledger, home)
    erasure.erase(ledger.services, home.account, administrator(ledger))
    data = certificate(ledger.services, press(ledger), home.account)
    proven = verify_certificate(data, [ledger.verifier])
    drawn = page.draw(data, proven)
    assert page.verify_page(drawn, [ledger.verifier]).says == proven.says
    for place in range(0, len(drawn), 211):
        flipped = bytearray(drawn)
        flipped[place] ^= 1
        with pytest.raises((Malformed, Corrupt)):
            page.verify_page(bytes(flipped), [ledger.verifier])
    text = drawn.decode()
    for absent in ("<script", "http://", "https://", "<link", "<img", "url(", "@import"):
        assert absent not in text
    assert json.loads(data)["says"]["request"] in text


def test_all_that_certificates_say_has_its_french() -> None:
    for ground in (erasure.GROUND, past.GROUND, retention.GROUND):
        assert {ground.legal_basis, *ground.not_reached} <= certified.SAID.keys()
    assert certified.WORDS.keys() == {scope.name for scope in SCOPES.values()}
    steps = {name for scope in SCOPES.values() for name in scope.steps}
    assert steps == certified.HOURS.keys() == certified.PLACES.keys()
    assert {role for scope in SCOPES.values() for role in scope.roles} <= certified.STEPS.keys()
    assert certified.MATTERS.keys() == {matter.value for matter in Matter}

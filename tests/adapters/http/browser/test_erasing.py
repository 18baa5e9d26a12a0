"""An administrator goes from request to certificate by what the manual's page names alone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from adapters.dso.enedis.series import town
from adapters.http.pages.certificate import draw, verify_page
from application import retention, viewing
from application.access.roles import StaffRole
from application.certifying import certificate
from application.services import new_id
from application.upkeep import look_after
from keys.names import KeyName, Purpose
from proofs.certificate import verify_certificate
from tests.adapters.http.browser.test_journey import TODAY, hand
from tests.adapters.http.browser.test_staff import enrol, portal
from tests.application.world import ROOT, SEED, settle, take, write_nights

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from tests.adapters.http.browser.conftest import Portal
    from tests.adapters.http.browser.hands import Pointer

__all__ = ["hand", "portal"]  # fixtures, taken from where they are made
MANUAL: Final = (ROOT / "docs" / "manual" / "erasures.md").read_text("utf-8")


@pytest.fixture
def leaver(portal: Portal) -> UUID:
    (meter,) = town(SEED, 1)
    return settle(portal.ledger, meter.number, name="Selma Leaver").account


def told(name: str) -> str:
    """The name of a button or a link, as the manual has it."""
    assert f"*{name}*" in MANUAL
    return name


def test_an_administrator_goes_from_request_to_certificate(
    hand: Pointer, portal: Portal, leaver: UUID
) -> None:
    desk = portal.site.desk
    desk.request(leaver)
    enrol(hand, portal, StaffRole.ADMINISTRATOR)
    hand.follow(told("Voir les demandes"))
    hand.look("queue")
    assert "Selma" not in hand.page.inner_text("main")
    hand.follow(str(leaver))
    hand.look("request")
    assert "Selma Leaver" in hand.page.inner_text("main")
    hand.press(told("Noter la vérification"))
    hand.look("request-nothing-said")
    hand.fill("Comment avez-vous vérifié ?", "rappel au numéro du contrat")
    hand.press(told("Noter la vérification"))
    hand.page.get_by_role("heading", name="2. Valider").wait_for()
    hand.look("identified")
    hand.fill("Motif de la suspension", "un juge demande ces données")
    hand.press(told("Suspendre la demande"))
    hand.page.get_by_role("button", name="Lever la suspension").wait_for()
    hand.look("held")
    hand.press(told("Lever la suspension"))
    hand.press(told("Valider l’effacement"))
    hand.page.get_by_text("L’effacement est en cours").wait_for()
    hand.look("validated")
    assert "Selma" not in hand.page.inner_text("main")
    look_after(portal.ledger.services, portal.ledger.cursors)
    hand.follow(told("Recharger la page"))
    hand.page.get_by_role("heading", name="Certificat").wait_for()
    hand.look("finished")
    hand.follow(told("Voir le certificat"))
    hand.page.get_by_role("heading", name="Certificat d’effacement").wait_for()
    hand.look("certificate")
    see_printed(hand, portal, hand.page.request.get(hand.page.url).body())
    hand.page.goto(f"{portal.url}/agents/effacements/{leaver}")
    hand.go("Effacements")
    assert "Aucune demande n’attend" in hand.page.inner_text("main")
    hand.look("queue-done")
    hand.page.goto(desk.link(leaver))
    hand.look("followed")
    assert "plus personne ne peut les lire" in hand.page.inner_text("main")
    with hand.page.expect_download() as downloaded:
        hand.follow(told("Le fichier à vérifier (JSON)"))
    verify_certificate(downloaded.value.path().read_bytes(), [portal.ledger.verifier])
    assert hand.faults == []


def see_printed(hand: Pointer, portal: Portal, drawn: bytes) -> None:
    """Keep a certificate's page as a file, as somebody would, and look at it as printed."""
    kept = hand.shots / "certificat.html"
    kept.write_bytes(drawn)
    verify_page(drawn, [portal.ledger.verifier])
    hand.page.goto(kept.as_uri())
    hand.page.emulate_media(media="print")
    assert not hand.page.get_by_text("Le fichier JSON, avec toutes les preuves").is_visible()
    assert hand.page.get_by_text("Empreintes des clés détruites").is_visible()
    hand.look("certificate-printed")
    hand.page.emulate_media(media="screen")


def test_the_past_of_a_meter_has_its_certificate_in_the_queue_and_at_the_link(
    hand: Pointer, portal: Portal, tmp_path: Path
) -> None:
    (meter,) = town(SEED, 1)
    home = settle(portal.ledger, meter.number, name="Selma Partial")
    for night in write_nights(tmp_path, [meter], [TODAY - timedelta(1)]):
        take(portal.ledger, night)
    desk = portal.site.desk
    seen = viewing.overview(portal.ledger.services, home.account)
    asked = desk.request_past(seen, home.meter, command=new_id())
    enrol(hand, portal, StaffRole.ADMINISTRATOR)
    hand.go("Effacements")
    assert "pas encore" in hand.page.inner_text("main")
    hand.look("queue-past-asked")
    look_after(portal.ledger.services, portal.ledger.cursors)
    hand.page.reload()
    hand.look("queue-past-done")
    hand.follow(told("Voir le certificat"))
    assert hand.heading() == "Certificat d’effacement du passé d’un compteur"
    hand.look("certificate-past")
    see_printed(hand, portal, hand.page.request.get(hand.page.url).body())
    hand.page.goto(desk.link_to_past(home.account, asked))
    hand.look("followed-past")
    with hand.page.expect_download() as downloaded:
        hand.follow(told("Le fichier à vérifier (JSON)"))
    says = verify_certificate(downloaded.value.path().read_bytes(), [portal.ledger.verifier]).says
    assert (says["scope"], says["request"]) == ("past", str(asked))
    assert hand.faults == []


def test_a_retention_run_has_a_page_to_be_printed(
    hand: Pointer, portal: Portal, leaver: UUID
) -> None:
    services = portal.ledger.services
    services.keys.mint([KeyName(owner=leaver, purpose=Purpose.ACCESS, year=2020)])
    assert retention.order(services) == retention.carry_out(services) == 1
    (run,) = retention.runs(services)
    data = certificate(services, portal.site.press, run.id)
    drawn = draw(data, verify_certificate(data, [portal.ledger.verifier]))
    see_printed(hand, portal, drawn)
    assert hand.heading() == "Certificat de destruction en fin de conservation"
    hand.look("certificate-retention")
    shown = hand.page.inner_text("main")
    assert "notes de qui a consulté" in shown
    assert "Qui a agi" not in shown
    assert hand.faults == []


def test_a_refusal_is_one_step(hand: Pointer, portal: Portal, leaver: UUID) -> None:
    portal.site.desk.request(leaver)
    enrol(hand, portal, StaffRole.ADMINISTRATOR)
    hand.go("Effacements")
    hand.follow(str(leaver))
    hand.fill("Motif du refus", "la demande ne vient pas du titulaire")
    hand.press(told("Refuser la demande"))
    hand.page.get_by_text("Refusée").first.wait_for()
    hand.look("refused")
    assert hand.faults == []

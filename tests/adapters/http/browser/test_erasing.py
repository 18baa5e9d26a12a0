"""An administrator goes from request to certificate by what the manual's page names alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from adapters.dso.enedis.series import town
from adapters.http.pages.certificate import verify_page
from application.access.roles import StaffRole
from application.upkeep import look_after
from proofs.certificate import verify_certificate
from tests.adapters.http.browser.test_journey import hand
from tests.adapters.http.browser.test_staff import enrol, portal
from tests.application.world import ROOT, SEED, settle

if TYPE_CHECKING:
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
    see_printed(hand, portal)
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


def see_printed(hand: Pointer, portal: Portal) -> None:
    """Keep the certificate's page as a file, as somebody would, and look at it as printed."""
    kept = hand.shots / "certificat.html"
    kept.write_bytes(hand.page.request.get(hand.page.url).body())
    verify_page(kept.read_bytes(), [portal.ledger.verifier])
    hand.page.goto(kept.as_uri())
    hand.page.emulate_media(media="print")
    assert not hand.page.get_by_text("Le fichier JSON, avec toutes les preuves").is_visible()
    assert hand.page.get_by_text("Empreintes des clés détruites").is_visible()
    hand.look("certificate-printed")
    hand.page.emulate_media(media="screen")


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

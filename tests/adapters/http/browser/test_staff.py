"""An administrator comes in by a link and looks at how collection goes, on each kind of screen."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from adapters.dso.enedis.series import town
from application.access import members
from application.access.roles import StaffRole
from application.arrivals import Arrival, Slot, State
from application.services import new_id
from tests.adapters.http.browser.test_journey import TODAY, hand
from tests.application.hiring import STAFF_PASSWORD, add, code_of
from tests.application.world import SEED, settle_all, take, write_nights

if TYPE_CHECKING:
    from tests.adapters.http.browser.conftest import Portal
    from tests.adapters.http.browser.hands import Pointer

__all__ = ["hand"]  # a fixture, taken from where it is made


@pytest.fixture
def portal(bare_portal: Portal) -> Portal:
    """A portal for `hand`, with the texts that `settle_all` accepts."""
    return bare_portal


def test_an_administrator_sees_what_is_late_and_why(hand: Pointer, portal: Portal) -> None:
    furnish(portal)
    enrol(hand, portal, StaffRole.ADMINISTRATOR)
    hand.look("home")
    hand.follow("Voir la collecte")
    hand.look("collection-uncounted")
    hand.page.get_by_text("Le compte est en cours").wait_for()
    hand.follow("Recharger la page")
    hand.page.get_by_text("comptées le").wait_for()
    hand.look("collection")
    shown = hand.page.get_by_role("main").inner_text()
    assert "il manque des livraisons entières (R151, abonnement 123, n° 2 à 3)" in plain(shown)
    assert "En retard" in shown
    hand.follow("Tout")
    hand.look("collection-all")
    hand.activate(hand.page.get_by_role("button", name="Se déconnecter"))
    hand.page.goto("/agents/collecte")
    assert hand.heading() == "Espace des agents"
    hand.look("sign-in")
    assert hand.faults == []


def enrol(hand: Pointer, portal: Portal, role: StaffRole) -> None:
    """Follow the link that the command prints, to the staff's home."""
    ledger = portal.ledger
    member, _ = add(ledger, role)
    ticket = members.invite(ledger.services, ledger.staff, member)
    hand.page.goto(f"/agents/inscription/{ticket}")
    hand.look("enrolment")
    secret = hand.page.locator("code.secret").inner_text()
    hand.fill("Choisissez un mot de passe", STAFF_PASSWORD)
    hand.fill("Le code qu’elle montre", code_of(ledger, secret))
    hand.press("Créer mon accès")
    assert hand.heading() == "Votre accès est créé"
    hand.look("recovery-codes")
    hand.follow("Entrer")
    assert hand.heading() == "Espace des agents"


def furnish(portal: Portal) -> None:
    """Settle homes of which one is late, and note deliveries with a hole in their numbers."""
    ledger = portal.ledger
    meters = town(SEED, 6)
    settle_all(ledger, meters)
    for name, some, days in (("late", meters[:2], 9), ("fresh", meters[:1], 2)):
        day = TODAY - timedelta(days=days)
        for path in write_nights(portal.place.home / name, some, [day]):
            take(ledger, path)
    ledger.shown.catch_up()
    for sequence in (1, 4):
        slot = Slot(
            flow="R151",
            subscription="123",
            made=f"2026112{sequence}030700",
            sequence=sequence,
            part=1,
            parts=1,
        )
        file = Arrival(
            id=new_id(),
            operator="enedis",
            slot=slot,
            delivery=new_id(),
            size_bytes=1,
            at=ledger.clock() - timedelta(days=1),
        )
        ledger.arrivals.note(file)
        ledger.arrivals.settle(file.id, State.TAKEN_IN, None)


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ")

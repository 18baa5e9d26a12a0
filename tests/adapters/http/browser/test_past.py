"""A resident erases the past of one meter and keeps the account."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from adapters.dso.enedis.series import town
from application.access import sessions
from application.upkeep import look_after
from tests.adapters.http.browser.test_journey import hand
from tests.adapters.http.browser.test_staff import portal
from tests.application.world import SEED, grant, settle, take, write_nights

if TYPE_CHECKING:
    from pathlib import Path

    from tests.adapters.http.browser.conftest import Portal
    from tests.adapters.http.browser.hands import Pointer

__all__ = ["hand", "portal"]  # fixtures, taken from where they are made


def test_a_resident_erases_the_past_of_one_meter_in_two_clicks_and_a_yes(
    hand: Pointer, portal: Portal, tmp_path: Path
) -> None:
    meters = town(SEED, 1)
    home = settle(portal.ledger, meters[0].number, name="Selma Partial")
    for night in write_nights(tmp_path / "n", meters, [date(2026, 3, 1), date(2026, 3, 2)]):
        take(portal.ledger, night)
    token = sessions.begin(portal.ledger.services, portal.ledger.access, account=home.account)
    hand.page.context.add_cookies([{"name": "session", "value": token, "url": portal.url}])
    hand.page.goto("/accueil")
    hand.go("Tout arrêter")
    hand.look("past-stop")
    hand.follow("Effacer le passé du compteur")
    hand.look("past-told")
    hand.press("Effacer le passé de ce compteur")
    hand.page.get_by_text("Votre demande est enregistrée").wait_for()
    hand.look("past-asked")
    look_after(portal.ledger.services, portal.ledger.cursors)
    hand.follow("Suivre ma demande")
    hand.page.get_by_text("plus personne ne peut les lire").wait_for()
    hand.look("past-followed")
    hand.go("Tout arrêter")
    hand.look("past-stop-after")
    hand.follow("Demande du")
    hand.page.get_by_text("Il est effacé").wait_for()
    hand.look("past-done")
    anew = grant(portal.ledger, home.account, home.meter)
    hand.page.goto(f"/consommation/{anew}")
    hand.page.get_by_text("a été effacé à votre demande").wait_for()
    hand.look("past-consumption")
    assert hand.faults == []

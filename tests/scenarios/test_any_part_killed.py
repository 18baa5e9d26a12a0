"""Any process may be killed at any moment of a day's delivery."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.killing import build_town, check_whole, days_of
from tests.scenarios.parts import deliver_with_kills

if TYPE_CHECKING:
    from tests.application.world import Place, Site


def check(site: Site, place: Place, *, meters: int, files: int, kills: int) -> int:
    with build_town(site, place, meters=meters, files=files) as town:
        hit = deliver_with_kills(place, town.files, Random(kills), kills)
        with place.open() as ledger:
            check_whole(ledger, town)
            ledger.shown.catch_up()
            shown = ledger.shown.digest()
            assert ledger.shown.rebuild().digest() == shown, "what is shown is what the log says"
            assert ledger.shown.store.unread() == []
            assert any(piece.energy_wh for piece in days_of(ledger, town.households[0], town))
    return hit


@pytest.mark.chaos
def test_four_kills_of_any_part_lose_and_double_no_reading_and_no_page(
    site: Site, place: Place
) -> None:
    check(site, place, meters=20, files=40, kills=4)


@pytest.mark.campaign
@pytest.mark.chaos
@pytest.mark.timeout(3_600)
def test_two_hundred_kills_of_any_part_during_deliveries_of_30000_readings(
    site: Site, place: Place
) -> None:
    hit = check(site, place, meters=150, files=200, kills=200)
    print(f"\n{hit} kills -9 of collect, upkeep and serve under 30,000 readings: 0 lost, 0 doubled")
    assert hit >= 150

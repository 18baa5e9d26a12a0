"""Any process may be killed at any moment of a day's delivery."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.ports import free_ports
from tests.scenarios.killing import check_whole, days_of, in_a_home_of_its_own
from tests.scenarios.parts import VICTIMS, Parts, deliver_with_kills

if TYPE_CHECKING:
    from collections import Counter


def check(*, meters: int, files: int, kills: int) -> Counter[str]:
    with in_a_home_of_its_own(meters=meters, files=files) as town:
        parts = Parts(town.place, sftp=free_ports())
        hit = deliver_with_kills(parts, town.files, Random(kills), kills)
        with town.place.open() as ledger:
            check_whole(ledger, town)
            ledger.shown.catch_up()
            shown = ledger.shown.digest()
            assert ledger.shown.rebuild().digest() == shown, "what is shown is what the log says"
            assert ledger.shown.store.unread() == []
            assert any(piece.energy_wh for piece in days_of(ledger, town.households[0], town))
    return hit


@pytest.mark.chaos
def test_a_kill_of_each_part_and_of_the_database_loses_and_doubles_no_reading_and_no_page() -> None:
    check(meters=20, files=40, kills=len(VICTIMS))


@pytest.mark.campaign
@pytest.mark.chaos
@pytest.mark.timeout(7_200)
def test_two_hundred_kills_of_any_part_during_deliveries_of_30000_readings() -> None:
    hit = check(meters=150, files=200, kills=200)
    told = ", ".join(f"{count} of {victim}" for victim, count in sorted(hit.items()))
    print(f"\n{hit.total()} kills -9 ({told}) under 30,000 readings: 0 lost, 0 doubled")
    assert hit.total() >= 150
    assert min(hit[victim] for victim in VICTIMS) >= 20

"""PostgreSQL and every process of the application are killed under load, on a real broker."""

from __future__ import annotations

from random import Random

import pytest

from tests.chaos.at_work import PEOPLE
from tests.chaos.conftest import make_topic
from tests.chaos.history import check, held_by
from tests.chaos.residents import Residents, settle_residents
from tests.ports import free_ports
from tests.scenarios.killing import check_whole, in_a_home_of_its_own
from tests.scenarios.parts import VICTIMS, Parts, deliver_with_kills

pytestmark = pytest.mark.chaos


def kill(broker: str, topic: str, *, meters: int, files: int, kills: int) -> str:
    """Deliver nights and let residents write while parts are killed; return what came of it."""
    made = make_topic(broker, topic, 1)
    with in_a_home_of_its_own(meters=meters, files=files, topic=made) as town:
        with town.place.open() as ledger:
            people, before = settle_residents(ledger, PEOPLE), held_by(ledger)
        web = f"127.0.0.1:{free_ports()}"
        parts = Parts(town.place, sftp=free_ports(), web=web)
        with Residents(f"http://{web}", people) as residents:
            hit = deliver_with_kills(parts, town.files, Random(kills), kills, residents)
        with town.place.open() as ledger:
            check_whole(ledger, town)
            found = check(ledger, residents, before)
    told = ", ".join(f"{count} of {victim}" for victim, count in sorted(hit.items()))
    assert hit.total() >= kills * 3 // 4, told
    return f"{hit.total()} kills -9 ({told}); {meters * files} readings: 0 lost, 0 doubled; {found}"


@pytest.mark.timeout(300)
def test_a_kill_of_each_part_loses_nothing_that_was_told(broker: str, topic: str) -> None:
    told = kill(broker, topic, meters=5, files=10, kills=len(VICTIMS))
    print(f"\nkills on Kafka: {told}")


@pytest.mark.campaign
@pytest.mark.timeout(7_200)
def test_two_hundred_kills_of_any_part(broker: str, topic: str) -> None:
    told = kill(broker, topic, meters=50, files=200, kills=200)
    print(f"\nkills on Kafka: {told}")

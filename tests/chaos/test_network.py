"""The network between the application and its brokers is cut, in both directions and in one."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from adapters.kafka.embedded import EmbeddedKafka
from tests.chaos.at_work import at_work
from tests.chaos.conftest import founded_on
from tests.chaos.network import Apart
from tests.chaos.residents import ENDS_WITHIN_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.application.world import Site

pytestmark = pytest.mark.chaos

BACK_S: Final = 15.0
WAYS: Final = {
    "both ways": (True, True),
    "what is sent": (True, False),
    "what comes back": (False, True),
}


def cut(site: Site, home: Path, topic: str, nodes: int, lengths_s: Sequence[float]) -> str:
    """Cut for so long each time, one way after another; return what came of it."""
    with Apart() as apart:
        brokers, street = apart.lane(), apart.lane()
        with (
            EmbeddedKafka(home, nodes=nodes, host=brokers.ours.address) as kafka,
            founded_on(site, kafka.bootstrap, topic, nodes) as place,
            at_work(place, host=street.theirs.address, inside=apart.inside) as working,
        ):
            for number, length_s in enumerate(lengths_s):
                out, back = [*WAYS.values()][number % len(WAYS)]
                brokers.cut(out=out, back=back)
                time.sleep(length_s)
                brokers.heal()
                working.note_silence(time.monotonic())
    told = f"{working.back}; {working.found}"
    residents = working.residents
    assert residents.late == 0, f"{residents.late} took more than {ENDS_WITHIN_S:.0f} s: {told}"
    assert None not in residents.requests, told
    assert working.worst_s < BACK_S, told
    return told


@pytest.mark.timeout(300)
def test_a_cut_network_costs_residents_seconds_and_nothing_they_were_told(
    site: Site, kafka_place: Path, tmp_path: Path, topic: str
) -> None:
    assert kafka_place.is_dir()
    told = cut(site, tmp_path / "kafka", topic, 1, [3.0, 1.0, 1.0])
    print(f"\nnetwork cut, 3 times: {told}")


@pytest.mark.campaign
@pytest.mark.timeout(7_200)
def test_thirty_cuts_of_the_network(
    site: Site, kafka_place: Path, tmp_path: Path, topic: str
) -> None:
    assert kafka_place.is_dir()
    chance = Random(30)
    lengths_s = [chance.uniform(1, 14) for _ in range(30)]
    told = cut(site, tmp_path / "kafka", topic, 3, lengths_s)
    print(f"\nnetwork cut, {len(lengths_s)} times ({', '.join(WAYS)}, in turn): {told}")

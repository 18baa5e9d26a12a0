"""Leaders are killed and brokers restarted under residents who write through the portal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

from adapters.kafka.place import Place as TopicPlace
from adapters.kafka.wire import Wire
from tests.adapters.kafka.test_leader import settle
from tests.chaos.at_work import at_work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.kafka.embedded import EmbeddedKafka
    from tests.application.world import Place

pytestmark = pytest.mark.chaos

BACK_S: Final = 15.0


def disturb(
    place: Place, cluster: EmbeddedKafka, nodes: Iterator[int], how: Callable[[int], None]
) -> str:
    """Strike one broker after another and start each again; return what came of it."""
    topic = place.topic
    assert topic is not None
    with at_work(place) as working:
        for node in nodes:
            since = time.monotonic()
            how(node)
            working.wait()
            cluster.restart(node)
            settle(TopicPlace(servers=topic.servers, topic=topic.name))
            working.note_silence(since)
    assert working.worst_s < BACK_S, working.back
    return f"{working.back}; {working.found}"


def leaders(place: Place, times: int) -> Iterator[int]:
    """Yield who leads, again and again."""
    assert place.topic is not None
    wire = Wire(TopicPlace(servers=place.topic.servers, topic=place.topic.name))
    for _ in range(times):
        wire.forget_leader()
        yield wire.look_up().node
    wire.close()


def each_in_turn(rounds: int) -> Iterator[int]:
    """Yield every broker, round after round."""
    for _ in range(rounds):
        yield from (1, 2, 3)


def kill(place: Place, cluster: EmbeddedKafka, times: int) -> None:
    came = disturb(place, cluster, leaders(place, times), cluster.kill)
    print(f"\nleaders killed -9, {times}: {came}")


def restart(place: Place, cluster: EmbeddedKafka, rounds: int) -> None:
    came = disturb(place, cluster, each_in_turn(rounds), cluster.stop)
    print(f"\nrolling restarts of three brokers, {rounds}: {came}")


@pytest.mark.timeout(300)
def test_a_killed_leader_costs_residents_seconds_and_nothing_they_were_told(
    on_cluster: Place, cluster: EmbeddedKafka
) -> None:
    kill(on_cluster, cluster, 1)


@pytest.mark.campaign
@pytest.mark.timeout(7_200)
def test_a_hundred_killed_leaders(on_cluster: Place, cluster: EmbeddedKafka) -> None:
    kill(on_cluster, cluster, 100)


@pytest.mark.campaign
@pytest.mark.timeout(7_200)
def test_twenty_rolling_restarts(on_cluster: Place, cluster: EmbeddedKafka) -> None:
    restart(on_cluster, cluster, 20)

"""R3: the process that takes deliveries in may die at any moment."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.application.world import Place, Site
from tests.scenarios.killing import (
    build_town,
    check_like_one_go,
    check_whole,
    in_a_home_of_its_own,
    kill_at_random,
    kill_servers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.scenarios.killing import Town


@pytest.fixture
def small_town(site: Site, place: Place) -> Iterator[Town]:
    with build_town(site, place, meters=100, files=30) as built:
        yield built


@pytest.mark.chaos
def test_ten_kills_of_an_ingestion_lose_and_double_no_reading(small_town: Town) -> None:
    killed, whole = small_town.twin(), small_town.twin()
    done = kill_at_random(killed, small_town.files, Random(3), kills=10)
    said = whole.run("ingest", *small_town.files)
    assert (said.code, said.err) == (0, "")
    with killed.open() as interrupted, whole.open() as straight:
        check_like_one_go(interrupted, straight, small_town)
    assert killed.run("replay").code == 0
    print(f"{done.killed} kills, {done.midway} of them with a batch half taken in")
    assert done.killed == 10


@pytest.mark.chaos
def test_the_servers_death_under_an_ingestion_loses_and_doubles_no_reading() -> None:
    """R4: the embedded server is killed, not the process that uses it."""
    with in_a_home_of_its_own(meters=20, files=12) as town:
        done = kill_servers(town.place, town.files, Random(4), kills=4)
        with town.place.open() as ledger:
            check_whole(ledger, town)
    print(f"{done.killed} servers killed, {done.midway} of them noticed by the process")

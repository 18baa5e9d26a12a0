"""R3: the process that takes deliveries in may die at any moment."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.application.world import Place, Site
from tests.scenarios.killing import build_town, check_like_one_go, kill_at_random

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

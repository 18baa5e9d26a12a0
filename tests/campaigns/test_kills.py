"""The bar: 200 kills -9 of the process during ingestion, at random moments."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.killing import build_town, check_like_one_go, kill_at_random

if TYPE_CHECKING:
    from tests.application.world import Place, Site


@pytest.mark.campaign
@pytest.mark.chaos
def test_two_hundred_kills_of_an_ingestion_lose_and_double_no_reading(
    site: Site, place: Place
) -> None:
    with build_town(site, place, meters=50, files=600) as town:
        killed, whole = town.twin(), town.twin()
        done = kill_at_random(killed, town.files, Random(200), kills=200)
        assert whole.run("ingest", *town.files).code == 0
        with killed.open() as interrupted, whole.open() as straight:
            check_like_one_go(interrupted, straight, town)
            size = interrupted.store.cursor().size
        assert killed.run("replay").code == 0
    readings = len(town.files) * len(town.households)
    print(
        f"\n{done.killed} kills -9, {done.midway} with a batch half taken in: {readings} readings, "
        f"0 lost, 0 doubled; {size} leaves, the same as in one go; all checkpoints consistent"
    )

"""The bar: 200 kills -9 of the process during ingestion, at random moments."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.killing import (
    build_town,
    check_like_one_go,
    check_whole,
    in_a_home_of_its_own,
    kill_at_random,
    kill_servers,
)

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


@pytest.mark.campaign
@pytest.mark.chaos
def test_fifty_deaths_of_the_server_under_an_ingestion_lose_and_double_no_reading() -> None:
    with in_a_home_of_its_own(meters=50, files=150) as town:
        done = kill_servers(town.place, town.files, Random(50), kills=50)
        with town.place.open() as ledger:
            check_whole(ledger, town)
    readings = len(town.files) * len(town.households)
    print(
        f"\n{done.killed} servers killed -9, {done.midway} noticed by the process under way: "
        f"{readings} readings, 0 lost, 0 doubled; all checkpoints consistent"
    )

"""The bars of the drop box: 100 connections cut, 200 collecting processes killed -9."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.delivering import collect, collect_with_kills, push_with_cuts
from tests.scenarios.killing import build_town, check_whole

if TYPE_CHECKING:
    from tests.application.world import Place, Site


@pytest.mark.campaign
@pytest.mark.chaos
@pytest.mark.timeout(1_800)
def test_a_hundred_cut_connections_lose_double_and_halve_nothing(site: Site, place: Place) -> None:
    with build_town(site, place, meters=300, files=40) as town:
        done = push_with_cuts(town.place, town.files, Random(100), cuts=100)
        with collect(town.place) as process:
            out, err = process.communicate(timeout=600)
        assert (process.returncode, err) == (0, "")
        assert [line.count("taken in") for line in out.splitlines()] == [2] * len(town.files)
        with town.place.open() as ledger:
            check_whole(ledger, town)
    print(f"\n{done.cut} connections cut, {done.resumed} gone on with: 0 lost, 0 doubled, 0 halved")
    assert done.cut == 100


@pytest.mark.campaign
@pytest.mark.chaos
@pytest.mark.timeout(3_600)
def test_two_hundred_kills_of_the_collecting_process_lose_and_double_nothing(
    site: Site, place: Place
) -> None:
    with build_town(site, place, meters=50, files=600) as town:
        done = collect_with_kills(town.place, town.files, Random(200), kills=200)
        with town.place.open() as ledger:
            check_whole(ledger, town)
    print(f"\n{done.killed} kills -9, {done.midway} with files left to do: 0 lost, 0 doubled")
    assert done.killed >= 150
